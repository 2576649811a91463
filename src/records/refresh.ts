import { setTimeout as sleep } from 'node:timers/promises'
import { RelyingPartyError } from '../errors.js'
import type { AuthStore } from './authStore.js'
import { Lock } from './lock.js'
import type { RecordFields, TokenRecord, TokenRecords, Tokens } from './records.js'

/** The result of a token request: the fields of the record that replaces the old one, and its tokens. */
export interface RefreshResult {
  readonly fields: RecordFields
  readonly tokens: Tokens
}

/** A request to the provider for new tokens. */
export interface RefreshRequest {
  /** Loads everything else that is needed, so that nothing delays the request once the lock is confirmed. */
  prepare(): Promise<void>
  /** Sends the refresh token. Rejects with `ERR_SESSION_ENDED` if the provider no longer accepts it. */
  send(record: TokenRecord, tokens: Tokens): Promise<RefreshResult>
}

/** The purpose of a token request that is not made because the session's access token is about to expire. */
export interface RefreshGoal {
  /** Identifies the goal among those of one session. */
  readonly key: string
  /** Whether the goal is about the session's own access token. */
  readonly ofSession: boolean
  /** Checks whether a record meets the goal already. */
  isMet(record: TokenRecord): boolean
}

/** Options of a {@link Refresher}. All times in seconds. */
export interface RefreshOptions {
  /** An access token that expires within this time is refreshed; a short-lived one, after half its lifetime. */
  readonly before: number
  /** The timeout of a request to the provider. */
  readonly requestTimeout: number
  /** Called when a session ends because its refresh token was refused or its tokens cannot be decrypted. */
  readonly onEnded?: (record: TokenRecord, reason: 'refresh_refused' | 'unreadable') => void
  readonly onRefreshed?: (record: TokenRecord) => void
  readonly onFailed?: (record: TokenRecord, error: RelyingPartyError) => void
  /** Called when another process took the lock while this one held it, so that both sent the refresh token. */
  readonly onOverlap?: () => void
}

/** How long to wait for another process before reading again: first and longest, before jitter. In milliseconds. */
const LOOK_AGAIN = { first: 20, last: 250 }

/** How long to wait for a held lock before settling for a token that is still valid. In seconds. */
const PATIENCE_WHILE_VALID = 2

/** The outcome if another process took the lock before anything was sent. */
const LOST = Symbol('lost')

/**
 * Refreshes sessions, with one token request for any number of callers, in this process and in all that share the store.
 *
 * Within a process, callers that need the same refresh share one promise. Across processes, a refresh takes a lock in the
 * store and reads the record again under it, so that tokens refreshed in the meantime are used and the old refresh token
 * is never sent twice. The new record replaces only the one that was read: a refresh that ends after a logout stores
 * nothing, nor does one that stalled while another process had its turn.
 */
export class Refresher {
  readonly #records: TokenRecords
  readonly #store: AuthStore
  readonly #options: RefreshOptions
  /** Time for the token request, the keys that its ID token may need, and storing the result. In seconds. */
  readonly #lockLifetime: number
  readonly #pending = new Map<string, Promise<TokenRecord | undefined>>()

  constructor(records: TokenRecords, store: AuthStore, options: RefreshOptions) {
    this.#records = records
    this.#store = store
    this.#options = options
    this.#lockLifetime = 3 * options.requestTimeout
  }

