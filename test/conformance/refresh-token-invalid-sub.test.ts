import { describe } from 'vitest'
import { breakSignature } from '../support/providerKeys.js'
import { rejectsRefresh } from '../support/refreshing.js'

describe('refresh-token-invalid-sub', () => {
  rejectsRefresh('an ID token of another subject', { claims: { sub: 'mallory' } })
  rejectsRefresh('an ID token without sub', { claims: { sub: undefined } })
  rejectsRefresh('an ID token for another client', { claims: { aud: 'other' } })
  rejectsRefresh('an ID token that has expired', { claims: () => ({ exp: Math.floor(Date.now() / 1000) - 60 }) })
  rejectsRefresh('an ID token with an altered signature', { jwt: breakSignature })
  rejectsRefresh('an unsigned ID token', { header: { alg: 'none' } })
})
