import { randomBytes } from 'node:crypto'
import { RelyingPartyError, storeError } from '../errors.js'
import type { AuthStore } from './authStore.js'
import type { RecordFields, TokenRecord, TokenRecords, Tokens } from './records.js'

/** What a token request gave: the fields that change, and the new tokens. */
export interface Renewal {
  readonly fields: RecordFields
  readonly tokens: Tokens
}

/** Asks the provider for new tokens. Rejects with `ERR_SESSION_ENDED` when the refresh token is no longer accepted. */
export type Renew = (record: TokenRecord, tokens: Tokens) => Promise<Renewal>

/** What a token request is to bring about in a record, beside keeping its own access token fresh. */
export interface Goal {
  /** Tells the goals of one session apart. */
  readonly key: string
  /** Whether a record has it already. */
  isReached(record: TokenRecord): boolean
}

/** How a refresh is carried out. All times in seconds. */
export interface RefreshOptions {
  /** An access token that expires within this time is refreshed. */
  readonly before: number
  /** The longest that a renewal may take; a lock lives a little longer. */
  readonly renewalTimeout: number
  /** Tells of a session that ended: its refresh token was refused, or its tokens cannot be opened. */
  readonly onEnded?: (record: TokenRecord, reason: 'refresh_refused' | 'unreadable') => void
  readonly onRefreshed?: (record: TokenRecord) => void
  readonly onFailed?: (record: TokenRecord, error: RelyingPartyError) => void
}

/** The back-off after a failed token request doubles from the first to the last of these. In seconds. */
const BACK_OFF = { first: 1, last: 30 }

/** How often a process looks again while another one refreshes. In milliseconds, with as much again of jitter. */
const LOOK_AGAIN = 50

/**
 * Refreshes sessions: one token request for any number of askers, in this process and in all that share the store.
 *
 * Within a process the askers of one session share a flight. Across processes the flight takes a lock in the store; and
 * the record is read again under it, so that a token refreshed meanwhile is used and the old one never sent twice. The
 * new record is stored only in place of the one that was read: a refresh that ends after a logout stores nothing.
 */
export class Refresher {
  readonly #records: TokenRecords
  readonly #store: AuthStore
  readonly #options: RefreshOptions
  readonly #flights = new Map<string, Promise<TokenRecord | undefined>>()

  constructor(records: TokenRecords, store: AuthStore, options: RefreshOptions) {
    this.#records = records
    this.#store = store
    this.#options = options
  }

  /** Tells whether a record's access token expires within the time set for refreshing. */
  isDue(record: TokenRecord): boolean {
    return expiresWithin(record, this.#options.before)
  }

  /**
   * Gives a record whose access token is not about to expire, refreshing it if need be. Where the provider fails, the
   * record is given as it is while its access token is still valid.
   *
   * @returns `undefined` when the session has ended
   * @throws `ERR_PROVIDER_UNAVAILABLE`, `ERR_STORE_UNAVAILABLE` and what else `renew` rejects with
   */
  async fresh(record: TokenRecord, renew: Renew): Promise<TokenRecord | undefined> {
    if (!this.isDue(record) || !record.refreshable) return record
    return this.#shareFlight(record.id, renew)
  }

  /**
   * Gives a record that has reached a goal, by a token request if need be. A failure is thrown, whatever the session's
   * own token is worth.
   *
   * @returns `undefined` when the session has ended
   * @throws as {@link Refresher.fresh}
   */
  async reach(record: TokenRecord, renew: Renew, goal: Goal): Promise<TokenRecord | undefined> {
    return goal.isReached(record) ? record : this.#shareFlight(record.id, renew, goal)
  }

  #shareFlight(id: string, renew: Renew, goal?: Goal): Promise<TokenRecord | undefined> {
    const key = goal ? `${id} ${goal.key}` : id
    let flight = this.#flights.get(key)
    if (!flight) {
      flight = this.#fly(id, renew, goal).finally(() => this.#flights.delete(key))
      this.#flights.set(key, flight)
    }
    return flight
  }

