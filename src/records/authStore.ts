/**
 * Keeps what must outlive a request: token records, refresh locks, used-up transactions and tokens.
 *
 * Five operations, each atomic. Values are opaque strings. A failure of the store rejects: it never looks like an
 * absent key. Keys are at most 200 characters of `A-Z a-z 0-9 - _ : .`.
 */
export interface AuthStore {
  /** Gives the value under `key`, or `undefined` if there is none or its time is over. */
  get(key: string): Promise<string | undefined>
  /** Stores a value, whatever was there. `ttl` is in seconds. */
  set(key: string, value: string, ttl: number): Promise<void>
  /** Stores a value only if there is none under `key`. Resolves to whether it did. `ttl` is in seconds. */
  add(key: string, value: string, ttl: number): Promise<boolean>
  /** Replaces a value only if it still is `expected`. Resolves to whether it did. `ttl` is in seconds. */
  replace(key: string, expected: string, value: string, ttl: number): Promise<boolean>
  /** Removes a value: always, or only if it still is `expected`. Resolves to whether there was one to remove. */
  remove(key: string, expected?: string): Promise<boolean>
}

/**
 * Stores a value in place of what was read under its key, which may have been nothing. Resolves to whether that still was
 * there. `ttl` is in seconds.
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