  /** Checks whether a record's access token is due for a refresh: shortly before it expires, or after half its lifetime. */
  isDue(record: TokenRecord): boolean {
    const { accessTokenLifetime: lifetime = Infinity } = record
    return expiresWithin(record, Math.min(this.#options.before, lifetime / 2))
  }

  /**
   * Returns a record whose access token is not about to expire, or that meets a goal, after a token request if needed.
   *
   * If the provider fails, a record whose access token is still valid is returned as it is. With a goal, the failure is
   * thrown.
   *
   * @returns `undefined` if the session has ended
   * @throws `ERR_PROVIDER_UNAVAILABLE`, `ERR_STORE_UNAVAILABLE` and whatever else `request` rejects with
   */
  async refresh(record: TokenRecord, request: RefreshRequest, goal?: RefreshGoal): Promise<TokenRecord | undefined> {
    const isNeeded = goal ? !goal.isMet(record) : record.refreshable && this.isDue(record)
    return isNeeded ? this.#share(record.id, request, goal) : record
  }

  /**
   * Returns a record whose access token is not that of the given one, which an API has refused before its expiry. A
   * failure is thrown, even if the token is still valid.
   *
   * @returns as {@link Refresher.refresh}
   * @throws as {@link Refresher.refresh}
   */
  async replaceToken(record: TokenRecord, request: RefreshRequest): Promise<TokenRecord | undefined> {
    const tokenOf = (current: TokenRecord) => this.#records.unseal(current)?.accessToken
    const refused = tokenOf(record)
    const isMet = (current: TokenRecord) => tokenOf(current) !== refused
    return this.#share(record.id, request, { key: `other than ${refused}`, ofSession: true, isMet })
  }

  #share(id: string, request: RefreshRequest, goal?: RefreshGoal): Promise<TokenRecord | undefined> {
    const key = goal ? `${id} ${goal.key}` : id
    let pending = this.#pending.get(key)
    if (!pending) {
      pending = this.#refresh(id, request, goal).finally(() => this.#pending.delete(key))
      this.#pending.set(key, pending)
    }
    return pending
  }

  /** Decrypts the tokens of a record. Ends the session if they were encrypted with an unknown secret. */
  async tokens(record: TokenRecord): Promise<Tokens | undefined> {
    const tokens = this.#records.unseal(record)
    if (!tokens && (await this.#records.remove(record.id, record))) this.#options.onEnded?.(record, 'unreadable')
    return tokens
  }

  #isDone(record: TokenRecord, goal: RefreshGoal | undefined): boolean {
    return goal ? goal.isMet(record) : !this.isDue(record)
  }

  async #refresh(id: string, request: RefreshRequest, goal: RefreshGoal | undefined): Promise<TokenRecord | undefined> {
    const lock = new Lock(this.#store, `lock:${id}`, this.#lockLifetime)
    const begun = Date.now()
    for (let attempt = 0; ; attempt++) {
      const record = await this.#records.read(id)
      if (!record || this.#isDone(record, goal)) return record
      const result = await lock.acquire()
      if (result.state === 'backing-off') return whileValid(record, backingOff(result.until, result.code), goal)
      if (result.state === 'acquired') {
        const outcome = await this.#refreshLocked(id, request, lock, goal)
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
    request: RefreshRequest,
    lock: Lock,
    goal: RefreshGoal | undefined,
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
        await request.prepare()
        if (!(await lock.confirm())) return LOST
        sent = true
        return await this.#keep(record, await request.send(record, tokens), lock, goal)
      } catch (error) {
        if (!(error instanceof RelyingPartyError)) throw error
        if (error.code === 'ERR_SESSION_ENDED') return await this.#refused(record, lock)
        // A request for another goal may be refused for reasons of its own: the session's refresh must not wait for it.
        const backsOff = ofSession ? error.code !== 'ERR_STORE_UNAVAILABLE' : error.code === 'ERR_PROVIDER_UNAVAILABLE'
        if (backsOff) failed = error.code
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
   * Replaces the tokens that were read with the new ones, and returns the record that is stored then: another process's
   * if it changed in the meantime, none if the session has ended. Until they are stored, the new tokens exist only here,
   * so a failing store is tried again while the lock is held.
   */
  async #keep(
    record: TokenRecord,
    result: RefreshResult,
    lock: Lock,
    goal: RefreshGoal | undefined,
  ): Promise<TokenRecord | undefined> {
    for (let attempt = 0; ; attempt++) {
      try {
        const replaced = await this.#records.replace(record, result.fields, result.tokens)
        const stored = await this.#records.read(record.id)
        if (replaced && stored && isOfSession(goal)) this.#options.onRefreshed?.(stored)
        return stored
      } catch (error) {
        if (lock.remaining < LOOK_AGAIN.last * 2) throw error
        await pause(attempt)
      }
    }
  }

  /** Handles a refused refresh token: either another process has used it and stored a new one, or the grant has ended. */
  async #refused(record: TokenRecord, lock: Lock): Promise<TokenRecord | undefined | typeof LOST> {
    if (!(await lock.confirm())) return LOST
    if (await this.#records.remove(record.id, record)) {
      this.#options.onEnded?.(record, 'refresh_refused')
      return undefined
    }
    return this.#records.read(record.id)
  }
}

function whileValid(record: TokenRecord, error: RelyingPartyError, goal: RefreshGoal | undefined): TokenRecord {
  if (goal || expiresWithin(record, 0)) throw error
  return record
}

function expiresWithin(record: TokenRecord, seconds: number): boolean {
  return record.accessTokenExpiresAt !== undefined && record.accessTokenExpiresAt - seconds <= Date.now() / 1000
}

function isOfSession(goal: RefreshGoal | undefined): boolean {
  return goal?.ofSession ?? true
}

/**
 * @param until - in milliseconds since the epoch
 * @param code - the error code of the failed request
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
