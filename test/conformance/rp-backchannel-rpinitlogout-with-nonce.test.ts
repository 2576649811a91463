import { describe } from 'vitest'
import { refusesLogout } from '../support/provider/logoutTokens.js'

describe('rp-backchannel-rpinitlogout-with-nonce', () => {
  refusesLogout('a logout token with a nonce', { claims: { nonce: 'a nonce' } })
  refusesLogout('a logout token with a null nonce', { claims: { nonce: null } })
})
