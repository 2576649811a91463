import { describe, expect, it } from 'vitest'
import { expectCleanError, signIn } from '../support/bed/conformance.js'
import { rejectsRefresh, startExpired } from '../support/bed/refreshing.js'
import { breakSignature } from '../support/provider/providerKeys.js'

describe('refresh-token-invalid-sub', () => {
  rejectsRefresh('an ID token of another subject', { claims: { sub: 'mallory' } })
  rejectsRefresh('an ID token without sub', { claims: { sub: undefined } })
  rejectsRefresh('an ID token for another client', { claims: { aud: 'other' } })
  rejectsRefresh('an ID token that has expired', { claims: () => ({ exp: Math.floor(Date.now() / 1000) - 60 }) })
  rejectsRefresh('an ID token with an altered signature', { jwt: breakSignature })
  rejectsRefresh('an unsigned ID token', { header: { alg: 'none' } })

  it('lets the user sign in again after a refresh was rejected', async () => {
    const { bed, browser } = await startExpired()
    bed.provider.spoil = { claims: { sub: 'mallory' } }
    expectCleanError(bed, await browser.visit(`${bed.app.url}/profile`), 'ERR_ID_TOKEN_INVALID')
    bed.provider.spoil = {}
    expect((await signIn(bed, browser)).answer.json()).toEqual({ kind: 'session', subject: 'ada' })
    expect(bed.provider.requests('authorization')).toHaveLength(2)
    expect((await browser.visit(`${bed.app.url}/profile`)).status).toBe(200)
  })
})
