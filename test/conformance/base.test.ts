import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { accepts, expectAccepted, startFlow } from '../support/bed/conformance.js'

describe('base', () => {
  accepts('a login whose response comes in the query')
  accepts('a login whose response comes with form_post', {}, { client: { responseMode: 'form_post' } })
  accepts('a login at an issuer with a path', {}, { provider: { issuerPath: '/tenants/1' } })
  accepts('a login at an issuer whose path ends with a slash', {}, { provider: { issuerPath: '/test/a/rp/' } })

  it('sends a new state, nonce and S256 challenge with every authorization request', async () => {
    const flow = await startFlow()
    for (let login = 0; login < 3; login++) await expectAccepted(flow)
    const requests = flow.provider.requests('authorization').map(({ parameters }) => parameters)
    expect(requests).toHaveLength(3)
    for (const name of ['state', 'nonce', 'code_challenge']) {
      expect(new Set(requests.map((parameters) => parameters.get(name))).size).toBe(3)
    }
  })

  it('sends the code to the token endpoint once, with the verifier of its challenge', async () => {
    const flow = await startFlow()
    await expectAccepted(flow)
    const [authorization] = flow.provider.requests('authorization')
    const [token, ...more] = flow.provider.requests('token')
    expect(more).toEqual([])
    const verifier = token?.parameters.get('code_verifier') ?? ''
    expect(createHash('sha256').update(verifier).digest('base64url')).toBe(
      authorization?.parameters.get('code_challenge'),
    )
    expect(token?.parameters.get('redirect_uri')).toBe(`${flow.app.url}/callback`)
  })
})
