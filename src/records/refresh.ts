import { DeadlineError, within } from '../lib/deadline.js'
import { createSlots } from '../lib/http/slots.js'
import type { AuthStore } from './authStore.js'
import { Flight, type Shared } from './flight.js'
import { Outages } from './outages.js'
import type { TokenRecord, Tokens } from './record.js'
import type { TokenRecords } from './records.js'
import { isValid, unavailable, whileValid } from './refreshErrors.js'
import type { RefreshGoal, RefreshOptions, RefreshRequest } from './refreshRequest.js'

/** How long a request waits for a refresh while the old access token is still valid. In seconds. */
const WAIT_WHILE_VALID = 2

/** How long a request waits at least, also for a refresh that has taken long already. In seconds. */
const SHORTEST_WAIT = 1

/** How many refreshes may wait for a slot of one provider. */
const MAX_WAITING = 10_000

/** By how much the time before the expiry differs among sessions, so that those of one moment do not stay together. */
const SPREAD = 0.5

interface Pending {
  readonly begunAt: number
  readonly record: Promise<TokenRecord | undefined>
}

/**
 * Refreshes sessions, with one token request for any number of callers, in this process and in all that share the store.
 *
 * Within a process, callers that need the same refresh share one {@link Flight}. Across processes, it takes a lock in the
 * store and reads the record again under it, so that tokens refreshed in the meantime are used and the old refresh token
 * is never sent twice. The new record replaces only the one that was read: a refresh that ends after a logout stores
 * nothing, nor does one that stalled while another process had its turn.
 */
export class Refresher {
  readonly #records: TokenRecords
  readonly #options: RefreshOptions
  readonly #shared: Shared
  readonly #pending = new Map<string, Pending>()

  constructor(records: TokenRecords, store: AuthStore, options: RefreshOptions) {
    this.#records = records
    this.#options = options
    this.#shared = {
      records,
      store,
      options,
      slots: createSlots({ max: options.max, maxWaiting: MAX_WAITING, maxWait: options.timeout }),
      outages: new Outages(),
      isDone: (record, goal) => (goal ? goal.isMet(record) : !this.isDue(record)),
      tokens: (record) => this.tokens(record),
    }
  }

  /** Checks whether a record's access token is due for a refresh: shortly before it expires, or after half its lifetime. */
  isDue(record: TokenRecord): boolean {
    const { accessTokenExpiresAt: expiresAt, accessTokenLifetime: lifetime = Infinity } = record
    if (expiresAt === undefined) return false
    const before = Math.min(this.#options.before, lifetime / 2) * (1 + SPREAD * fractionOf(record.id))
    return expiresAt - before <= Date.now() / 1000
  }

  /**
   * Returns a record whose access token is not about to expire, or that meets a goal, after a token request if needed.
   *
   * If the provider fails or is slow, a record whose access token is still valid is returned as it is. With a goal, the
   * failure is thrown.
   *
   * @returns `undefined` if the session has ended
   * @throws `ERR_PROVIDER_UNAVAILABLE`, `ERR_STORE_UNAVAILABLE` and whatever else `request` rejects with
   */
  async refresh(record: TokenRecord, request: RefreshRequest, goal?: RefreshGoal): Promise<TokenRecord | undefined> {
    const isNeeded = goal ? !goal.isMet(record) : record.refreshable && this.isDue(record)
    return isNeeded ? this.#join(record, request, goal) : record
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
    return this.#join(record, request, { key: `other than ${refused}`, ofSession: true, isMet })
  }

  /** Decrypts the tokens of a record. Ends the session if they were encrypted with an unknown secret. */
  async tokens(record: TokenRecord): Promise<Tokens | undefined> {
    const tokens = this.#records.unseal(record)
    if (!tokens && (await this.#records.remove(record.id, record))) this.#options.onEnded?.(record, 'unreadable')
    return tokens
  }

  /** Waits for the refresh in progress, or a new one, for a bounded time. The refresh goes on regardless. */
  async #join(record: TokenRecord, request: RefreshRequest, goal?: RefreshGoal): Promise<TokenRecord | undefined> {
    const pending = this.#share(record, request, goal)
    const isPatient = goal !== undefined || !isValid(record)
    const [wait, shortest] = isPatient ? [this.#options.wait, SHORTEST_WAIT] : [WAIT_WHILE_VALID, 0]
    const left = Math.max(wait * 1000 - (Date.now() - pending.begunAt), Math.min(shortest, wait) * 1000)
    try {
      return await within(left, 'the refresh takes longer', pending.record)
    } catch (error) {
      if (error instanceof DeadlineError) return whileValid(record, unavailable(Date.now()), goal)
      throw error
    }
  }

  #share(record: TokenRecord, request: RefreshRequest, goal: RefreshGoal | undefined): Pending {
    const key = goal ? `${record.id} ${goal.key}` : record.id
    let pending = this.#pending.get(key)
    if (!pending) {
      const flight = new Flight(this.#shared, record, request, goal)
      const running = flight.run().finally(() => this.#pending.delete(key))
      // Those who waited may have given up.
      running.catch(() => {})
      pending = { begunAt: flight.begunAt, record: running }
      this.#pending.set(key, pending)
    }
    return pending
  }
}

/** Returns a number from 0 to 1, always the same for one record. */
function fractionOf(id: string): number {
  let hash = 0
  for (const character of id.slice(-8)) hash = (hash * 31 + character.charCodeAt(0)) % 1009
  return hash / 1009
}
