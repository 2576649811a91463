import { setTimeout as pause } from 'node:timers/promises'
import { RelyingPartyError, storeError } from '../errors.js'

/**
 * Keeps what must outlive a request: token records, refresh locks, used-up transactions and tokens.
 *
 * Five operations, each atomic, and an optional one. Values are opaque strings. If the store fails, the operation rejects: a
 * failure never looks like an absent key. Keys are at most 200 characters of `A-Z a-z 0-9 - _ : .`.
 */
export interface AuthStore {
  /** Resolves to the value under `key`, or to `undefined` if there is none or it has expired. */
  get(key: string): Promise<string | undefined>
  /** Stores a value, replacing any other. `ttl` is in seconds. */
  set(key: string, value: string, ttl: number): Promise<void>
  /** Stores a value only if there is none under `key`. Resolves to whether it did. `ttl` is in seconds. */
  add(key: string, value: string, ttl: number): Promise<boolean>
  /** Replaces a value only if it is still `expected`. Resolves to whether it did. `ttl` is in seconds. */
  replace(key: string, expected: string, value: string, ttl: number): Promise<boolean>
  /** Removes a value: always, or only if it is still `expected`. Resolves to whether it removed one. */
  remove(key: string, expected?: string): Promise<boolean>
  /** Reads several keys at once, like {@link AuthStore.get}, in the order of `keys`. Default is a `get` for each. */
  getMany?(keys: readonly string[]): Promise<(string | undefined)[]>
}

/** Reads several keys at once, in one round trip to the store. */
export function getMany(store: AuthStore, keys: readonly string[]): Promise<(string | undefined)[]> {
  return store.getMany ? store.getMany(keys) : Promise.all(keys.map((key) => store.get(key)))
}

/**
 * Wraps a store so that every failure of it is an `ERR_STORE_UNAVAILABLE`.
 *
 * @param onFailed - called for each failure. The duration is in milliseconds
 */
export function withStoreErrors(
  store: AuthStore,
  onFailed?: (operation: keyof AuthStore, duration: number) => void,
): AuthStore {
  async function attempt<T>(operation: keyof AuthStore, run: () => Promise<T>): Promise<T> {
    const begun = Date.now()
    try {
      return await run()
    } catch (error) {
      onFailed?.(operation, Date.now() - begun)
      throw storeError(error)
    }
  }

  return {
    get: (key) => attempt('get', () => store.get(key)),
    set: (key, value, ttl) => attempt('set', () => store.set(key, value, ttl)),
    add: (key, value, ttl) => attempt('add', () => store.add(key, value, ttl)),
    replace: (key, expected, value, ttl) => attempt('replace', () => store.replace(key, expected, value, ttl)),
    remove: (key, expected) => attempt('remove', () => store.remove(key, expected)),
    getMany: (keys) => attempt('getMany', () => getMany(store, keys)),
  }
}

/**
 * Replaces the value that was read under a key, or stores one if there was none. Resolves to whether the key still held
 * what was read. `ttl` is in seconds.
 */
export function compareAndSet(
  store: AuthStore,
  key: string,
  read: string | undefined,
  value: string,
  ttl: number,
): Promise<boolean> {
  return read === undefined ? store.add(key, value, ttl) : store.replace(key, read, value, ttl)
}

/** How often an entry is read and written again because another request changed it in between. */
const MAX_ATTEMPTS = 100

/**
 * Repeats an attempt to change what was read, with short pauses, until it returns its result in an array.
 *
 * @param attempt - writes what follows from what was read; `undefined` if another request changed that in between
 * @param known - what was read already, for the first attempt
 * @throws `ERR_STORE_UNAVAILABLE` after the last attempt: a store that accepts no change is out of order
 */
export async function retry<Read, T>(
  read: () => Promise<Read>,
  attempt: (read: Read) => Promise<readonly [result: T] | undefined>,
  known?: readonly [Read],
): Promise<T> {
  for (let made = 0; made < MAX_ATTEMPTS; made += 1) {
    if (made > 1) await pause(10 * Math.random())
    const done = await attempt(made === 0 && known ? known[0] : await read())
    if (done) return done[0]
  }
  throw new RelyingPartyError('ERR_STORE_UNAVAILABLE', 'the session store failed', {
    hint:
      `an entry could not be changed in ${MAX_ATTEMPTS} attempts: check that the store returns what was last stored, ` +
      'as a replica may not',
  })
}
