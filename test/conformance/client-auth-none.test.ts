import { describe, expect, it } from 'vitest'
import { expectAccepted, expectRejected, startFlow } from '../support/bed/conformance.js'

describe('client-auth-none', () => {
  it('sends the client_id of a public client in the body, and no secret even if it has one', async () => {
    const flow = await startFlow({ provider: { clientAuth: 'none' } })
    await expectAccepted(flow)
    const [request] = flow.provider.requests('token')
    expect(request?.parameters.get('client_id')).toBe('app')
    expect(request?.parameters.has('client_secret')).toBe(false)
    expect(request?.headers.authorization).toBeUndefined()
  })

  it('does not sign anyone in without client authentication if the provider requires it', async () => {
    await expectRejected(await startFlow({ client: { clientAuth: 'none' } }), 'ERR_CLIENT_REFUSED')
  })
})
