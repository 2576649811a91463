import { describe } from 'vitest'
import { refusesLogout } from '../support/provider/logoutTokens.js'

describe('rp-backchannel-rpinitlogout-no-event', () => {
  refusesLogout('a logout token without events', { claims: { events: undefined } })
  refusesLogout('a logout token with an empty events', { claims: { events: {} } })
})
