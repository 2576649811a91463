import { setTimeout as sleep } from 'node:timers/promises'
import { RelyingPartyError } from '../errors.js'
import { within } from '../lib/deadline.js'
import { NoSlotError, type Slots } from '../lib/http/slots.js'
import type { AuthStore } from './authStore.js'
import { Lock } from './lock.js'
import type { Outages, Permission } from './outages.js'
import type { TokenRecord, Tokens } from './record.js'
import type { TokenRecords } from './records.js'
import { crowded, down, unavailable, whileValid } from './refreshErrors.js'
import type { RefreshGoal, RefreshOptions, RefreshRequest, RefreshResult, RefreshTimes } from './refreshRequest.js'

/** How long to wait before looking again: first and longest, before jitter. In milliseconds. */
const LOOK_AGAIN = { first: 20, last: 250 }

/** For how long new tokens that the store does not take are kept and offered again. In seconds. */
const KEEP_TRYING = 60

/** How long the follow-up of a refresh may take, for requests wait for it too. In seconds. */
const FOLLOW_UP = 5

/** How long a session waits for the request that probes a failing provider. In seconds. */
const WAIT_FOR_PROBE = 2

/** The outcome if another process has the lock, or took it before anything was sent. */
const LOST = Symbol('lost')

type Outcome = TokenRecord | undefined | typeof LOST

/** What the flights of one process share. */
export interface Shared {
  readonly records: TokenRecords
  readonly store: AuthStore
  readonly options: RefreshOptions
  /** The token requests in progress, by the registration at the provider. */
  readonly slots: Slots
  readonly outages: Outages
  /** Whether a record needs no refresh any more. */
  isDone(record: TokenRecord, goal: RefreshGoal | undefined): boolean
  /** Decrypts the tokens of a record. Ends the session if they were encrypted with an unknown secret. */
  tokens(record: TokenRecord): Promise<Tokens | undefined>
}

/**
 * One refresh of one session in this process, however many requests wait for it: takes the lock, sends the refresh token,
 * stores what comes of it. It goes on after those who waited have given up, because the answer of a provider that rotates
 * refresh tokens holds the only valid one.
 */
export class Flight {
  /** In milliseconds since the epoch. */
  readonly begunAt = Date.now()
  readonly #shared: Shared
  readonly #request: RefreshRequest
  readonly #goal: RefreshGoal | undefined
  readonly #lock: Lock
  /** The session as it was last read. */
  #record: TokenRecord
  #sentAt: number | undefined
  /** Whether this flight has found out if the provider works. */
  #isTried = false

  /** @param record - the session as it was read when the refresh began */
  constructor(shared: Shared, record: TokenRecord, request: RefreshRequest, goal: RefreshGoal | undefined) {
    this.#shared = shared
    this.#record = record
    this.#request = request
    this.#goal = goal
    this.#lock = new Lock(shared.store, `lock:${record.id}`)
  }

