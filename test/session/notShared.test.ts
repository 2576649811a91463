import { MemoryStore } from 'express-session'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { App } from '../support/bed/app.js'
import { TOKEN_LIFETIME, type TokenBed } from '../support/bed/bed.js'
import type { UserAgent } from '../support/bed/userAgent.js'
import { fakeDate, gate, pass, until } from '../support/run/waiting.js'
import { MemoryAuthStore } from '../support/stores/memoryAuthStore.js'
import { StoreView } from '../support/stores/storeView.js'

let bed: TokenBed
let one: App
let two: App
let browser: UserAgent
let views: StoreView[]
let warnings: unknown[][]

beforeEach(() => {
  fakeDate()
  warnings = []
  vi.spyOn(process, 'emitWarning').mockImplementation((...args: unknown[]) => void warnings.push(args))
})

/** Starts two processes, which share the sessions, each by a way of its own, and whatever else `options` say. */
async function start(provider: object, options: { store?: MemoryAuthStore } = {}): Promise<void> {
  vi.resetModules()
  const { startBed } = await import('../support/bed/bed.js')
  const shared = new MemoryStore()
  views = [new StoreView(shared), new StoreView(shared)]
  bed = await startBed({ ...(views[0] ? { store: views[0] } : {}), options, local: provider, tokens: true })
  one = bed.app
  two = await bed.startAnother({ ...(views[1] ? { store: views[1] } : {}), options })
  browser = await bed.signIn()
}

const tokenAt = async ({ url }: App) => {
  const answer = await browser.fetch(`${url}/token`)
  return answer.status === 200 ? answer.json().token : answer.status
}
const whoAt = async ({ url }: App) => (await browser.fetch(`${url}/who`)).json().subject

/**
 * Lets both processes send the same refresh token: the second has found no lock before the first took it. Gives what each
 * gets, and opens the way to it.
 */
async function overlap() {
  const [lock, first, second] = [gate(), gate(), gate()]
  const writesLock = vi.fn((operation: string, key: string) =>
    operation === 'set' && key.includes(':lock:') ? lock.opened : undefined,
  )
  const { refreshes } = bed.tokens
  Object.assign(views[1] ?? {}, { before: writesLock })
  const atTwo = tokenAt(two)
  await until(() => writesLock.mock.results.some(({ value }) => value !== undefined))
  bed.tokens.held = first.opened
  const atOne = tokenAt(one)
  await until(() => bed.tokens.refreshes === refreshes + 1)
  bed.tokens.held = second.opened
  Object.assign(views[1] ?? {}, { before: () => undefined })
  lock.open()
  await until(() => bed.tokens.refreshes === refreshes + 2)
  bed.tokens.held = undefined
  return {
    first: () => {
      first.open()
      return atOne
    },
    second: () => {
      second.open()
      return atTwo
    },
  }
}

const TOLD_ONCE = [
  [
    expect.stringMatching(
      /two processes refreshed the same session.*Pass relyingParty\(\{ store: redisStore\(client\) \}\)/,
    ),
    { type: 'ExpressRelyingPartyWarning', code: 'RP_STORE_NOT_SHARED' },
  ],
]

