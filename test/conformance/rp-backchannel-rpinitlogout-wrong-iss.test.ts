import { describe } from 'vitest'
import { refusesLogout } from '../support/provider/logoutTokens.js'

describe('rp-backchannel-rpinitlogout-wrong-iss', () => {
  refusesLogout('a logout token of another issuer', { claims: { iss: 'https://other.example' } })
  refusesLogout('a logout token of an issuer that is not a URL', { claims: { iss: 'provider' } })
  refusesLogout('a logout token without iss', { claims: { iss: undefined } })
})
