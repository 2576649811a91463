import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { startBed } from '../support/bed/bed.js'
import { accepts, expectAccepted } from '../support/bed/conformance.js'

describe('base', () => {
  accepts('a login whose response comes in the query')
  accepts('a login whose response comes with form_post', {}, { provider: { responseMode: 'form_post' } })
  accepts('a login at an issuer with a path', {}, { spoiled: { issuerPath: '/tenants/1' } })
  accepts('a login at an issuer whose path ends with a slash', {}, { spoiled: { issuerPath: '/test/a/rp/' } })

  it('sends a new state, nonce and S256 challenge with every authorization request', async () => {
    const bed = await startBed({ spoil: {} })
    for (let login = 0; login < 3; login++) await expectAccepted(bed)
    const requests = bed.provider.requests('authorization').map(({ parameters }) => parameters)
    expect(requests).toHaveLength(3)
    for (const name of ['state', 'nonce', 'code_challenge']) {
      expect(new Set(requests.map((parameters) => parameters.get(name))).size).toBe(3)
    }
  })

  it('sends the code to the token endpoint once, with the verifier of its challenge', async () => {
    const bed = await startBed({ spoil: {} })
    await expectAccepted(bed)
    const [authorization] = bed.provider.requests('authorization')
    const [token, ...more] = bed.provider.requests('token')
    expect(more).toEqual([])
    const verifier = token?.parameters.get('code_verifier') ?? ''
    expect(createHash('sha256').update(verifier).digest('base64url')).toBe(
      authorization?.parameters.get('code_challenge'),
    )
    expect(token?.parameters.get('redirect_uri')).toBe(`${bed.app.url}/callback`)
  })
})
