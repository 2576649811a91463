import type { SessionData, Store } from 'express-session'
import type { AuthStore } from './authStore.js'

/** The prefix that separates this package's keys from the session IDs of the store. */
const PREFIX = 'express-relying-party:'

/** A value of this package in the form of a session, with the cookie fields from which stores read the lifetime. */
interface Holder {
  cookie: { originalMaxAge: number; maxAge: number; expires: string; path: string; httpOnly: boolean }
  value: string
}

const overStores = new WeakMap<Store, AuthStore>()

/**
 * Returns an {@link AuthStore} on top of an express-session store, always the same one for the same store.
 *
 * Operations are atomic within this process: those on one key run one after the other. Across processes they are
 * optimistic, except replacing a value by itself, which only extends its lifetime: that touches the stored session, as
 * express-session does, so that it never writes an old value back. The store must honor the lifetimes it receives.
 */
export function sessionAuthStore(store: Store): AuthStore {
  let authStore = overStores.get(store)
  if (!authStore) {
    authStore = createSessionAuthStore(store)
    overStores.set(store, authStore)
  }
  return authStore
}

function createSessionAuthStore(store: Store): AuthStore {
  const queue = createQueue()

  async function read(key: string): Promise<string | undefined> {
    const holder = await new Promise<Partial<Holder> | null | undefined>((resolve, reject) => {
      store.get(PREFIX + key, (error: unknown, session) => {
        if (error && (error as NodeJS.ErrnoException).code !== 'ENOENT') reject(asError(error))
        else resolve(session as unknown as Partial<Holder> | null | undefined)
      })
    })
    return typeof holder?.value === 'string' ? holder.value : undefined
  }

  function write(key: string, value: string, ttl: number): Promise<void> {
    return new Promise((resolve, reject) => {
      store.set(PREFIX + key, hold(value, ttl), settle(resolve, reject))
    })
  }

  function touch(key: string, value: string, ttl: number): Promise<void> {
    if (!store.touch) return write(key, value, ttl)
    return new Promise((resolve, reject) => {
      store.touch?.(PREFIX + key, hold(value, ttl), settle(resolve, reject))
    })
  }

  function erase(key: string): Promise<void> {
    return new Promise((resolve, reject) => {
      store.destroy(PREFIX + key, settle(resolve, reject))
    })
  }

  return {
    get: read,
    set: (key, value, ttl) => queue(key, () => write(key, value, ttl)),
    add: (key, value, ttl) =>
      queue(key, async () => {
        if ((await read(key)) !== undefined) return false
        await write(key, value, ttl)
        // Another process may have added one at the same time.
        return (await read(key)) === value
      }),
    replace: (key, expected, value, ttl) =>
      queue(key, async () => {
        if ((await read(key)) !== expected) return false
        await (value === expected ? touch : write)(key, value, ttl)
        return true
      }),
    remove: (key, expected) =>
      queue(key, async () => {
        const current = await read(key)
        if (current === undefined || (expected !== undefined && current !== expected)) return false
        await erase(key)
        return true
      }),
  }
}

function hold(value: string, ttl: number): SessionData {
  const expires = new Date(Date.now() + ttl * 1000).toISOString()
  const cookie = { originalMaxAge: ttl * 1000, maxAge: ttl * 1000, expires, path: '/', httpOnly: true }
  const holder: Holder = { cookie, value }
  return holder as unknown as SessionData
}

/** Runs the tasks of one key one after the other, and those of different keys in parallel. */
function createQueue(): <T>(key: string, task: () => Promise<T>) => Promise<T> {
  const last = new Map<string, Promise<unknown>>()
  return (key, task) => {
    const turn = (last.get(key) ?? Promise.resolve()).then(task, task)
    const done = turn.then(
      () => {},
      () => {},
    )
    last.set(key, done)
    void done.then(() => {
      if (last.get(key) === done) last.delete(key)
    })
    return turn
  }
}

function settle(resolve: () => void, reject: (error: Error) => void): (error?: unknown) => void {
  return (error) => (error ? reject(asError(error)) : resolve())
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error('the session store failed', { cause: error })
}
