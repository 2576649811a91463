import { describe, expect, it } from 'vitest'
import { startBed } from '../support/bed/bed.js'
import { expectAccepted, expectRejected } from '../support/bed/conformance.js'

const provider = { clientAuth: 'client_secret_post', clientSecret: 'a:b%c+d/e&f=g?h#i j~kö€' } as const

describe('client-secret-post', () => {
  it('authenticates in the body, and in no other way', async () => {
    const bed = await startBed({ spoiled: provider, spoil: {} })
    await expectAccepted(bed)
    const [request] = bed.provider.requests('token')
    expect(request?.parameters.get('client_secret')).toBe(provider.clientSecret)
    expect(request?.headers.authorization).toBeUndefined()
  })

  it('does not sign anyone in if the provider requires another method', async () => {
    await expectRejected(
      await startBed({ provider: { clientAuth: 'client_secret_basic' }, spoiled: provider, spoil: {} }),
      'ERR_CLIENT_REFUSED',
    )
  })
})
