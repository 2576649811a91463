/** RFC 7515 §4.1.11, RFC 7797 §7: header extensions are refused in every JWT that a provider sends. */
import { describe } from 'vitest'
import { accepts, rejects } from '../support/bed/conformance.js'
import { refusesLogout } from '../support/provider/logoutTokens.js'

const settings = {
  provider: { userInfo: true },
  spoiled: { signedUserInfo: true, userClaims: { email: 'ada@example.com' } },
} as const

const EXTENSIONS = [
  ['crit', { crit: ['exotic'], exotic: true }],
  ['zip', { zip: 'DEF' }],
] as const

describe('an extension in a JWT header', () => {
  accepts('a header parameter without meaning', { header: { exotic: true } })
  for (const [name, header] of EXTENSIONS) {
    rejects(`${name} in an ID token`, { header }, 'ERR_ID_TOKEN_INVALID')
    rejects(`${name} in a UserInfo response`, { userInfoJwt: { header } }, 'ERR_USERINFO_INVALID', settings)
    refusesLogout(`${name} in a logout token`, { header })
  }
})
