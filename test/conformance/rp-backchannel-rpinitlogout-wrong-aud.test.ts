import { describe } from 'vitest'
import { refusesLogout } from '../support/provider/logoutTokens.js'

describe('rp-backchannel-rpinitlogout-wrong-aud', () => {
  refusesLogout('a logout token for another client', { claims: { aud: 'other' } })
  refusesLogout('a logout token for other clients', { claims: { aud: ['other', 'application'] } })
  refusesLogout('a logout token without aud', { claims: { aud: undefined } })
})
