import { describe } from 'vitest'
import { refusesLogout } from '../support/provider/logoutTokens.js'

describe('rp-backchannel-rpinitlogout-wrong-event', () => {
  refusesLogout('another event', { claims: { events: { 'http://schemas.openid.net/event/other': {} } } })
  refusesLogout('an event that is not an object', {
    claims: { events: { 'http://schemas.openid.net/event/backchannel-logout': true } },
  })
  refusesLogout('events as an array', {
    claims: { events: ['http://schemas.openid.net/event/backchannel-logout'] },
  })
})
