import { MemoryStore, type SessionData } from 'express-session'
import { describe, expect, it } from 'vitest'
import type { AuthStore } from '../../src/index.js'
import type { LocalProviderOptions } from '../support/bed/app.js'
import { startBed, TOKEN_LIFETIME } from '../support/bed/bed.js'
import { UserAgent } from '../support/bed/userAgent.js'
import { fakeDate, pass } from '../support/run/waiting.js'
import { MemoryAuthStore } from '../support/stores/memoryAuthStore.js'

/** How long operations wait for others that start at the same time. In milliseconds. */
const GATHER = 10

/** Counts operations on stores, and round trips: operations that do not wait for one another share one. */
class Counter {
  #operations: string[] = []
  #trips = 0
  #gathering: Promise<void> | undefined

  async run<T>(name: string, operation: () => T | Promise<T>): Promise<T> {
    this.#operations.push(name)
    this.#gathering ??= new Promise((resolve) => {
      this.#trips += 1
      setTimeout(() => {
        this.#gathering = undefined
        resolve()
      }, GATHER)
    })
    await this.#gathering
    return operation()
  }

  take(): { trips: number; operations: string[] } {
    const taken = { trips: this.#trips, operations: this.#operations }
    this.#operations = []
    this.#trips = 0
    return taken
  }
}

class CountedSessions extends MemoryStore {
  readonly counter: Counter

  constructor(counter: Counter) {
    super()
    this.counter = counter
  }

  override get(sid: string, done: (error: unknown, session?: SessionData | null) => void): void {
    void this.counter.run('session.get', () => super.get(sid, done))
  }

  override set(sid: string, session: SessionData, done?: (error?: unknown) => void): void {
    void this.counter.run('session.set', () => super.set(sid, session, done))
  }

  override touch(sid: string, session: SessionData, done?: () => void): void {
    void this.counter.run('session.touch', () => super.touch(sid, session, done))
  }

  override destroy(sid: string, done?: (error?: unknown) => void): void {
    void this.counter.run('session.destroy', () => super.destroy(sid, done))
  }
}

function counted(store: AuthStore, counter: Counter): AuthStore {
  return {
    get: (key) => counter.run('get', () => store.get(key)),
    set: (key, value, ttl) => counter.run('set', () => store.set(key, value, ttl)),
    add: (key, value, ttl) => counter.run('add', () => store.add(key, value, ttl)),
    replace: (key, expected, value, ttl) => counter.run('replace', () => store.replace(key, expected, value, ttl)),
    remove: (key, expected) => counter.run('remove', () => store.remove(key, expected)),
    getMany: (keys) => counter.run('getMany', () => Promise.all(keys.map((key) => store.get(key)))),
  }
}

describe('round trips to the stores', () => {
  it('are few at a login, a request, a refresh and a logout', async () => {
    fakeDate()
    const counter = new Counter()
    const store = counted(new MemoryAuthStore(), counter)
    const local = { ttl: { accessToken: TOKEN_LIFETIME }, issueRefreshToken: 'always' } as LocalProviderOptions
    const bed = await startBed({ local, store: new CountedSessions(counter), options: { store } })
    const { url } = bed.app
    const browser = new UserAgent()

    const response = await browser.visitUntil(`${url}/login`, `${url}/callback`)
    expect(counter.take()).toEqual({ trips: 0, operations: [] })
    expect((await browser.send(response.url, response.init)).status).toBe(303)
    // The second time, express-session saves the session by itself.
    const saved = ['session.set', 'session.set']
    expect(counter.take()).toEqual({ trips: 6, operations: ['add', 'getMany', 'add', 'set', 'add', ...saved] })

    const profile = () => browser.fetch(`${url}/profile`)
    expect((await profile()).status).toBe(200)
    // All but one are those of express-session.
    expect(counter.take()).toEqual({ trips: 3, operations: ['session.get', 'getMany', 'session.touch'] })

    pass(TOKEN_LIFETIME)
    expect((await profile()).status).toBe(200)
    const refresh = ['add', 'getMany', 'replace', 'replace', 'get', 'remove']
    expect(counter.take()).toEqual({ trips: 7, operations: ['session.get', 'getMany', ...refresh, 'session.touch'] })

    expect((await browser.fetch(`${url}/logout`, { method: 'POST', headers: { origin: url } })).status).toBe(200)
    expect(counter.take()).toEqual({ trips: 4, operations: ['session.get', 'getMany', 'remove', 'session.destroy'] })
  })
})
