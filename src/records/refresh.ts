import { setTimeout as sleep } from 'node:timers/promises'
import { RelyingPartyError } from '../errors.js'
import type { AuthStore } from './authStore.js'
import { Lock } from './lock.js'
import type { RecordFields, TokenRecord, TokenRecords, Tokens } from './records.js'

/** What came of a token request: the fields that change, and the new tokens. */
export interface Renewal {
  readonly fields: RecordFields
  readonly tokens: Tokens
}

/** How the provider is asked for new tokens. */
export interface Renew {
  /** Gets what is needed beside the tokens, so that nothing else is waited for once the refresh token is used. */
  prepare(): Promise<void>
  /** Sends the refresh token. Rejects with `ERR_SESSION_ENDED` when it is no longer accepted. */
  request(record: TokenRecord, tokens: Tokens): Promise<Renewal>
}

/** What a token request is for, other than to refresh an access token that is about to expire. */
export interface Goal {
  /** Distinguishes the goals of one session. */
  readonly key: string
  /** Whether it is the session's own access token that is wanted. */
  readonly ofSession: boolean
  /** Whether a record has it already. */
  isReached(record: TokenRecord): boolean
}

/** How a refresh is carried out. All times in seconds. */
export interface RefreshOptions {
  /** An access token that expires within this time is refreshed; one that lives short, after half its life. */
  readonly before: number
  /** The longest that a request to the provider may take. */
  readonly requestTimeout: number
  /** Called for a session that ended: its refresh token was refused, or its tokens cannot be decrypted. */
  readonly onEnded?: (record: TokenRecord, reason: 'refresh_refused' | 'unreadable') => void
  readonly onRefreshed?: (record: TokenRecord) => void
  readonly onFailed?: (record: TokenRecord, error: RelyingPartyError) => void
  /** Called when another process took the lock while this one held it, and both sent the refresh token. */
  readonly onOverlap?: () => void
}

/** How soon a process looks again while another one refreshes: at first, and at most. In milliseconds, before jitter. */
const LOOK_AGAIN = { first: 20, last: 250 }

/** How long a process that finds the lock held waits before it makes do with a token that is still valid. In seconds. */
const PATIENCE_WHILE_VALID = 2

/** What came of a lock that was lost to another process before anything was sent. */
const LOST = Symbol('lost')

/**
 * Refreshes sessions: one token request for any number of askers, in this process and in all that share the store.
 *
 * Within a process the askers of one session share a flight. Across processes the flight takes a lock in the store; and
 * the record is read again under it, so that a token refreshed meanwhile is used and the old one never sent twice. The
 * new record is stored only in place of the one that was read: a refresh that ends after a logout stores nothing, nor
 * does one that was held up until another process had its turn.
 */
export class Refresher {
  readonly #records: TokenRecords
  readonly #store: AuthStore
  readonly #options: RefreshOptions
  /** In seconds: the token request, the keys that its ID token may need, and as long again to store what came. */
  readonly #lockLifetime: number
  readonly #flights = new Map<string, Promise<TokenRecord | undefined>>()

  constructor(records: TokenRecords, store: AuthStore, options: RefreshOptions) {
    this.#records = records
    this.#store = store
    this.#options = options
    this.#lockLifetime = 3 * options.requestTimeout
  }