  /** Opens the tokens of a record. A session whose tokens were sealed with a secret no longer known is ended. */
  async tokens(record: TokenRecord): Promise<Tokens | undefined> {
    const tokens = this.#records.open(record)
    if (!tokens && (await this.#records.remove(record.id, record))) this.#options.onEnded?.(record, 'unreadable')
    return tokens
  }

  #isDone(record: TokenRecord, goal: Goal | undefined): boolean {
    return goal ? goal.isReached(record) : !this.isDue(record)
  }

  async #fly(id: string, renew: Renew, goal: Goal | undefined): Promise<TokenRecord | undefined> {
    const lock = new Lock(this.#store, `lock:${id}`, this.#options.renewalTimeout + 5)
    const patience = Date.now() + (this.#options.renewalTimeout + 10) * 1000
    for (;;) {
      const record = await this.#records.read(id)
      if (!record || this.#isDone(record, goal)) return record
      const state = await lock.acquire()
      if (state === 'acquired') return this.#refreshLocked(id, renew, lock, goal)
      if (state === 'backing-off' || Date.now() > patience) return this.#whileValid(record, backingOff(), goal)
      await pause()
    }
  }

  async #refreshLocked(id: string, renew: Renew, lock: Lock, goal: Goal | undefined): Promise<TokenRecord | undefined> {
    let keep = false
    try {
      const record = await this.#records.read(id)
      if (!record || this.#isDone(record, goal)) return record
      const tokens = await this.tokens(record)
      if (!tokens) return undefined
      if (!goal && !tokens.refreshToken) return record
      try {
        return await this.#keep(record, await renew(record, tokens), goal)
      } catch (error) {
        if (!(error instanceof RelyingPartyError)) throw error
        if (error.code === 'ERR_SESSION_ENDED') return await this.#refused(record)
        // A goal that is refused says nothing of the session's own refresh, which is not to be held up by it.
        keep = goal ? error.code === 'ERR_PROVIDER_UNAVAILABLE' : error.code !== 'ERR_STORE_UNAVAILABLE'
        if (!goal) this.#options.onFailed?.(record, error)
        return this.#whileValid(record, error, goal)
      }
    } finally {
      await (keep ? lock.backOff() : lock.release())
    }
  }

  /** Stores new tokens in place of those that were read; where they changed meanwhile, the stored record counts. */
  async #keep(record: TokenRecord, renewal: Renewal, goal: Goal | undefined): Promise<TokenRecord | undefined> {
    const replaced = await this.#records.replace(record, renewal.fields, renewal.tokens)
    if (!replaced) return this.#records.read(record.id)
    if (!goal) this.#options.onRefreshed?.(replaced)
    return replaced
  }

  /** The refresh token was refused: either another process has used it and stored a new one, or the grant is over. */
  async #refused(record: TokenRecord): Promise<TokenRecord | undefined> {
    if (await this.#records.remove(record.id, record)) {
      this.#options.onEnded?.(record, 'refresh_refused')
      return undefined
    }
    return this.#records.read(record.id)
  }

  #whileValid(record: TokenRecord, error: RelyingPartyError, goal: Goal | undefined): TokenRecord {
    if (goal || expiresWithin(record, 0)) throw error
    return record
  }
}

/**
 * A lock in the store: held by an owner until it expires. After a failure it stays as a back-off, which nobody holds and
 * which remembers how often the provider has failed.
 */
class Lock {
  readonly #store: AuthStore
  readonly #key: string
  readonly #ttl: number
  readonly #owner = `owner:${randomBytes(12).toString('base64url')}`
  #failures = 0

  constructor(store: AuthStore, key: string, ttl: number) {
    this.#store = store
    this.#key = key
    this.#ttl = ttl
  }

  async acquire(): Promise<'acquired' | 'held' | 'backing-off'> {
    try {
      if (await this.#store.add(this.#key, this.#owner, this.#ttl)) return 'acquired'
      const value = await this.#store.get(this.#key)
      const backOff = parseBackOff(value)
      if (!value || !backOff) return 'held'
      if (backOff.until > Date.now()) return 'backing-off'
      this.#failures = backOff.failures
      return (await this.#store.replace(this.#key, value, this.#owner, this.#ttl)) ? 'acquired' : 'held'
    } catch (error) {
      throw storeError(error)
    }
  }

  /** Only the owner's lock is removed. A store that fails here leaves it to expire. */
  async release(): Promise<void> {
    await this.#store.remove(this.#key, this.#owner).catch(() => false)
  }

  /** Turns the lock into a back-off: until it is over, nobody asks the provider for this session. */
  async backOff(): Promise<void> {
    const wait = Math.min(BACK_OFF.first * 2 ** this.#failures, BACK_OFF.last)
    const value = `back-off:${this.#failures + 1}:${Date.now() + wait * 1000}`
    await this.#store.replace(this.#key, this.#owner, value, wait * 4).catch(() => false)
  }
}

function parseBackOff(value: string | undefined): { failures: number; until: number } | undefined {
  const [kind, failures, until] = value?.split(':') ?? []
  return kind === 'back-off' ? { failures: Number(failures), until: Number(until) } : undefined
}

function expiresWithin(record: TokenRecord, seconds: number): boolean {
  return record.accessTokenExpiresAt !== undefined && record.accessTokenExpiresAt - seconds <= Date.now() / 1000
}

function backingOff(): RelyingPartyError {
  return new RelyingPartyError('ERR_PROVIDER_UNAVAILABLE', 'the provider failed to refresh the session a moment ago')
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN * (1 + Math.random())))
}
