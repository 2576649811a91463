import type { MemoryStore } from 'express-session'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { type AppOptions, SECRET } from '../support/bed/app.js'
import { startBed, TOKEN_LIFETIME, type TokenBed } from '../support/bed/bed.js'
import { gatedRoutes } from '../support/bed/routes.js'
import type { UserAgent } from '../support/bed/userAgent.js'
import { fakeDate, pass } from '../support/run/waiting.js'

const NEW_SECRET = 'a new secret of at least thirty-two characters'

let bed: TokenBed

beforeEach(fakeDate)

async function signedIn(settings?: AppOptions): Promise<UserAgent> {
  bed = await startBed({ ...settings, tokens: true })
  return bed.signIn()
}

async function get(browser: UserAgent, path: string, app = bed.app): Promise<unknown> {
  const answer = await browser.fetch(app.url + path)
  return answer.status === 200 ? answer.json() : answer.status
}

const ADA = { kind: 'session', subject: 'ada' }
const NOBODY = { kind: 'anonymous', subject: null }

/** Everything that lies in the store. */
function stored(store: MemoryStore): string {
  return JSON.stringify((store as unknown as { sessions: Record<string, string> }).sessions)
}

describe('a slow request that saves its session late', () => {
  it('does not bring old tokens back', async () => {
    const { routes, begun } = gatedRoutes()
    const browser = await signedIn({ routes })
    pass(TOKEN_LIFETIME + 1)
    const slow = browser.clone().fetch(`${bed.app.url}/slow-save`)
    const { open } = await begun()
    const renewed = await get(browser, '/token')
    open()
    expect((await slow).status).toBe(200)
    expect(stored(bed.store)).toContain('book')
    expect(await get(browser, '/token')).toEqual(renewed)
    expect(bed.tokens.refreshes).toBe(1)
  })

  it('does not revive a session that was logged out', async () => {
    const { routes, begun } = gatedRoutes()
    const browser = await signedIn({ routes })
    const copy = browser.clone()
    const slow = copy.fetch(`${bed.app.url}/slow-save`)
    const { open } = await begun()
    await browser.visit(`${bed.app.url}/logout`, { method: 'POST' })
    open()
    expect((await slow).status).toBe(200)
    expect(stored(bed.store)).toContain('book')
    expect(await get(copy, '/who')).toEqual(NOBODY)
    expect(await get(copy, '/token')).toBe(401)
  })
})

describe('the store', () => {
  it('is not written to by requests of a signed-in user that change nothing', async () => {
    const browser = await signedIn()
    const set = vi.spyOn(bed.store, 'set')
    const destroy = vi.spyOn(bed.store, 'destroy')
    for (const path of ['/who', '/profile', '/reports', '/token']) {
      for (let i = 0; i < 3; i++) expect(await get(browser, path)).not.toBe(401)
    }
    expect(set).not.toHaveBeenCalled()
    expect(destroy).not.toHaveBeenCalled()
    pass(TOKEN_LIFETIME + 1)
    await get(browser, '/token')
    expect(set).toHaveBeenCalled()
  })

  it('is read three times for a request of a signed-in user: its session, its record, and whether its sessions live', async () => {
    const browser = await signedIn()
    const read = vi.spyOn(bed.store, 'get')
    await get(browser, '/profile')
    expect(read).toHaveBeenCalledTimes(3)
  })

  it('holds no token in clear, after a login and after a refresh', async () => {
    const browser = await signedIn()
    pass(TOKEN_LIFETIME + 1)
    const { token } = (await get(browser, '/token')) as { token: string }
    const { given } = bed.tokens
    expect(given).toContain(token)
    expect(given).toHaveLength(6)
    const bytes = stored(bed.store)
    expect(bytes).toContain('"ada')
    for (const each of given) expect(bytes).not.toContain(each)
    for (const each of given) expect(bytes).not.toContain(Buffer.from(each).toString('base64').slice(0, 20))
  })

  it('that fails to return the record is an outage, and does not sign anyone out', async () => {
    const browser = await signedIn()
    const { get: read } = bed.store
    bed.store.get = (sid, callback) =>
      sid.startsWith('express-relying-party:') ? callback(new Error('gone')) : read.call(bed.store, sid, callback)
    expect(await get(browser, '/who')).toBe(503)
    expect(bed.app.errors).toMatchObject([{ code: 'ERR_STORE_UNAVAILABLE' }])
    bed.store.get = read
    expect(await get(browser, '/who')).toEqual(ADA)
  })
})

describe('the absolute lifetime', () => {
  it('ends a session, however active it is', async () => {
    const browser = await signedIn({ options: { session: { absoluteLifetime: 1800 } } })
    for (let elapsed = 0; elapsed < 1800 - TOKEN_LIFETIME; elapsed += TOKEN_LIFETIME) {
      pass(TOKEN_LIFETIME)
      expect(await get(browser, '/profile')).toMatchObject({ sub: 'ada' })
    }
    pass(TOKEN_LIFETIME - 1)
    expect(await get(browser, '/who')).toEqual(ADA)
    pass(1)
    expect(await get(browser, '/who')).toEqual(NOBODY)
    expect(await get(browser, '/token')).toBe(401)
  })
})

describe('a change of the secret', () => {
  it('that keeps the old one beside the new leaves users signed in, and seals with the new one', async () => {
    const browser = await signedIn()
    const both = await bed.startAnother({ options: { secret: [NEW_SECRET, SECRET] } })
    pass(TOKEN_LIFETIME + 1)
    const renewed = await get(browser, '/token', both)
    expect(renewed).toMatchObject({ token: expect.any(String) as string })
    const after = await bed.startAnother({ options: { secret: NEW_SECRET } })
    expect(await get(browser, '/token', after)).toEqual(renewed)
  })

  it.each([
    ['in use', 0],
    ['to be refreshed', TOKEN_LIFETIME - 30],
    ['expired', TOKEN_LIFETIME + 1],
  ])('that drops the old one lets users sign in again cleanly when their token is %s', async (_, seconds) => {
    const browser = await signedIn()
    pass(seconds)
    const after = await bed.startAnother({ options: { secret: NEW_SECRET } })
    expect(await get(browser, '/token', after)).toBe(401)
    expect(await get(browser, '/who', after)).toEqual(NOBODY)
    expect(bed.tokens.refreshes).toBe(0)
    expect(after.events).toContainEqual(expect.objectContaining({ type: 'session.ended', reason: 'unreadable' }))
    const login = await browser.visit(`${after.url}/login?returnTo=/token`)
    expect(login.json()).toMatchObject({ token: expect.any(String) as string })
  })
})
