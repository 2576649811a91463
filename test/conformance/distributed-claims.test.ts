import { describe, expect, it } from 'vitest'
import { startBed } from '../support/bed/bed.js'
import { expectAccepted } from '../support/bed/conformance.js'

describe('distributed-claims', () => {
  it('keeps their sources, and fetches none of them', async () => {
    const bed = await startBed({ provider: { userInfo: true }, spoil: {} })
    const distributed = {
      _claim_names: { shoe_size: 'src1' },
      _claim_sources: { src1: { endpoint: `${bed.provider.issuer}/claims`, access_token: 'claims-token' } },
    }
    bed.provider.spoil = { userInfo: distributed }
    const browser = await expectAccepted(bed)
    expect((await browser.fetch(`${bed.app.url}/profile`)).json()).toMatchObject(distributed)
    const endpoints = bed.provider.received.map(({ endpoint }) => endpoint)
    expect(endpoints).toEqual(['discovery', 'authorization', 'token', 'jwks', 'userinfo'])
  })
})
