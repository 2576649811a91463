import { describe } from 'vitest'
import { refusesLogout } from '../support/provider/logoutTokens.js'
import { breakSignature } from '../support/provider/providerKeys.js'

describe('rp-backchannel-rpinitlogout-wrong-alg', () => {
  refusesLogout('a signature with another algorithm', { header: { alg: 'ES256' } })
  refusesLogout('a signature with the client secret', { header: { alg: 'HS256' } })
  refusesLogout('a wrong signature', { jwt: breakSignature })
})
