import { describe, expect, it } from 'vitest'
import { expectAccepted, startFlow } from '../support/bed/conformance.js'

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
    const flow = await startFlow({ client: { scope: SCOPE, userInfo: true }, provider: { userClaims } })
    const browser = await expectAccepted(flow)
    expect(flow.provider.requests('authorization')[0]?.parameters.get('scope')).toBe(SCOPE)
    expect((await browser.fetch(`${flow.app.url}/profile`)).json()).toMatchObject({ sub: 'ada', ...userClaims })
  })

  it('reads the claims of the ID token without a UserInfo request', async () => {
    const flow = await startFlow({ client: { scope: SCOPE } }, { claims: userClaims })
    const browser = await expectAccepted(flow)
    expect((await browser.fetch(`${flow.app.url}/profile`)).json()).toMatchObject(userClaims)
    expect(flow.provider.requests('userinfo')).toEqual([])
  })

  it('never replaces a claim of the ID token by one of UserInfo', async () => {
    const flow = await startFlow(
      { client: { userInfo: true } },
      { userInfo: { iss: 'https://other.example', aud: 'other', nonce: 'other', email: 'other@example.com' } },
    )
    const browser = await expectAccepted(flow)
    expect((await browser.fetch(`${flow.app.url}/profile`)).json()).toMatchObject({
      iss: flow.provider.issuer,
      aud: 'app',
      email: 'other@example.com',
    })
  })
})
