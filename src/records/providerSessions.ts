import { createHash } from 'node:crypto'
import { storeError } from '../errors.js'
import { defined } from '../lib/defined.js'
import { parseObject } from '../lib/json.js'
import { type AuthStore, compareAndSet, retry } from './authStore.js'
import type { LoginTimes } from './subjects.js'

/** The stored entry of a session at the provider. All times in seconds since the epoch. */
interface Entry {
  /** The ids of the records opened from it, oldest first, and the ends of their absolute lifetimes. */
  readonly records: readonly (readonly [id: string, endsAt: number])[]
  /** When the provider ended it: logins that it started before have ended too. */
  readonly endedAt?: number
}

interface Change {
  readonly value: Entry
  /** In seconds. */
  readonly ttl: number
}

/** How many sessions may be opened from one session at the provider. Another one ends the oldest. */
const MAX_RECORDS = 1000

/** How long the end of a session at the provider is remembered, for logins still in progress. In seconds. */
const REMEMBER_END = 3600

/** Finds the token records of a session at the provider by its `sid`: the provider's logout request has no cookie. */
export class Sids {
  readonly #store: AuthStore

  constructor(store: AuthStore) {
    this.#store = store
  }

  /** Returns the key of the entry of a session at the provider, for a login to read it along with others. */
  static key(sidId: string): string {
    return `sid:${sidId}`
  }

  /**
   * Enters a record.
   *
   * @param asRead - the entry as it was read
   * @returns the ids that were dropped, or `undefined` if the provider has ended its session in the meantime
   */
  async enter(
    sidId: string,
    recordId: string,
    login: LoginTimes,
    asRead: string | undefined,
  ): Promise<string[] | undefined> {
    let oldest: string[] = []
    const change = (entry: Entry): Change | undefined => {
      if (entry.endedAt !== undefined && login.issuedAt <= entry.endedAt) return undefined
      const now = Date.now() / 1000
      const living = entry.records.filter(([, endsAt]) => endsAt > now)
      oldest = living.slice(0, Math.max(0, living.length + 1 - MAX_RECORDS)).map(([id]) => id)
      const records = [...living.slice(oldest.length), [recordId, Math.ceil(login.endsAt)] as const]
      return { value: { ...entry, records }, ttl: Math.max(...records.map(([, endsAt]) => endsAt)) - now }
    }
    const entered = await this.#update(sidId, change, [asRead])
    return entered ? oldest : undefined
  }

  /**
   * Ends the entered records, and stores when the provider ended its session. Can be repeated after a failure.
   *
   * @param endedAt - by the provider's clock; `undefined` if nothing proves that it did: then nothing is stored, so that
   *   made-up values cannot fill the store
   * @param endRecord - ends one record
   */
  async end(sidId: string, endedAt: number | undefined, endRecord: (id: string) => Promise<void>): Promise<void> {
    await this.#update(sidId, async (entry) => {
      if (endedAt === undefined && entry.records.length === 0) return undefined
      for (const [id] of entry.records) await endRecord(id)
      const latest = Math.max(endedAt ?? 0, entry.endedAt ?? 0)
      return { value: { records: [], ...defined({ endedAt: latest || undefined }) }, ttl: REMEMBER_END }
    })
  }

  /** @param known - the entry as it was read, if it was */
  #update(
    sidId: string,
    change: (entry: Entry) => Change | undefined | Promise<Change | undefined>,
    known?: readonly [asRead: string | undefined],
  ): Promise<boolean> {
    const key = Sids.key(sidId)
    const attempt = async (stored: string | undefined): Promise<[boolean] | undefined> => {
      const changed = await change(stored === undefined ? { records: [] } : parse(stored))
      if (!changed) return [false]
      const { value, ttl } = changed
      return (await compareAndSet(this.#store, key, stored, JSON.stringify(value), ttl)) ? [true] : undefined
    }
    return retry(() => this.#store.get(key), attempt, known)
  }
}

/** An entry that cannot be read is a failure of the store: sessions could no longer be ended by it. */
function parse(stored: string): Entry {
  const entry = parseObject(stored)
  if (!entry || !isEntry(entry)) throw storeError(new Error('the entry of a session at the provider cannot be read'))
  return entry
}

function isEntry(value: Partial<Record<keyof Entry, unknown>>): value is Entry {
  const { records, endedAt } = value
  return Array.isArray(records) && records.every(isRecordOfEntry) && ['number', 'undefined'].includes(typeof endedAt)
}

function isRecordOfEntry(value: unknown): boolean {
  return Array.isArray(value) && typeof value[0] === 'string' && typeof value[1] === 'number'
}

/** Returns the short name of a session at the provider, as it appears in keys. */
export function sidIdOf(registration: string, sid: string): string {
  return createHash('sha256').update(`${registration}\0${sid}`).digest('base64url')
}
