import { randomBytes } from 'node:crypto'
import type { AuthStore } from './authStore.js'

/**
 * The lifetimes of a lock, before and after the refresh token is sent. In seconds.
 *
 * Before, a holder that died has cost nothing: another process takes over soon. After, the only valid refresh token may be
 * in the answer that a stalled holder has yet to read, and sending the old one again would end the grant.
 */
export const LOCK_LIFETIME: LockLifetime = { unsent: 4, sent: 15 }

/** In seconds. */
interface LockLifetime {
  readonly unsent: number
  readonly sent: number
}

/** How often a held lock is renewed within its lifetime. */
const RENEWALS = 5

/** The back-off after a failed token request doubles from the first to the last of these. In seconds. */
const BACK_OFF = { first: 1, last: 30 }

/** The longest back-off of a session while its provider is down: another limit applies to the provider as a whole. */
const LAST_OF_OUTAGE = 5

/** The result of an attempt to take a lock. */
export type LockState =
  | { readonly state: 'acquired' | 'held' }
  /** No one may send a request until then. In milliseconds since the epoch. */
  | { readonly state: 'backing-off'; readonly until: number; readonly code: string }

/**
 * A lock in the store: held by an owner that renews it, until it expires. After a failure it stays as a back-off, which no
 * one holds and which counts the failures of the session.
 *
 * It keeps two processes from sending the same refresh token. A holder that stalls past the expiry is caught by
 * compare-and-set.
 */
export class Lock {
  readonly #store: AuthStore
  readonly #key: string
  readonly #owner = `owner:${randomBytes(12).toString('base64url')}`
  readonly #lifetime: LockLifetime
  #ttl: number
  #failures = 0
  #until = 0
  /** Whether the store said that the lock is another owner's. */
  #lost = false
  #renewal: NodeJS.Timeout | undefined
  /** The last extension: a renewal that arrives after the confirmation would shorten the lock again. */
  #extending: Promise<unknown> = Promise.resolve()

  constructor(store: AuthStore, key: string, lifetime = LOCK_LIFETIME) {
    this.#store = store
    this.#key = key
    this.#lifetime = lifetime
    this.#ttl = lifetime.unsent
  }

  /** How long the lock is certainly held. In milliseconds. */
  get remaining(): number {
    return this.#until - Date.now()
  }

  /** Whether the lock is held for long enough to send the refresh token: a stall or a slow store uses it up. */
  get isFresh(): boolean {
    return !this.#lost && this.remaining > (this.#ttl * 1000) / 2
  }

  /** Takes the lock, and renews it from then on until it is released. @throws `ERR_STORE_UNAVAILABLE` */
  async acquire(): Promise<LockState> {
    this.#ttl = this.#lifetime.unsent
    const until = this.#fromNow()
    if (await this.#store.add(this.#key, this.#owner, this.#ttl)) return this.#held(until)
    const value = await this.#store.get(this.#key)
    const backOff = parseBackOff(value)
    if (value === undefined || !backOff) return { state: 'held' }
    if (backOff.until > Date.now()) return { state: 'backing-off', until: backOff.until, code: backOff.code }
    const again = this.#fromNow()
    if (!(await this.#store.replace(this.#key, value, this.#owner, this.#ttl))) return { state: 'held' }
    this.#failures = backOff.failures
    return this.#held(again)
  }

  /** Checks whether another process holds the lock. @throws `ERR_STORE_UNAVAILABLE` */
  async isHeldElsewhere(): Promise<boolean> {
    const value = await this.#store.get(this.#key)
    return value !== undefined && value !== this.#owner && !parseBackOff(value)
  }

  /**
   * Extends the lock, before the refresh token is sent, if it is still this owner's. Resolves to whether it is, and will be
   * for some time: a confirmation that the store was slow to give is stale.
   *
   * @throws `ERR_STORE_UNAVAILABLE`
   */
  async confirm(): Promise<boolean> {
    this.#ttl = this.#lifetime.sent
    return (await this.#extend()) && this.isFresh
  }

  /**
   * Releases the lock if it is still this owner's. If the store fails here, the lock expires by itself.
   *
   * @returns `false` if it was no longer this owner's
   */
  release(): Promise<boolean> {
    this.#stopRenewing()
    return this.#store.remove(this.#key, this.#owner).catch(() => true)
  }

  /**
   * Turns the lock into a back-off, during which no token request is sent for this session.
   *
   * @param code - the error code of the failed request
   * @returns as {@link Lock.release}
   */
  backOff(code: string): Promise<boolean> {
    this.#stopRenewing()
    const last = code === 'ERR_PROVIDER_UNAVAILABLE' ? LAST_OF_OUTAGE : BACK_OFF.last
    const wait = Math.min(BACK_OFF.first * 2 ** this.#failures, last)
    const value = `back-off:${this.#failures + 1}:${Date.now() + wait * 1000}:${code}`
    return this.#store.replace(this.#key, this.#owner, value, wait * 4).catch(() => true)
  }

  /** The store counts from when the command arrives, which is later than now: the lock never expires before this. */
  #fromNow(): number {
    return Date.now() + this.#ttl * 1000
  }

  #held(until: number): LockState {
    this.#until = until
    this.#lost = false
    this.#renewLater()
    return { state: 'acquired' }
  }

  #extend(): Promise<boolean> {
    const extended = this.#extending.then(async () => {
      const until = this.#fromNow()
      const held = await this.#store.replace(this.#key, this.#owner, this.#owner, this.#ttl)
      if (held) this.#until = until
      else this.#lost = true
      return held
    })
    this.#extending = extended.catch(() => {})
    return extended
  }

  #renewLater(): void {
    const renew = () => {
      void this.#extend()
        // A store that fails now may answer the next time.
        .catch(() => true)
        .then((held) => {
          if (held && this.#renewal === renewal) this.#renewLater()
        })
    }
    const renewal = setTimeout(renew, (this.#ttl * 1000) / RENEWALS).unref()
    this.#renewal = renewal
  }

  #stopRenewing(): void {
    clearTimeout(this.#renewal)
    this.#renewal = undefined
  }
}

function parseBackOff(value: string | undefined): { failures: number; until: number; code: string } | undefined {
  const [kind, failures, until, code = 'ERR_PROVIDER_UNAVAILABLE'] = value?.split(':') ?? []
  return kind === 'back-off' ? { failures: Number(failures), until: Number(until), code } : undefined
}
