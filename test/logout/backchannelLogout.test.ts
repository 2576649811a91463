import express, { type Express } from 'express'
import { MemoryStore } from 'express-session'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { type AuthStore, backchannelLogout } from '../../src/index.js'
import { type AppOptions, startApp } from '../support/bed/app.js'
import { muteExpress, type SpoiledBed, startBed } from '../support/bed/bed.js'
import { expectAccepted } from '../support/bed/conformance.js'
import { codesOf } from '../support/bed/observed.js'
import { type Answer, type Init, UserAgent } from '../support/bed/userAgent.js'
import {
  deliver,
  expectEnded,
  expectKept,
  logoutToken,
  refusesLogout,
  signInAs,
  startLogoutBed,
  subjectIn,
} from '../support/provider/logoutTokens.js'
import { SpoiledProvider } from '../support/provider/spoiledProvider.js'
import { fakeDate } from '../support/run/waiting.js'
import { MemoryAuthStore } from '../support/stores/memoryAuthStore.js'

const EVENT = 'http://schemas.openid.net/event/backchannel-logout'

beforeEach(muteExpress)

const routes = (app: Express) => void app.all('/backchannel-logout', backchannelLogout())
const start = (app: Omit<AppOptions, 'provider'> = {}) =>
  startBed({ routes, ...app, spoil: { claims: { sid: 'sid-1' } } })
const post = ({ app }: Pick<SpoiledBed, 'app'>, init: Init): Promise<Answer> =>
  new UserAgent().fetch(`${app.url}/backchannel-logout`, { method: 'POST', ...init })

/** Starts another process of the same application. */
async function startAnother({ provider }: SpoiledBed, settings: AppOptions): Promise<SpoiledBed> {
  const app = await startApp(provider.issuer, { routes, ...settings })
  return { app, provider }
}

function pass(seconds: number): void {
  vi.setSystemTime(Date.now() + seconds * 1000)
}

describe('a back-channel logout request', () => {
  it.each<[string, (token: string) => Init, number, string]>([
    [
      'JSON',
      (token) => ({ headers: { 'content-type': 'application/json' }, body: JSON.stringify({ logout_token: token }) }),
      400,
      'ERR_LOGOUT_TOKEN_INVALID',
    ],
    [
      'the bare token',
      (token) => ({ headers: { 'content-type': 'application/jwt' }, body: token }),
      400,
      'ERR_LOGOUT_TOKEN_INVALID',
    ],
    ['an array', (token) => ({ body: `logout_token[]=${token}` }), 400, 'ERR_LOGOUT_TOKEN_INVALID'],
    ['an object', (token) => ({ body: `logout_token[a]=${token}` }), 400, 'ERR_LOGOUT_TOKEN_INVALID'],
    ['too much', (token) => ({ body: `logout_token=${token}&x=${'x'.repeat(300_000)}` }), 413, 'ERR_BODY_TOO_LARGE'],
  ])('with %s is refused and not cached, and the session stays', async (what, initOf, status, code) => {
    const bed = await start({
      before: (app) => void app.use(express.json(), what === 'too much' ? [] : express.urlencoded({ extended: true })),
    })
    const browser = await expectAccepted(bed)
    const answer = await post(bed, initOf(await logoutToken(bed)))
    expect(answer.status).toBe(status)
    expect(answer.headers['cache-control']).toBe('no-store')
    expect(codesOf(bed.app)).toEqual([code])
    expect(await subjectIn(bed, browser)).toBe('ada')
    await expectEnded(bed, browser, await deliver(bed, await logoutToken(bed)))
  })

  it.each(['GET', 'PUT', 'DELETE', 'PATCH'])('by %s is refused and not cached', async (method) => {
    const bed = await start()
    const browser = await expectAccepted(bed)
    const query = new URLSearchParams({ logout_token: await logoutToken(bed) })
    const answer = await new UserAgent().fetch(`${bed.app.url}/backchannel-logout?${query}`, { method })
    expect([answer.status, answer.headers.allow, answer.headers['cache-control']]).toEqual([405, 'POST', 'no-store'])
    bed.app.errors.length = 0
    expect(await subjectIn(bed, browser)).toBe('ada')
  })

  it("needs no cookie and ignores one: another user's session stays, and none is created", async () => {
    const bed = await start()
    const browser = await expectAccepted(bed)
    const grace = await signInAs(bed, { sub: 'grace', sid: 'sid-2' })
    const body = { logout_token: await logoutToken(bed) }
    const answer = await grace.fetch(`${bed.app.url}/backchannel-logout`, { method: 'POST', body })
    await expectEnded(bed, browser, answer)
    expect(await subjectIn(bed, grace)).toBe('grace')
    expect((await deliver(bed, await logoutToken(bed))).headers['set-cookie']).toBeUndefined()
  })
})

