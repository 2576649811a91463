import { describe, expect, it } from 'vitest'
import { startBed } from '../support/bed/bed.js'
import { expectAccepted } from '../support/bed/conformance.js'

const aggregated = {
  _claim_names: { credit_score: 'src1', address: 'src1' },
  _claim_sources: { src1: { JWT: 'eyJhbGciOiJub25lIn0.eyJjcmVkaXRfc2NvcmUiOjY1MH0.' } },
}

describe('aggregated-claims', () => {
  it('keeps them unread, as UserInfo and the ID token have them', async () => {
    const fromUserInfo = await startBed({
      provider: { userInfo: true },
      spoiled: { userClaims: aggregated },
      spoil: {},
    })
    const fromIdToken = await startBed({ spoil: { claims: aggregated } })
    for (const bed of [fromUserInfo, fromIdToken]) {
      const browser = await expectAccepted(bed)
      const claims = (await browser.fetch(`${bed.app.url}/profile`)).json()
      expect(claims).toMatchObject(aggregated)
      expect(claims).not.toHaveProperty('credit_score')
    }
  })
})
