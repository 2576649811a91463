import { describe, expect, it } from 'vitest'
import { startBed } from '../support/bed/bed.js'
import { expectAccepted, expectRejected } from '../support/bed/conformance.js'

describe('client-auth-none', () => {
  it('sends the client_id of a public client in the body, and no secret even if it has one', async () => {
    const bed = await startBed({ spoiled: { clientAuth: 'none' }, spoil: {} })
    await expectAccepted(bed)
    const [request] = bed.provider.requests('token')
    expect(request?.parameters.get('client_id')).toBe('app')
    expect(request?.parameters.has('client_secret')).toBe(false)
    expect(request?.headers.authorization).toBeUndefined()
  })

  it('does not sign anyone in without client authentication if the provider requires it', async () => {
    await expectRejected(await startBed({ provider: { clientAuth: 'none' }, spoil: {} }), 'ERR_CLIENT_REFUSED')
  })
})
