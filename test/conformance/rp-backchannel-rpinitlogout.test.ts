import { describe, expect, it, vi } from 'vitest'
import { expectAccepted } from '../support/bed/conformance.js'
import { UserAgent } from '../support/bed/userAgent.js'
import {
  acceptsLogout,
  deliver,
  expectEnded,
  expectKept,
  logoutToken,
  refusesLogout,
  signInAs,
  startLogoutBed,
  subjectIn,
} from '../support/provider/logoutTokens.js'
import { createRsaKey } from '../support/provider/providerKeys.js'
import { fakeDate } from '../support/run/waiting.js'

const old = (age: number) => ({ iat: Math.floor(Date.now() / 1000) - age })

describe('rp-backchannel-rpinitlogout', () => {
  acceptsLogout('the logout token of its provider')
  acceptsLogout('a logout token that names the session only', { claims: { sub: undefined } })
  acceptsLogout('a logout token that names the user only', { claims: { sid: undefined } })
  acceptsLogout('a logout token of the type JWT', { header: { typ: 'JWT' } })
  acceptsLogout('a logout token without a type', { header: { typ: undefined } })
  acceptsLogout('a logout token for several clients', { claims: { aud: ['other', 'app'] } })
  acceptsLogout('a logout token four minutes old', { claims: { ...old(240) } })
  acceptsLogout('members that it does not know', { claims: { extra: { a: 1 } }, header: { extra: 'b' } })

  refusesLogout('a logout token without sub and sid', { claims: { sub: undefined, sid: undefined } })
  refusesLogout('a sub that is not a string', { claims: { sub: 1, sid: undefined } })
  refusesLogout('a sid that is not a string', { claims: { sid: ['sid-1'] } })
  refusesLogout('a logout token without jti', { claims: { jti: undefined } })
  refusesLogout('a logout token without iat', { claims: { iat: undefined } })
  refusesLogout('a logout token without exp', { claims: { exp: undefined } })
  refusesLogout('an iat as a string', { claims: { iat: String(Math.floor(Date.now() / 1000)) } })
  refusesLogout('a logout token that has expired', { claims: { ...old(200), exp: old(100).iat } })
  refusesLogout('an old logout token, whatever its exp', { claims: old(400) })
  refusesLogout('a logout token from the future', { claims: old(-100) })
  refusesLogout('an ID token', {
    header: { typ: 'JWT' },
    claims: ({ iss, sub, aud, iat, exp }) => ({ iss, sub, aud, iat, exp, nonce: 'n', events: undefined }),
  })
  refusesLogout('another kind of token, by its type', { header: { typ: 'at+jwt' } })
  refusesLogout('text that is not a JWT', { jwt: () => 'not.a.jwt' })
  refusesLogout('an array of claims', { payload: (claims) => `[${claims}]` })

  it('refuses a signature with an unpublished key', async () => {
    const bed = await startLogoutBed()
    const browser = await expectAccepted(bed)
    const foreign = await createRsaKey()
    await expectKept(bed, browser, await deliver(bed, await logoutToken(bed, { key: () => foreign })))
    await expectEnded(bed, browser, await deliver(bed, await logoutToken(bed)))
  })

  it('refuses a logout token that was already used', async () => {
    const bed = await startLogoutBed()
    await expectAccepted(bed)
    const token = await logoutToken(bed, { claims: { sid: undefined } })
    expect((await deliver(bed, token)).status).toBe(200)
    const later = await signInAs(bed, { sid: 'sid-2' })
    await expectKept(bed, later, await deliver(bed, token))
  })

  it('ends one session with a sid, and keeps the other sessions of that user', async () => {
    const bed = await startLogoutBed()
    const one = await expectAccepted(bed)
    const other = await signInAs(bed, { sid: 'sid-2' })
    await expectEnded(bed, one, await deliver(bed, await logoutToken(bed)))
    expect(await subjectIn(bed, other)).toBe('ada')
  })

  it('ends all sessions of one user with a sub, and keeps those of others', async () => {
    const bed = await startLogoutBed()
    const one = await expectAccepted(bed)
    const two = await signInAs(bed, { sid: 'sid-2' })
    const grace = await signInAs(bed, { sub: 'grace', sid: 'sid-3' })
    await expectEnded(bed, one, await deliver(bed, await logoutToken(bed, { claims: { sid: undefined } })))
    expect(await subjectIn(bed, two)).toBeNull()
    expect(await subjectIn(bed, grace)).toBe('grace')
  })

  it('is not undone by a later login, and does not end that', async () => {
    const bed = await startLogoutBed()
    const before = await expectAccepted(bed)
    for (const claims of [{ sid: undefined }, {}]) {
      expect((await deliver(bed, await logoutToken(bed, { claims }))).status).toBe(200)
      const later = await signInAs(bed, { sid: 'sid-2' })
      expect(await subjectIn(bed, later)).toBe('ada')
      expect(await subjectIn(bed, before)).toBeNull()
    }
  })

  it.each([
    ['of the session', {}],
    ['of the user', { sid: undefined }],
  ])('refuses a login in progress when the provider reported the end %s', async (_, claims) => {
    const bed = await startLogoutBed()
    const { app, provider } = bed
    const begun = Math.floor(Date.now() / 1000) - 10
    provider.spoil = { claims: { sid: 'sid-1', iat: begun } }
    const control = new UserAgent()
    await control.visit(`${app.url}/login`)
    expect(await subjectIn(bed, control)).toBe('ada')

    const browser = new UserAgent()
    const callback = await browser.visitUntil(`${app.url}/login`, `${app.url}/callback`)
    expect((await deliver(bed, await logoutToken(bed, { claims }))).status).toBe(200)
    const answer = await browser.visit(callback.url, callback.init)
    expect(answer.status).toBe(401)
    expect(app.errors.splice(0)).toMatchObject([{ code: 'ERR_SESSION_ENDED' }])
    expect(await subjectIn(bed, browser)).toBeNull()
  })

  it.each([
    ['a repeated logout_token', (token: string) => `logout_token=${token}&logout_token=${token}`],
    ['no logout_token', () => 'token=1'],
    ['an empty body', () => ''],
  ])('refuses a request with %s', async (_, bodyOf) => {
    const bed = await startLogoutBed()
    const browser = await expectAccepted(bed)
    const body = bodyOf(await logoutToken(bed))
    const answer = await new UserAgent().fetch(`${bed.app.url}/backchannel-logout`, { method: 'POST', body })
    await expectKept(bed, browser, answer)
  })

  it('refuses a logout token in the query, which would end up in logs', async () => {
    const bed = await startLogoutBed()
    const browser = await expectAccepted(bed)
    const token = await logoutToken(bed)
    const answer = await new UserAgent().fetch(`${bed.app.url}/backchannel-logout?logout_token=${token}`)
    expect(answer.status).toBe(405)
    expect(answer.headers.allow).toBe('POST')
    bed.app.errors.length = 0
    expect(await subjectIn(bed, browser)).toBe('ada')
  })

  it('answers 503 while the keys cannot be fetched, and accepts the token later', async () => {
    fakeDate()
    const bed = await startLogoutBed()
    const browser = await expectAccepted(bed)
    bed.provider.keys = { ...bed.provider.keys, rsa: await createRsaKey() }
    const token = await logoutToken(bed)
    bed.provider.spoil = { reply: { jwks: () => ({ status: 500 }) } }
    for (let i = 0; i < 2; i++) {
      const answer = await deliver(bed, token)
      expect(answer.status).toBe(503)
      expect(answer.headers['retry-after']).toBe('5')
    }
    expect(bed.app.errors.splice(0)).toMatchObject(Array(2).fill({ code: 'ERR_PROVIDER_UNAVAILABLE' }))
    expect(await subjectIn(bed, browser)).toBe('ada')
    bed.provider.spoil = {}
    vi.setSystemTime(Date.now() + 31_000)
    await expectEnded(bed, browser, await deliver(bed, token))
  })
})