describe('a logout token', () => {
  it.each<[string, () => object]>([
    ['that expired 20 seconds ago', () => ({ exp: seconds() - 20 })],
    ['that is issued in 20 seconds', () => ({ iat: seconds() + 20 })],
    ['that is 320 seconds old', () => ({ iat: seconds() - 320 })],
  ])('%s is accepted, as clocks may differ by half a minute', async (_, claims) => {
    const bed = await startLogoutBed()
    const browser = await expectAccepted(bed)
    await expectEnded(
      bed,
      browser,
      await deliver(bed, await logoutToken(bed, { claims: { sid: undefined, ...claims() } })),
    )
  })

  it('is accepted with its full media type as typ', async () => {
    const bed = await startLogoutBed()
    const browser = await expectAccepted(bed)
    const token = await logoutToken(bed, { header: { typ: 'application/logout+jwt' } })
    await expectEnded(bed, browser, await deliver(bed, token))
  })

  refusesLogout('a typ that is not a string', { header: { typ: ['logout+jwt'] } })
  refusesLogout('an empty jti', { claims: { jti: '' } })
  refusesLogout('an empty sid', { claims: { sid: '' } })
  refusesLogout('an empty sub', { claims: { sub: '', sid: undefined } })
  refusesLogout('an event that is an array', { claims: { events: { [EVENT]: [] } } })
  refusesLogout('an event that is null', { claims: { events: { [EVENT]: null } } })
  refusesLogout('a member of every object as the event', {
    claims: { events: JSON.parse('{"__proto__": {}}') as object },
  })

  it('for another client is refused with that client in the cause', async () => {
    const bed = await startLogoutBed()
    await deliver(bed, await logoutToken(bed, { claims: { aud: 'other' } }))
    expect(bed.app.errors).toMatchObject([{ cause: { claim: 'aud', expected: 'app', actual: 'other' } }])
  })

  it('ends the session of its sid, whatever its sub, and no other session of either', async () => {
    const bed = await startLogoutBed()
    const named = await expectAccepted(bed)
    const other = await signInAs(bed, { sid: 'sid-2' })
    const grace = await signInAs(bed, { sub: 'grace', sid: 'sid-3' })
    await expectEnded(bed, named, await deliver(bed, await logoutToken(bed, { claims: { sub: 'grace' } })))
    expect([await subjectIn(bed, other), await subjectIn(bed, grace)]).toEqual(['ada', 'grace'])
  })

  it("with sub and sid also ends the subject's sessions whose ID token had no sid, and only those", async () => {
    const bed = await startLogoutBed()
    const named = await expectAccepted(bed)
    const unnamed = [await signInAs(bed, {}), await signInAs(bed, {})]
    const other = await signInAs(bed, { sid: 'sid-2' })
    const grace = await signInAs(bed, { sub: 'grace' })
    expect(await subjectIn(bed, unnamed[0] as UserAgent)).toBe('ada')
    const token = await logoutToken(bed)
    for (const browser of [named, ...unnamed])
      await expectEnded(bed, browser, await deliver(bed, await logoutToken(bed)))
    expect([await subjectIn(bed, other), await subjectIn(bed, grace)]).toEqual(['ada', 'grace'])
    // Without sub it cannot name sessions without a sid: they stay.
    const later = await signInAs(bed, {})
    expect((await deliver(bed, await logoutToken(bed, { claims: { sub: undefined } }))).status).toBe(200)
    expect(await subjectIn(bed, later)).toBe('ada')
    await expectEnded(bed, later, await deliver(bed, token))
    expect(bed.app.events).toContainEqual(
      expect.objectContaining({ type: 'sessions.ended', subject: 'ada', withoutSid: true }),
    )
  })

  it('from an issuer configured without its trailing slash is accepted, as its logins are', async () => {
    const provider = await SpoiledProvider.start({ issuerPath: '/' })
    provider.spoil = { claims: { sid: 'sid-1' } }
    const app = await startApp(provider.issuer.slice(0, -1), { routes })
    const bed = { app, provider }
    const browser = await expectAccepted(bed)
    await expectKept(
      bed,
      browser,
      await deliver(bed, await logoutToken(bed, { claims: { iss: provider.issuer.slice(0, -1) } })),
    )
    await expectEnded(bed, browser, await deliver(bed, await logoutToken(bed)))
  })

  it('emits an event for the session, or for all sessions of the user', async () => {
    const bed = await startLogoutBed()
    await expectAccepted(bed)
    await deliver(bed, await logoutToken(bed))
    expect(bed.app.events.at(-1)).toMatchObject({
      type: 'session.ended',
      subject: 'ada',
      reason: 'backchannel_logout',
    })
    await deliver(bed, await logoutToken(bed, { claims: { sid: undefined } }))
    expect(bed.app.events.at(-1)).toMatchObject({
      type: 'sessions.ended',
      subject: 'ada',
      reason: 'backchannel_logout',
    })
  })
})

