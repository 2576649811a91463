import { describe, expect, it, onTestFinished, vi } from 'vitest'
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
  startLogoutFlow,
  subjectIn,
} from '../support/provider/logoutTokens.js'
import { createRsaKey } from '../support/provider/providerKeys.js'

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
    const flow = await startLogoutFlow()
    const browser = await expectAccepted(flow)
    const foreign = await createRsaKey()
    await expectKept(flow, browser, await deliver(flow, await logoutToken(flow, { key: () => foreign })))
    await expectEnded(flow, browser, await deliver(flow, await logoutToken(flow)))
  })

  it('refuses a logout token that was already used', async () => {
    const flow = await startLogoutFlow()
    await expectAccepted(flow)
    const token = await logoutToken(flow, { claims: { sid: undefined } })
    expect((await deliver(flow, token)).status).toBe(200)
    const later = await signInAs(flow, { sid: 'sid-2' })
    await expectKept(flow, later, await deliver(flow, token))
  })

  it('ends one session with a sid, and keeps the other sessions of that user', async () => {
    const flow = await startLogoutFlow()
    const one = await expectAccepted(flow)
    const other = await signInAs(flow, { sid: 'sid-2' })
    await expectEnded(flow, one, await deliver(flow, await logoutToken(flow)))
    expect(await subjectIn(flow, other)).toBe('ada')
  })

  it('ends all sessions of one user with a sub, and keeps those of others', async () => {
    const flow = await startLogoutFlow()
    const one = await expectAccepted(flow)
    const two = await signInAs(flow, { sid: 'sid-2' })
    const grace = await signInAs(flow, { sub: 'grace', sid: 'sid-3' })
    await expectEnded(flow, one, await deliver(flow, await logoutToken(flow, { claims: { sid: undefined } })))
    expect(await subjectIn(flow, two)).toBeNull()
    expect(await subjectIn(flow, grace)).toBe('grace')
  })

  it('is not undone by a later login, and does not end that', async () => {
    const flow = await startLogoutFlow()
    const before = await expectAccepted(flow)
    for (const claims of [{ sid: undefined }, {}]) {
      expect((await deliver(flow, await logoutToken(flow, { claims }))).status).toBe(200)
      const later = await signInAs(flow, { sid: 'sid-2' })
      expect(await subjectIn(flow, later)).toBe('ada')
      expect(await subjectIn(flow, before)).toBeNull()
    }
  })

  it.each([
    ['of the session', {}],
    ['of the user', { sid: undefined }],
  ])('refuses a login that was under way when the provider told of the end %s', async (_, claims) => {
    const flow = await startLogoutFlow()
    const { app, provider } = flow
    const begun = Math.floor(Date.now() / 1000) - 10
    provider.spoil = { claims: { sid: 'sid-1', iat: begun } }
    const control = new UserAgent()
    await control.visit(`${app.url}/login`)
    expect(await subjectIn(flow, control)).toBe('ada')

    const browser = new UserAgent()
    const callback = await browser.visitUntil(`${app.url}/login`, `${app.url}/callback`)
    expect((await deliver(flow, await logoutToken(flow, { claims }))).status).toBe(200)
    const answer = await browser.visit(callback.url, callback.init)
    expect(answer.status).toBe(401)
    expect(app.errors.splice(0)).toMatchObject([{ code: 'ERR_SESSION_ENDED' }])
    expect(await subjectIn(flow, browser)).toBeNull()
  })

  it.each([
    ['a repeated logout_token', (token: string) => `logout_token=${token}&logout_token=${token}`],
    ['no logout_token', () => 'token=1'],
    ['an empty body', () => ''],
  ])('refuses a request with %s', async (_, bodyOf) => {
    const flow = await startLogoutFlow()
    const browser = await expectAccepted(flow)
    const body = bodyOf(await logoutToken(flow))
    const answer = await new UserAgent().fetch(`${flow.app.url}/backchannel-logout`, { method: 'POST', body })
    await expectKept(flow, browser, answer)
  })

  it('refuses a logout token in the query, which would end up in logs', async () => {
    const flow = await startLogoutFlow()
    const browser = await expectAccepted(flow)
    const token = await logoutToken(flow)
    const answer = await new UserAgent().fetch(`${flow.app.url}/backchannel-logout?logout_token=${token}`)
    expect(answer.status).toBe(405)
    expect(answer.headers.allow).toBe('POST')
    flow.app.errors.length = 0
    expect(await subjectIn(flow, browser)).toBe('ada')
  })

  it('answers 503 while the keys cannot be fetched, and accepts the token later', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    onTestFinished(() => void vi.useRealTimers())
    const flow = await startLogoutFlow()
    const browser = await expectAccepted(flow)
    flow.provider.keys = { ...flow.provider.keys, rsa: await createRsaKey() }
    const token = await logoutToken(flow)
    flow.provider.spoil = { reply: { jwks: () => ({ status: 500 }) } }
    for (let i = 0; i < 2; i++) {
      const answer = await deliver(flow, token)
      expect(answer.status).toBe(503)
      expect(answer.headers['retry-after']).toBe('5')
    }
    expect(flow.app.errors.splice(0)).toMatchObject(Array(2).fill({ code: 'ERR_PROVIDER_UNAVAILABLE' }))
    expect(await subjectIn(flow, browser)).toBe('ada')
    flow.provider.spoil = {}
    vi.setSystemTime(Date.now() + 31_000)
    await expectEnded(flow, browser, await deliver(flow, token))
  })
})
