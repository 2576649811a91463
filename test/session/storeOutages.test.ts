import { MemoryStore } from 'express-session'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { storeErrors } from '../../src/index.js'
import { muteExpress, startBed, TOKEN_LIFETIME, type TokenBed } from '../support/bed/bed.js'
import { contentsOf } from '../support/bed/observed.js'
import { UserAgent } from '../support/bed/userAgent.js'
import { fakeDate, pass, until } from '../support/run/waiting.js'
import { FaultyStore } from '../support/stores/faultyStore.js'
import { MemoryAuthStore } from '../support/stores/memoryAuthStore.js'

/** How long new tokens that the store does not take are kept. In seconds. */
const KEPT_FOR = 60

let bed: TokenBed
let store: FaultyStore
let browser: UserAgent

beforeEach(muteExpress)
beforeEach(fakeDate)

async function start(rotateRefreshToken: boolean): Promise<void> {
  store = new FaultyStore()
  bed = await startBed({ store, local: { rotateRefreshToken }, tokens: true })
  browser = await bed.signIn()
  pass(TOKEN_LIFETIME + 1)
}

const get = (path: string) => browser.fetch(bed.app.url + path)
const record = async () => Object.entries(await contentsOf(store)).filter(([key]) => key.includes(':record:'))

/** Lets the store fail to save what a refresh gave. Gives how often it did. */
function failToSave(): () => number {
  let failures = 0
  store.fails = (operation, key) => {
    const fails = operation === 'set' && key.includes(':record:')
    if (fails) failures++
    return fails
  }
  return () => failures
}

describe('a store that cannot save what a refresh gave', () => {
  it('for a moment delays the requests: they get the one new token', async () => {
    await start(true)
    const failures = failToSave()
    const asking = Promise.all(Array.from({ length: 10 }, () => get('/token')))
    await until(() => failures() >= 2)
    store.fails = () => false
    const answers = await asking
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    expect(new Set(answers.map((answer) => answer.json().token)).size).toBe(1)
    expect(bed.tokens.refreshes).toBe(1)
    pass(TOKEN_LIFETIME + 1)
    expect((await get('/token')).status).toBe(200)
    expect(bed.app.errors).toEqual([])
  })

  it.each([
    ['signs the user in again where the provider rotates refresh tokens', true],
    ['goes on where the provider takes the old refresh token again', false],
  ])('for a minute is 503, and %s', async (_what, rotates) => {
    await start(rotates)
    const before = await record()
    const failures = failToSave()
    const asking = Promise.all([get('/token'), get('/token')])
    await until(() => failures() >= 2)
    pass(KEPT_FOR + 1)
    for (const answer of await asking) {
      expect(answer.status).toBe(503)
      expect(answer.headers['retry-after']).toBe('5')
      expect(answer.headers['set-cookie']).toBeUndefined()
    }
    expect(bed.app.errors[0]).toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
    expect(bed.tokens.refreshes).toBe(1)
    store.fails = () => false
    expect(await record()).toEqual(before)
    expect((await get('/who')).json().subject).toBe('ada')
    const ended = expect.objectContaining({ type: 'session.ended', reason: 'refresh_refused' }) as unknown
    expect(bed.app.events).not.toContainEqual(ended)
    expect((await get('/token')).status).toBe(rotates ? 401 : 200)
    if (rotates) expect(bed.app.events).toContainEqual(ended)
    expect((await browser.visit(`${bed.app.url}/profile`)).json()).toMatchObject({ sub: 'ada' })
  })
})

describe('a store for tokens that fails', () => {
  it('is answered with 503 without waiting for a session store that hangs, and extends the session', async () => {
    const tokens = new MemoryAuthStore()
    const sessions = new MemoryStore()
    const local = await startBed({
      store: sessions,
      options: { store: tokens },
      routes: (app) => void app.use(storeErrors()),
    })
    const user = new UserAgent()
    await user.visit(`${local.app.url}/profile`)
    const profile = () => user.fetch(`${local.app.url}/profile`)
    expect((await profile()).status).toBe(200)
    vi.spyOn(tokens, 'get').mockRejectedValue(new Error('the store is down'))
    const touch = vi.spyOn(sessions, 'touch').mockImplementation(() => {})
    const answer = await profile()
    expect(answer.status).toBe(503)
    expect(answer.headers['set-cookie']).toBeUndefined()
    expect(touch).toHaveBeenCalledTimes(1)
    const failed = { type: 'store.failed', operation: 'getMany', duration: expect.any(Number) as unknown }
    expect(local.app.events.filter(({ type }) => type === 'store.failed')).toEqual([expect.objectContaining(failed)])
    vi.restoreAllMocks()
    expect((await profile()).status).toBe(200)
  })
})
