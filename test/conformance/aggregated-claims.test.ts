import { describe, expect, it } from 'vitest'
import { expectAccepted, startFlow } from '../support/bed/conformance.js'

const aggregated = {
  _claim_names: { credit_score: 'src1', address: 'src1' },
  _claim_sources: { src1: { JWT: 'eyJhbGciOiJub25lIn0.eyJjcmVkaXRfc2NvcmUiOjY1MH0.' } },
}

describe('aggregated-claims', () => {
  it('keeps them unread, as UserInfo and the ID token have them', async () => {
    const fromUserInfo = await startFlow({ client: { userInfo: true }, provider: { userClaims: aggregated } })
    const fromIdToken = await startFlow({}, { claims: aggregated })
    for (const flow of [fromUserInfo, fromIdToken]) {
      const browser = await expectAccepted(flow)
      const claims = (await browser.fetch(`${flow.app.url}/profile`)).json()
      expect(claims).toMatchObject(aggregated)
      expect(claims).not.toHaveProperty('credit_score')
    }
  })
})