  /** Checks whether a record's access token is to be refreshed: shortly before it expires, or after half its life. */
  isDue(record: TokenRecord): boolean {
    const { accessTokenLifetime: lifetime = Infinity } = record
    return expiresWithin(record, Math.min(this.#options.before, lifetime / 2))
  }

  /**
   * Returns a record whose access token is not about to expire, refreshing it if need be. Where the provider fails, the
   * record is returned as it is while its access token is still valid.
   *
   * @returns `undefined` when the session has ended
   * @throws `ERR_PROVIDER_UNAVAILABLE`, `ERR_STORE_UNAVAILABLE` and what else `renew` rejects with
   */
  async fresh(record: TokenRecord, renew: Renew): Promise<TokenRecord | undefined> {
    if (!this.isDue(record) || !record.refreshable) return record
    return this.#shareFlight(record.id, renew)
  }

  /**
   * Returns a record that has reached a goal, by a token request if need be. A failure is thrown, whatever the session's
   * own token is worth.
   *
   * @returns `undefined` when the session has ended
   * @throws as {@link Refresher.fresh}
   */
  async reach(record: TokenRecord, renew: Renew, goal: Goal): Promise<TokenRecord | undefined> {
    return goal.isReached(record) ? record : this.#shareFlight(record.id, renew, goal)
  }

  /**
   * Returns a record with another access token than the given one has, whose token an API has refused though it has not
   * expired. A failure is thrown, whatever the token is worth.
   *
   * @returns as {@link Refresher.fresh}
   * @throws as {@link Refresher.fresh}
   */
  async replaceToken(record: TokenRecord, renew: Renew): Promise<TokenRecord | undefined> {
    const tokenOf = (current: TokenRecord) => this.#records.open(current)?.accessToken
    const refused = tokenOf(record)
    const isReached = (current: TokenRecord) => tokenOf(current) !== refused
    return this.#shareFlight(record.id, renew, { key: `other than ${refused}`, ofSession: true, isReached })
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

  /** Decrypts the tokens of a record. A session whose tokens were encrypted with an unknown secret is ended. */
  async tokens(record: TokenRecord): Promise<Tokens | undefined> {
    const tokens = this.#records.open(record)
    if (!tokens && (await this.#records.remove(record.id, record))) this.#options.onEnded?.(record, 'unreadable')
    return tokens
  }

  #isDone(record: TokenRecord, goal: Goal | undefined): boolean {
    return goal ? goal.isReached(record) : !this.isDue(record)
  }

  async #fly(id: string, renew: Renew, goal: Goal | undefined): Promise<TokenRecord | undefined> {
    const lock = new Lock(this.#store, `lock:${id}`, this.#lockLifetime)
    const begun = Date.now()
    for (let attempt = 0; ; attempt++) {
      const record = await this.#records.read(id)
      if (!record || this.#isDone(record, goal)) return record
      const result = await lock.acquire()
      if (result.state === 'backing-off') return whileValid(record, backingOff(result.until, result.code), goal)
      if (result.state === 'acquired') {
        const outcome = await this.#refreshLocked(id, renew, lock, goal)
        if (outcome !== LOST) return outcome
      }
      const waited = (Date.now() - begun) / 1000
      if (waited > PATIENCE_WHILE_VALID && !goal && !expiresWithin(record, 0)) return record
      if (waited > 2 * this.#lockLifetime) throw backingOff(Date.now())
      await pause(attempt)
    }
  }

  async #refreshLocked(
    id: string,
    renew: Renew,
    lock: Lock,
    goal: Goal | undefined,
  ): Promise<TokenRecord | undefined | typeof LOST> {
    let failed: string | undefined
    const ofSession = isOfSession(goal)
    let sent = false
    try {
      const record = await this.#records.read(id)
      if (!record || this.#isDone(record, goal)) return record
      const tokens = await this.tokens(record)
      if (!tokens) return undefined
      if (ofSession && !tokens.refreshToken) return record
      try {
        await renew.prepare()
        if (!(await lock.confirm())) return LOST
        sent = true
        return await this.#keep(record, await renew.request(record, tokens), lock, goal)
      } catch (error) {
        if (!(error instanceof RelyingPartyError)) throw error
        if (error.code === 'ERR_SESSION_ENDED') return await this.#refused(record, lock)
        // A goal that is refused says nothing of the session's own refresh, which is not to be held up by it.
        const holdsUp = ofSession ? error.code !== 'ERR_STORE_UNAVAILABLE' : error.code === 'ERR_PROVIDER_UNAVAILABLE'
        if (holdsUp) failed = error.code
        if (ofSession) this.#options.onFailed?.(record, error)
        return whileValid(record, error, goal)
      }
    } finally {
      const held = lock.remaining > 0
      const given = await (failed === undefined ? lock.release() : lock.backOff(failed))
      if (sent && held && !given) this.#options.onOverlap?.()
    }
  }

  /**
   * Stores new tokens in place of those that were read, and returns what is stored then: another process's where they had
   * changed meanwhile, nothing where the session has ended. Until they are stored they exist here only, so a store that
   * fails is asked again while the lock is held.
   */
  async #keep(
    record: TokenRecord,
    renewal: Renewal,
    lock: Lock,
    goal: Goal | undefined,
  ): Promise<TokenRecord | undefined> {
    for (let attempt = 0; ; attempt++) {
      try {
        const replaced = await this.#records.replace(record, renewal.fields, renewal.tokens)
        const stored = await this.#records.read(record.id)
        if (replaced && stored && isOfSession(goal)) this.#options.onRefreshed?.(stored)
        return stored
      } catch (error) {
        if (lock.remaining < LOOK_AGAIN.last * 2) throw error
        await pause(attempt)
      }
    }
  }

  /** The refresh token was refused: either another process has used it and stores a new one, or the grant is over. */
  async #refused(record: TokenRecord, lock: Lock): Promise<TokenRecord | undefined | typeof LOST> {
    if (!(await lock.confirm())) return LOST
    if (await this.#records.remove(record.id, record)) {
      this.#options.onEnded?.(record, 'refresh_refused')
      return undefined
    }
    return this.#records.read(record.id)
  }
}

function whileValid(record: TokenRecord, error: RelyingPartyError, goal: Goal | undefined): TokenRecord {
  if (goal || expiresWithin(record, 0)) throw error
  return record
}

function expiresWithin(record: TokenRecord, seconds: number): boolean {
  return record.accessTokenExpiresAt !== undefined && record.accessTokenExpiresAt - seconds <= Date.now() / 1000
}

function isOfSession(goal: Goal | undefined): boolean {
  return goal?.ofSession ?? true
}

/**
 * @param until - in milliseconds since the epoch
 * @param code - what the provider failed with
 */
function backingOff(until: number, code?: string): RelyingPartyError {
  const seconds = Math.max(1, Math.ceil((until - Date.now()) / 1000))
  return new RelyingPartyError(
    'ERR_PROVIDER_UNAVAILABLE',
    'the session could not be refreshed a moment ago: try again shortly',
    {
      headers: { 'Retry-After': String(seconds) },
      hint: 'the provider failed to refresh it, or another process holds the lock; see the event session.refresh_failed',
      ...(code === undefined ? {} : { cause: { failedWith: code } }),
    },
  )
}

function pause(attempt: number): Promise<void> {
  const longest = Math.min(LOOK_AGAIN.first * 1.5 ** attempt, LOOK_AGAIN.last)
  return sleep(longest * (0.5 + Math.random()))
}
