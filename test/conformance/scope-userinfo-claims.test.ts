import { describe, expect, it } from 'vitest'
import { startBed } from '../support/bed/bed.js'
import { expectAccepted } from '../support/bed/conformance.js'

const SCOPE = 'openid profile email phone address'

const userClaims = {
  name: 'Ada Lovelace',
  email: 'ada@example.com',
  email_verified: true,
  phone_number: '+44 20 7946 0000',
  address: { locality: 'London', country: 'GB' },
}

describe('scope-userinfo-claims', () => {
  it('sends the scopes, and reads the claims of UserInfo', async () => {
    const bed = await startBed({ provider: { scope: SCOPE, userInfo: true }, spoiled: { userClaims }, spoil: {} })
    const browser = await expectAccepted(bed)
    expect(bed.provider.requests('authorization')[0]?.parameters.get('scope')).toBe(SCOPE)
    expect((await browser.fetch(`${bed.app.url}/profile`)).json()).toMatchObject({ sub: 'ada', ...userClaims })
  })

  it('reads the claims of the ID token without a UserInfo request', async () => {
    const bed = await startBed({ provider: { scope: SCOPE }, spoil: { claims: userClaims } })
    const browser = await expectAccepted(bed)
    expect((await browser.fetch(`${bed.app.url}/profile`)).json()).toMatchObject(userClaims)
    expect(bed.provider.requests('userinfo')).toEqual([])
  })

  it('never replaces a claim of the ID token by one of UserInfo', async () => {
    const bed = await startBed({
      provider: { userInfo: true },
      spoil: { userInfo: { iss: 'https://other.example', aud: 'other', nonce: 'other', email: 'other@example.com' } },
    })
    const browser = await expectAccepted(bed)
    expect((await browser.fetch(`${bed.app.url}/profile`)).json()).toMatchObject({
      iss: bed.provider.issuer,
      aud: 'app',
      email: 'other@example.com',
    })
  })
})