describe('two processes without a shared AuthStore that refresh one session at once', () => {
  it('keep the session if the provider accepts a refresh token twice, and warn once with what to pass', async () => {
    await start({ rotateRefreshToken: false })
    for (let i = 0; i < 2; i++) {
      pass(TOKEN_LIFETIME + 1)
      const { first, second } = await overlap()
      const token = await first()
      expect(token).toEqual(expect.any(String))
      expect(await second()).toBe(token)
      expect([await tokenAt(one), await tokenAt(two)]).toEqual([token, token])
      expect(warnings).toEqual(TOLD_ONCE)
    }
    pass(TOKEN_LIFETIME + 1)
    expect(await tokenAt(one)).toEqual(expect.any(String))
    expect([await whoAt(one), await whoAt(two)]).toEqual(['ada', 'ada'])
  })

  it('keep the session where the provider refuses the second, which uses what the first got', async () => {
    await start({ rotateRefreshToken: false })
    pass(TOKEN_LIFETIME + 1)
    const { first, second } = await overlap()
    const token = await first()
    bed.tokens.instead = () => Response.json({ error: 'invalid_grant' }, { status: 400 })
    expect(await second()).toBe(token)
    bed.tokens.instead = undefined
    expect(warnings).toEqual(TOLD_ONCE)
    expect(two.events).not.toContainEqual(expect.objectContaining({ type: 'session.ended' }))
    pass(TOKEN_LIFETIME + 1)
    expect(await tokenAt(two)).toEqual(expect.any(String))
  })

  it('keep the session where the first is refused, which uses what the second got', async () => {
    await start({ rotateRefreshToken: false })
    pass(TOKEN_LIFETIME + 1)
    const { first, second } = await overlap()
    const token = await second()
    bed.tokens.instead = () => Response.json({ error: 'invalid_grant' }, { status: 400 })
    expect(await first()).toBe(token)
    bed.tokens.instead = undefined
    expect(warnings).toEqual(TOLD_ONCE)
    expect(one.events).not.toContainEqual(expect.objectContaining({ type: 'session.ended' }))
  })

  it('lose the session where the provider ends the grant on reuse: the log says why', async () => {
    await start({ rotateRefreshToken: true })
    pass(TOKEN_LIFETIME + 1)
    const { first, second } = await overlap()
    await first()
    await second()
    expect(warnings).toEqual(TOLD_ONCE)
    pass(TOKEN_LIFETIME + 1)
    expect([await tokenAt(one), await tokenAt(two)]).toEqual([401, 401])
    expect((await browser.visit(`${two.url}/profile`)).json()).toMatchObject({ sub: 'ada' })
  })

  it('also warn if the refusal of one ends the session before the other has stored its tokens', async () => {
    await start({ rotateRefreshToken: false })
    pass(TOKEN_LIFETIME + 1)
    const { first, second } = await overlap()
    bed.tokens.instead = () => Response.json({ error: 'invalid_grant' }, { status: 400 })
    expect(await second()).toBe(401)
    bed.tokens.instead = undefined
    expect(await first()).toBe(401)
    expect(warnings).toEqual(TOLD_ONCE)
  })
})

describe('nothing is told', () => {
  it('of two processes that refresh one after the other', async () => {
    await start({ rotateRefreshToken: true })
    for (const process of [one, two, one]) {
      pass(TOKEN_LIFETIME + 1)
      expect(await tokenAt(process)).toEqual(expect.any(String))
    }
    expect(bed.tokens.refreshes).toBe(3)
    expect(warnings).toEqual([])
  })

  it('of a logout, of an outage, or of a refused refresh', async () => {
    await start({ rotateRefreshToken: true })
    pass(TOKEN_LIFETIME + 1)
    bed.tokens.instead = () => new Response(null, { status: 503 })
    expect(await tokenAt(one)).toBe(503)
    pass(1)
    bed.tokens.instead = () => Response.json({ error: 'invalid_grant' }, { status: 400 })
    expect(await tokenAt(two)).toBe(401)
    bed.tokens.instead = undefined
    browser = await bed.signIn()
    pass(TOKEN_LIFETIME + 1)
    const { open, opened } = gate()
    bed.tokens.held = opened
    const { refreshes } = bed.tokens
    const refreshing = tokenAt(one)
    await until(() => bed.tokens.refreshes === refreshes + 1)
    await browser.clone().fetch(`${two.url}/logout`, { method: 'POST' })
    open()
    expect(await refreshing).toBe(401)
    expect(warnings).toEqual([])
  })

  it('of processes that share an AuthStore: the second waits for the first', async () => {
    await start({ rotateRefreshToken: true }, { store: new MemoryAuthStore() })
    pass(TOKEN_LIFETIME + 1)
    const { open, opened } = gate()
    bed.tokens.held = opened
    const tokens = [tokenAt(one), tokenAt(two), tokenAt(one), tokenAt(two)]
    await until(() => bed.tokens.refreshes === 1)
    open()
    expect(new Set(await Promise.all(tokens)).size).toBe(1)
    expect(bed.tokens.refreshes).toBe(1)
    expect(warnings).toEqual([])
  })
})
