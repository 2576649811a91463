import { describe } from 'vitest'
import { refusesLogout } from '../support/provider/logoutTokens.js'

describe('rp-backchannel-rpinitlogout-alg-none', () => {
  refusesLogout('an unsigned logout token', { header: { alg: 'none' } })
  refusesLogout('an algorithm called None', { header: { alg: 'None' } })
})