  /** Returns the record that is stored at the end, `undefined` if the session has ended. */
  async run(): Promise<TokenRecord | undefined> {
    const { records, options } = this.#shared
    const { id } = this.#record
    let current: TokenRecord | undefined = this.#record
    for (let attempt = 0; ; attempt++) {
      if (attempt > 0) {
        current = await records.read(id)
        if (!current || this.#shared.isDone(current, this.#goal)) return current
      }
      if (attempt === 0 || !(await this.#lock.isHeldElsewhere())) {
        const outcome = await this.#inTurn(current)
        if (outcome !== LOST) return outcome
      }
      if (Date.now() - this.begunAt > 2 * options.timeout * 1000) throw unavailable(Date.now())
      await pause(attempt)
    }
  }

  /** Waits for a slot, so that a herd of sessions neither floods the provider nor queues there while time runs. */
  async #inTurn(record: TokenRecord): Promise<Outcome> {
    const { slots, outages } = this.#shared
    const { registration } = record
    let permission = await this.#ask(registration)
    if (typeof permission === 'object') return whileValid(record, down(permission.until), this.#goal)
    this.#isTried = false
    try {
      return await slots.run(registration, async () => {
        // The provider may have failed while this one waited.
        if (permission === 'send') permission = await this.#ask(registration)
        if (typeof permission === 'object') return whileValid(record, down(permission.until), this.#goal)
        return this.#attempt(record, permission === 'probe')
      })
    } catch (error) {
      if (error instanceof NoSlotError) return whileValid(record, crowded(), this.#goal)
      throw error
    } finally {
      if (permission === 'probe' && !this.#isTried) outages.giveBack(registration)
    }
  }

  /** Asks whether a request may be sent. While another one probes the provider, waits a little for its result. */
  async #ask(registration: string): Promise<Permission> {
    const { outages } = this.#shared
    const permission = outages.ask(registration)
    if (typeof permission !== 'object' || !permission.probing) return permission
    await Promise.race([permission.probing, sleep(WAIT_FOR_PROBE * 1000, undefined, { ref: false })])
    return outages.ask(registration)
  }

  async #attempt(record: TokenRecord, probe: boolean): Promise<Outcome> {
    const taken = await this.#lock.acquire().catch((error: unknown) => {
      // The command may yet be carried out.
      void this.#lock.release()
      throw error
    })
    if (taken.state === 'held') return LOST
    if (taken.state === 'backing-off') return whileValid(record, unavailable(taken.until, taken.code), this.#goal)
    return this.#locked(record, probe)
  }

  async #locked(asRead: TokenRecord, probe: boolean): Promise<Outcome> {
    const { options } = this.#shared
    let failed: string | undefined
    this.#record = asRead
    this.#sentAt = undefined
    try {
      return await this.#refresh(asRead, probe)
    } catch (error) {
      if (!(error instanceof RelyingPartyError)) throw error
      const record = this.#record
      if (error.code === 'ERR_SESSION_ENDED') return await this.#refused(record)
      if (this.#backsOff(error)) failed = error.code
      if (this.#ofSession) options.onFailed?.(record, error, this.#times())
      return whileValid(record, error, this.#goal)
    } finally {
      const held = this.#lock.remaining > 0
      const given = await (failed === undefined ? this.#lock.release() : this.#lock.backOff(failed))
      if (this.#sentAt !== undefined && held && !given) options.onOverlap?.()
    }
  }

  /** A request for another goal may be refused for reasons of its own: the session's refresh must not wait for it. */
  #backsOff({ code }: RelyingPartyError): boolean {
    return this.#ofSession ? code !== 'ERR_STORE_UNAVAILABLE' : code === 'ERR_PROVIDER_UNAVAILABLE'
  }

  /** Reads the record again, sends its refresh token, and stores what the provider answers. */
  async #refresh({ id, registration }: TokenRecord, probe: boolean): Promise<Outcome> {
    const { records, options, outages, isDone } = this.#shared
    // A provider that has not answered by then counts as down, though its answer is still awaited.
    const suspicion = setTimeout(() => outages.failed(registration, probe), options.wait * 1000)
    let stale = false
    const beforeSend = () => {
      // The process may have stalled since the confirmation, and another one sent the token.
      stale = !this.#lock.isFresh
      if (stale) throw new RelyingPartyError('ERR_PROVIDER_UNAVAILABLE', 'the lock of the refresh has expired')
      this.#sentAt ??= Date.now()
    }
    let result: RefreshResult
    try {
      await this.#request.prepare()
      const [record, isConfirmed] = await Promise.all([records.read(id), this.#lock.confirm()])
      if (!record || isDone(record, this.#goal)) return record
      if (!isConfirmed) return LOST
      this.#record = record
      const tokens = await this.#shared.tokens(record)
      if (!tokens) return undefined
      if (this.#ofSession && !tokens.refreshToken) return record
      result = await this.#request.send(record, tokens, { timeout: options.timeout, beforeSend })
      this.#isTried = true
      outages.succeeded(registration)
    } catch (error) {
      if (stale) return LOST
      this.#report(error, registration, probe)
      throw error
    } finally {
      clearTimeout(suspicion)
    }
    return this.#keep(this.#record, result)
  }

  /** Reports whether an error means that the provider is down. */
  #report(error: unknown, registration: string, probe: boolean): void {
    const { outages } = this.#shared
    const isDown = error instanceof RelyingPartyError && error.code === 'ERR_PROVIDER_UNAVAILABLE'
    this.#isTried = isDown || this.#sentAt !== undefined
    if (isDown) outages.failed(registration, probe)
    else if (this.#isTried) outages.succeeded(registration)
  }

  /**
   * Replaces the tokens that were read with the new ones, and returns the record that is stored then: another process's
   * if it changed in the meantime, none if the session has ended. Until they are stored, the new tokens exist only here,
   * so a failing store is tried again, even beyond the lock's expiry: compare-and-set decides.
   */
  async #keep(record: TokenRecord, result: RefreshResult): Promise<TokenRecord | undefined> {
    const { replaced, stored } = await this.#store(record, result)
    if (!replaced || !stored) return stored
    if (this.#ofSession) this.#shared.options.onRefreshed?.(stored, this.#times())
    return this.#follow(stored, result)
  }

  async #store(
    record: TokenRecord,
    { fields, tokens }: RefreshResult,
  ): Promise<{ replaced: boolean; stored: TokenRecord | undefined }> {
    const { records } = this.#shared
    const begun = Date.now()
    for (let attempt = 0; ; attempt++) {
      try {
        const replaced = await records.replace(record, fields, tokens)
        return { replaced: replaced !== undefined, stored: replaced ?? (await records.read(record.id)) }
      } catch (error) {
        if (Date.now() - begun > KEEP_TRYING * 1000) throw error
        await pause(attempt)
      }
    }
  }

  /** Lets other fields of the record follow, now that its tokens are safe. */
  async #follow(stored: TokenRecord, { followUp, tokens }: RefreshResult): Promise<TokenRecord | undefined> {
    if (!followUp) return stored
    const { records, options } = this.#shared
    try {
      const fields = await within(FOLLOW_UP * 1000, 'onRefresh takes longer', followUp(stored))
      if (!fields) return stored
      return (await records.replace(stored, fields, tokens)) ?? (await records.read(stored.id))
    } catch (error) {
      if (!(error instanceof RelyingPartyError && error.code === 'ERR_LOGIN_REFUSED')) {
        options.onFollowUpFailed?.(stored, error)
        return stored
      }
      if (await records.remove(stored.id, stored)) options.onEnded?.(stored, 'login_refused')
      return records.read(stored.id)
    }
  }

  /** Handles a refused refresh token: either another process has used it and stored a new one, or the grant has ended. */
  async #refused(record: TokenRecord): Promise<Outcome> {
    const { records, options } = this.#shared
    if (!(await this.#lock.confirm())) return LOST
    if (await records.remove(record.id, record)) {
      options.onEnded?.(record, 'refresh_refused')
      return undefined
    }
    return records.read(record.id)
  }

  get #ofSession(): boolean {
    return this.#goal?.ofSession ?? true
  }

  #times(): RefreshTimes {
    const sentAt = this.#sentAt ?? Date.now()
    return { waited: sentAt - this.begunAt, duration: Date.now() - sentAt }
  }
}

function pause(attempt: number): Promise<void> {
  const longest = Math.min(LOOK_AGAIN.first * 1.5 ** attempt, LOOK_AGAIN.last)
  return sleep(longest * (0.5 + Math.random()))
}
