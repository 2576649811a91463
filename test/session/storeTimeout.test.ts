import { MemoryStore, type SessionData, type Store } from 'express-session'
import { describe, expect, it, vi } from 'vitest'
import { storeTimeout } from '../../src/index.js'
import { configurationErrorSaying } from '../support/run/configurationError.js'

const session = { cookie: { originalMaxAge: null, expires: null } } as SessionData

/** A store whose operations are held until they are released. */
function heldStore() {
  const store = new MemoryStore()
  const release: (() => void)[] = []
  for (const name of ['get', 'set', 'touch', 'destroy'] as const) {
    const operate = store[name].bind(store) as (...args: unknown[]) => void
    Object.assign(store, { [name]: (...args: unknown[]) => void release.push(() => operate(...args)) })
  }
  return { store, release: () => release.splice(0).forEach((act) => void act()) }
}

const operations: readonly [name: string, act: (store: Store, done: (error?: unknown) => void) => void][] = [
  ['get', (store, done) => store.get('id', done)],
  ['set', (store, done) => store.set('id', session, done)],
  ['touch', (store, done) => store.touch?.('id', session, done)],
  ['destroy', (store, done) => store.destroy('id', done)],
]

describe.each(operations)('storeTimeout: %s', (name, act) => {
  it('fails after the time, once, whatever the store does later', async () => {
    const { store, release } = heldStore()
    const limited = storeTimeout(store, { timeout: 0.02 })
    expect(limited).toBe(store)
    const done = vi.fn()
    act(limited, done)
    await expect.poll(() => done.mock.calls.length).toBe(1)
    expect(done.mock.calls[0]).toEqual([new Error(`the session store did not finish ${name} within 0.02 s`)])
    release()
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect(done).toHaveBeenCalledOnce()
  })

  it('passes on what the store answers in time', async () => {
    const { store, release } = heldStore()
    const done = vi.fn()
    act(storeTimeout(store), done)
    release()
    await expect.poll(() => done.mock.calls.length).toBe(1)
    expect(done.mock.calls[0]?.[0] ?? null).toBeNull()
  })
})

describe('storeTimeout', () => {
  it('leaves the rest of a store, and calls without a callback, as they are', () => {
    const store = new MemoryStore()
    storeTimeout(store).set('id', session)
    expect(store.all).toBe(MemoryStore.prototype.all)
    expect(Object.keys((store as unknown as { sessions: object }).sessions)).toEqual(['id'])
  })

  it('takes a time from 0.01 to 60 seconds', () => {
    for (const timeout of [0, 61, '5']) {
      expect(() => storeTimeout(new MemoryStore(), { timeout } as never)).toThrow(
        configurationErrorSaying('storeTimeout.timeout must be a number of seconds from 0.01 to 60'),
      )
    }
  })
})
