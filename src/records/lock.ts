import { randomBytes } from 'node:crypto'
import type { AuthStore } from './authStore.js'

/** The back-off after a failed token request doubles from the first to the last of these. In seconds. */
const BACK_OFF = { first: 1, last: 30 }

/** The result of an attempt to take a lock. */
export type LockState =
  | { readonly state: 'acquired' | 'held' }
  /** No one may send a request until then. In milliseconds since the epoch. */
  | { readonly state: 'backing-off'; readonly until: number; readonly code: string }

/**
 * A lock in the store: held by an owner until it expires. After a failure it stays as a back-off, which no one holds and
 * which counts the failures of the provider.
 *
 * It keeps two processes from sending the same refresh token. A holder that stalls past the expiry is caught by
 * compare-and-set.
 */
export class Lock {
  readonly #store: AuthStore
  readonly #key: string
  readonly #ttl: number
  readonly #owner = `owner:${randomBytes(12).toString('base64url')}`
  #failures = 0
  #until = 0

  /** @param ttl - in seconds */
  constructor(store: AuthStore, key: string, ttl: number) {
    this.#store = store
    this.#key = key
    this.#ttl = ttl
  }

  /** How long the lock is certainly held. In milliseconds. */
  get remaining(): number {
    return this.#until - Date.now()
  }

  /** @throws `ERR_STORE_UNAVAILABLE` */
  async acquire(): Promise<LockState> {
    const until = this.#fromNow()
    if (await this.#store.add(this.#key, this.#owner, this.#ttl)) return this.#held(until)
    const value = await this.#store.get(this.#key)
    const backOff = parseBackOff(value)
    if (value === undefined || !backOff) return { state: 'held' }
    if (backOff.until > Date.now()) return { state: 'backing-off', until: backOff.until, code: backOff.code }
    if (!(await this.#store.replace(this.#key, value, this.#owner, this.#ttl))) return { state: 'held' }
    this.#failures = backOff.failures
    return this.#held(until)
  }

  /**
   * Extends the lock by its whole lifetime if it is still this owner's. Resolves to whether it is.
   *
   * @throws `ERR_STORE_UNAVAILABLE`
   */
  async confirm(): Promise<boolean> {
    const until = this.#fromNow()
    if (!(await this.#store.replace(this.#key, this.#owner, this.#owner, this.#ttl))) return false
    this.#until = until
    return true
  }

  /**
   * Releases the lock if it is still this owner's. If the store fails here, the lock expires by itself.
   *
   * @returns `false` if it was no longer this owner's
   */
  release(): Promise<boolean> {
    return this.#store.remove(this.#key, this.#owner).catch(() => true)
  }

  /**
   * Turns the lock into a back-off, during which no token request is sent for this session.
   *
   * @param code - the error code of the failed request
   * @returns as {@link Lock.release}
   */
  backOff(code: string): Promise<boolean> {
    const wait = Math.min(BACK_OFF.first * 2 ** this.#failures, BACK_OFF.last)
    const value = `back-off:${this.#failures + 1}:${Date.now() + wait * 1000}:${code}`
    return this.#store.replace(this.#key, this.#owner, value, wait * 4).catch(() => true)
  }

  /** The store counts from when the command arrives, which is later than now: the lock never expires before this. */
  #fromNow(): number {
    return Date.now() + this.#ttl * 1000
  }

  #held(until: number): LockState {
    this.#until = until
    return { state: 'acquired' }
  }
}

function parseBackOff(value: string | undefined): { failures: number; until: number; code: string } | undefined {
  const [kind, failures, until, code = 'ERR_PROVIDER_UNAVAILABLE'] = value?.split(':') ?? []
  return kind === 'back-off' ? { failures: Number(failures), until: Number(until), code } : undefined
}