describe('a logout token is accepted once', () => {
  it('while it is valid, and is refused for its times afterwards', async () => {
    fakeDate()
    for (const [claims, usable, refusedBy] of [
      [{ exp: seconds() + 120 }, 149, 'exp'],
      [{ exp: seconds() + 100_000 }, 329, 'iat'],
    ] as const) {
      const bed = await startLogoutBed()
      const token = await logoutToken(bed, { claims })
      expect((await deliver(bed, token)).status).toBe(200)
      pass(usable)
      await deliver(bed, token)
      pass(2)
      await deliver(bed, token)
      expect(bed.app.errors).toMatchObject([{ cause: { claim: 'jti' } }, { cause: { claim: refusedBy } }])
    }
  })

  it('and is remembered no longer than it is valid', async () => {
    const store = new MemoryAuthStore()
    const add = vi.spyOn(store, 'add')
    const bed = await start({ options: { store } })
    const exp = seconds() + 100_000
    expect((await deliver(bed, await logoutToken(bed, { claims: { exp } }))).status).toBe(200)
    const [, , ttl] = add.mock.calls.find(([key]) => key.startsWith('jti:')) ?? expect.fail('no jti is remembered')
    expect(ttl).toBeGreaterThan(320)
    expect(ttl).toBeLessThanOrEqual(331)
  })

  it.each([
    ['sid', {}],
    ['sub', { sid: undefined }],
  ])(
    'when delivered to two processes at once: one accepts it, and the sessions end in both (by %s)',
    async (_, claims) => {
      const store = new MemoryAuthStore()
      const sessions = new MemoryStore()
      const one = await start({ store: sessions, options: { store } })
      const two = await startAnother(one, { store: sessions, options: { store } })
      const browser = await expectAccepted(one)
      meetAt(store, 'get', 'jti:', 2)
      const token = await logoutToken(one, { claims })
      const answers = await Promise.all([deliver(one, token), deliver(two, token)])
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 400])
      expect([await subjectIn(one, browser), await subjectIn(two, browser)]).toEqual([null, null])
      const later = await signInAs(one, { sid: 'sid-2' })
      expect((await deliver(two, token)).status).toBe(400)
      expect(await subjectIn(one, later)).toBe('ada')
    },
  )

  it('but is not used up if the store fails halfway: the provider sends it again, and the rest ends', async () => {
    const store = new MemoryAuthStore()
    const bed = await start({ options: { store } })
    const browsers = [await expectAccepted(bed), await expectAccepted(bed), await expectAccepted(bed)]
    const remove = store.remove.bind(store)
    const failing = vi.spyOn(store, 'remove')
    failing.mockImplementationOnce(remove).mockRejectedValueOnce(new Error('the store is down'))
    const token = await logoutToken(bed)
    const answer = await deliver(bed, token)
    expect([answer.status, answer.headers['cache-control']]).toEqual([503, 'no-store'])
    expect(codesOf(bed.app)).toEqual(['ERR_STORE_UNAVAILABLE'])
    const living = await Promise.all(browsers.map((browser) => subjectIn(bed, browser)))
    expect(living.filter((subject) => subject === 'ada')).toHaveLength(2)
    expect((await deliver(bed, token)).status).toBe(200)
    for (const browser of browsers) expect(await subjectIn(bed, browser)).toBeNull()
    expect((await deliver(bed, token)).status).toBe(400)
  })

  it.each(['get', 'add'] as const)(
    'is not used up where its own entry cannot be written or read (%s)',
    async (operation) => {
      const store = new MemoryAuthStore()
      const bed = await start({ options: { store } })
      const browser = await expectAccepted(bed)
      const usual = store[operation].bind(store) as (...args: unknown[]) => Promise<never>
      const failing = vi
        .spyOn(store, operation)
        .mockImplementation((...args: unknown[]) =>
          String(args[0]).startsWith('jti:') ? Promise.reject(new Error('the store is down')) : usual(...args),
        )
      const token = await logoutToken(bed)
      expect((await deliver(bed, token)).status).toBe(503)
      expect(codesOf(bed.app)).toEqual(['ERR_STORE_UNAVAILABLE'])
      failing.mockRestore()
      await expectEnded(bed, browser, await deliver(bed, token))
    },
  )

  it('but is not used up if the keys are unavailable: the provider sends it again', async () => {
    const store = new MemoryAuthStore()
    const sessions = new MemoryStore()
    const bed = await start({ store: sessions, options: { store } })
    const browser = await expectAccepted(bed)
    const fresh = await startAnother(bed, { store: sessions, options: { store } })
    const token = await logoutToken(bed)
    bed.provider.spoil = { reply: { jwks: () => ({ status: 500 }) } }
    expect((await deliver(fresh, token)).status).toBe(503)
    expect(codesOf(fresh.app)).toEqual(['ERR_PROVIDER_UNAVAILABLE'])
    expect(await subjectIn(fresh, browser)).toBe('ada')
    bed.provider.spoil = {}
    await expectEnded(fresh, browser, await deliver(fresh, token))
  })
})

/** Holds calls of an operation until the given number has arrived. */
function meetAt(store: AuthStore, operation: 'get', prefix: string, count: number): void {
  const usual = store[operation].bind(store)
  let open = () => {}
  let come = 0
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  vi.spyOn(store, operation).mockImplementation(async (key) => {
    const value = await usual(key)
    if (key.startsWith(prefix)) {
      if (++come >= count) open()
      await opened
    }
    return value
  })
}

function seconds(): number {
  return Math.floor(Date.now() / 1000)
}
