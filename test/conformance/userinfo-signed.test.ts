import { createSecretKey } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { startBed } from '../support/bed/bed.js'
import { expectAccepted, rejects } from '../support/bed/conformance.js'
import { breakSignature } from '../support/provider/providerKeys.js'

const settings = {
  provider: { userInfo: true },
  spoiled: { signedUserInfo: true, userClaims: { email: 'ada@example.com' } },
} as const

describe('userinfo-signed', () => {
  it('verifies and reads a UserInfo response signed with RS256', async () => {
    const bed = await startBed({ ...settings, spoil: {} })
    const browser = await expectAccepted(bed)
    const profile = await browser.fetch(`${bed.app.url}/profile`)
    expect(profile.json()).toMatchObject({ sub: 'ada', email: 'ada@example.com' })
  })

  rejects('an altered signature', { userInfoJwt: { jwt: breakSignature } }, 'ERR_USERINFO_INVALID', settings)
  rejects('an unsigned JWT', { userInfoJwt: { header: { alg: 'none' } } }, 'ERR_USERINFO_INVALID', settings)
  rejects(
    'HS256 with the client secret',
    { userInfoJwt: { header: { alg: 'HS256' } } },
    'ERR_USERINFO_INVALID',
    settings,
  )
  rejects('ES256, unlike the ID token', { userInfoJwt: { header: { alg: 'ES256' } } }, 'ERR_USERINFO_INVALID', settings)
  rejects(
    'HS256 with the public key as secret',
    {
      userInfoJwt: {
        header: { alg: 'HS256' },
        key: ({ rsa }) => ({ jwk: rsa.jwk, privateKey: createSecretKey(Buffer.from(JSON.stringify(rsa.jwk))) }),
      },
    },
    'ERR_USERINFO_INVALID',
    settings,
  )
  rejects(
    'a response of another issuer',
    { userInfo: { iss: 'https://other.example' } },
    'ERR_USERINFO_INVALID',
    settings,
  )
  rejects('a response for another client', { userInfo: { aud: 'other' } }, 'ERR_USERINFO_INVALID', settings)
  rejects('a response over 64 KiB', { userInfo: { padding: 'x'.repeat(66_000) } }, 'ERR_USERINFO_INVALID', settings)
  rejects('a response of another subject', { userInfo: { sub: 'mallory' } }, 'ERR_USERINFO_INVALID', settings)
})
