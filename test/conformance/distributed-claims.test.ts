import { describe, expect, it } from 'vitest'
import { expectAccepted, startFlow } from '../support/bed/conformance.js'

describe('distributed-claims', () => {
  it('keeps their sources, and fetches none of them', async () => {
    const flow = await startFlow({ client: { userInfo: true } })
    const distributed = {
      _claim_names: { shoe_size: 'src1' },
      _claim_sources: { src1: { endpoint: `${flow.provider.issuer}/claims`, access_token: 'claims-token' } },
    }
    flow.provider.spoil = { userInfo: distributed }
    const browser = await expectAccepted(flow)
    expect((await browser.fetch(`${flow.app.url}/profile`)).json()).toMatchObject(distributed)
    const endpoints = flow.provider.received.map(({ endpoint }) => endpoint)
    expect(endpoints).toEqual(['discovery', 'authorization', 'token', 'jwks', 'userinfo'])
  })
})
