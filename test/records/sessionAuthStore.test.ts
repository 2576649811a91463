import session, { MemoryStore, type SessionData } from 'express-session'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { sessionAuthStore } from '../../src/records/sessionAuthStore.js'
import { fakeDate } from '../support/run/waiting.js'
import { describeAuthStore, type StoreUnderTest } from '../support/stores/authStoreContract.js'

/** A store that keeps everything in memory, until it is told to fail. */
class BreakableStore extends MemoryStore {
  broken = false

  override get(sid: string, callback: (error: unknown, session?: SessionData | null) => void): void {
    if (this.broken) callback(new Error('the store is gone'))
    else super.get(sid, callback)
  }

  override set(sid: string, data: SessionData, callback?: (error?: unknown) => void): void {
    if (this.broken) callback?.(new Error('the store is gone'))
    else super.set(sid, data, callback)
  }

  override destroy(sid: string, callback?: (error?: unknown) => void): void {
    if (this.broken) callback?.(new Error('the store is gone'))
    else super.destroy(sid, callback)
  }
}

function underTest(): StoreUnderTest {
  const store = new BreakableStore()
  return {
    store: sessionAuthStore(store),
    elapse: (seconds) => void vi.setSystemTime(Date.now() + seconds * 1000),
    fail() {
      store.broken = true
    },
  }
}

beforeEach(fakeDate)

describeAuthStore('sessionAuthStore over the MemoryStore of express-session', underTest)

describe('sessionAuthStore', () => {
  it('returns the same AuthStore for the same store, so that its operations stay atomic', () => {
    const store = new MemoryStore()
    expect(sessionAuthStore(store)).toBe(sessionAuthStore(store))
    expect(sessionAuthStore(store)).not.toBe(sessionAuthStore(new MemoryStore()))
  })

  it('takes a session that the store says does not exist (ENOENT) for an absent key', async () => {
    const store = new MemoryStore()
    store.get = (_sid, callback) => callback(Object.assign(new Error('no such file'), { code: 'ENOENT' }))
    expect(await sessionAuthStore(store).get('record:1')).toBeUndefined()
  })

  it('does not take what is no value of this package for one', async () => {
    const store = new MemoryStore()
    store.get = (_sid, callback) => callback(null, { cookie: { originalMaxAge: null } } as SessionData)
    expect(await sessionAuthStore(store).get('record:1')).toBeUndefined()
  })

  it('goes on after an operation that failed', async () => {
    const store = new BreakableStore()
    const authStore = sessionAuthStore(store)
    store.broken = true
    await expect(authStore.add('lock:1', 'mine', 60)).rejects.toThrow('the store is gone')
    store.broken = false
    expect(await authStore.add('lock:1', 'mine', 60)).toBe(true)
  })

  it('passes the lifetime to stores in the fields of a session cookie', async () => {
    const store = new MemoryStore()
    const set = vi.spyOn(store, 'set')
    await sessionAuthStore(store).set('record:1', 'value', 90)
    const [sid, data] = set.mock.calls[0] ?? []
    expect(sid).toBe('express-relying-party:record:1')
    expect(data?.cookie).toMatchObject({ maxAge: 90_000, originalMaxAge: 90_000 })
    expect(new Date(String(data?.cookie.expires)).getTime()).toBe(Date.now() + 90_000)
  })

  it('keeps its values out of reach of a session ID that a visitor chooses', async () => {
    const store = new MemoryStore()
    await sessionAuthStore(store).set('record:1', 'value', 90)
    const get = vi.spyOn(store, 'get')
    const middleware = session({
      secret: 'a secret of at least thirty-two characters',
      store,
      resave: false,
      saveUninitialized: false,
    })
    const req = { headers: { cookie: 'connect.sid=express-relying-party:record:1' }, url: '/', originalUrl: '/' }
    await new Promise((resolve) => middleware(req as never, { end() {}, write() {} } as never, resolve))
    expect(get).not.toHaveBeenCalled()
    expect((req as { sessionID?: string }).sessionID).not.toContain('record:1')
  })
})
