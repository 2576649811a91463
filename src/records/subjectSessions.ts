import { storeError } from '../errors.js'
import { parseObject } from '../lib/json.js'
import { type AuthStore, compareAndSet, retry } from './authStore.js'

/** A record of the stored entry: the secret part of its id, and the latest end of its session in seconds since the epoch. */
type Listed = readonly [secret: string, until: number]

/** A record that is about to be listed. */
export interface Listing {
  readonly id: string
  /** The latest end of its session. In seconds since the epoch. */
  readonly until: number
  /** The id of the record that it will replace, which stays listed and does not count. */
  readonly replaces?: string | undefined
  /** The stored list as it was read. */
  readonly asRead: string | undefined
}

/** The default and the limit of `session.maxPerSubject`. */
export const MAX_PER_SUBJECT = 1000

/** How many records are checked, the oldest first, before a living session is ended by the limit. */
const MAX_CHECKED = 100

/** How many records are read at a time. */
const BATCH = 50

/**
 * Lists the records of a subject. Only logins add to the list, and nothing else writes to it: records that have ended
 * stay in it until it is read, they are in the way, or their time is over.
 */
export class SubjectSessions<Session extends object> {
  readonly #store: AuthStore
  readonly #read: (id: string) => Promise<Session | undefined>
  readonly #max: number

  /**
   * @param read - reads a record; `undefined` if the session has ended
   * @param max - how many sessions a subject may have
   */
  constructor(store: AuthStore, read: (id: string) => Promise<Session | undefined>, max: number) {
    this.#store = store
    this.#read = read
    this.#max = max
  }

  /** Returns the key of a subject's list, for a login to read it along with others. */
  static key(subjectId: string): string {
    return `sessions:${subjectId}`
  }

  /**
   * Lists a record.
   *
   * @returns the ids of the oldest records, which have to end because the subject has too many
   */
  add(subjectId: string, { id, until, replaces, asRead }: Listing): Promise<string[]> {
    const ofSecret = (secret: string) => `${subjectId}.${secret}`
    const attempt = async (stored: string | undefined): Promise<[string[]] | undefined> => {
      let listed = unexpired(stored)
      const counted = () => listed.filter(([secret]) => ofSecret(secret) !== replaces)
      if (counted().length >= this.#max) listed = await this.#withoutEnded(subjectId, listed)
      const dropped = new Set(counted().slice(0, Math.max(0, counted().length + 1 - this.#max)))
      const next: Listed[] = listed.filter((one) => !dropped.has(one))
      next.push([id.slice(subjectId.length + 1), Math.ceil(until)])
      return (await this.#write(subjectId, stored, next))
        ? [[...dropped].map(([secret]) => ofSecret(secret))]
        : undefined
    }
    return retry(() => this.#store.get(SubjectSessions.key(subjectId)), attempt, [asRead])
  }

  async #withoutEnded(subjectId: string, listed: Listed[]): Promise<Listed[]> {
    const checked = listed.slice(0, MAX_CHECKED)
    const living = await this.#readAll(checked.map(([secret]) => `${subjectId}.${secret}`))
    return [...checked.filter((_, i) => living[i]), ...listed.slice(MAX_CHECKED)]
  }

  /** Reads the records of a subject whose sessions have not ended, oldest first. Removes the others from the list. */
  async read(subjectId: string): Promise<Session[]> {
    const stored = await this.#store.get(SubjectSessions.key(subjectId))
    const listed = unexpired(stored)
    const read = await this.#readAll(listed.map(([secret]) => `${subjectId}.${secret}`))
    const living = read.filter((record) => record !== undefined)
    if (stored !== undefined && living.length < listed.length) {
      // If the list has changed in the meantime, they are removed another time.
      const rest = listed.filter((_, i) => read[i])
      if (rest.length === 0) await this.#store.remove(SubjectSessions.key(subjectId), stored)
      else await this.#write(subjectId, stored, rest)
    }
    return living
  }

  /** Finds the record whose id is the wanted one. */
  async find(subjectId: string, isWanted: (id: string) => boolean): Promise<Session | undefined> {
    const listed = unexpired(await this.#store.get(SubjectSessions.key(subjectId))).map(
      ([secret]) => `${subjectId}.${secret}`,
    )
    const id = listed.find(isWanted)
    return id === undefined ? undefined : this.#read(id)
  }

  async #readAll(ids: readonly string[]): Promise<(Session | undefined)[]> {
    const read: (Session | undefined)[] = []
    for (let start = 0; start < ids.length; start += BATCH) {
      read.push(...(await Promise.all(ids.slice(start, start + BATCH).map((id) => this.#read(id)))))
    }
    return read
  }

  #write(subjectId: string, stored: string | undefined, next: readonly Listed[]): Promise<boolean> {
    const ttl = Math.max(1, ...next.map(([, until]) => until - Date.now() / 1000))
    return compareAndSet(this.#store, SubjectSessions.key(subjectId), stored, JSON.stringify({ sessions: next }), ttl)
  }
}

/** Parses a list. One that cannot be read is a failure of the store: its sessions could no longer be shown or ended. */
function unexpired(stored: string | undefined): Listed[] {
  if (stored === undefined) return []
  const now = Date.now() / 1000
  const list = parse(stored)
  if (!list) throw storeError(new Error('the list of the sessions of a subject cannot be read'))
  return list.filter(([, until]) => until > now)
}

function parse(stored: string): Listed[] | undefined {
  const { sessions } = parseObject(stored) ?? {}
  return Array.isArray(sessions) && sessions.every(isListed) ? sessions : undefined
}

function isListed(value: unknown): value is Listed {
  return Array.isArray(value) && typeof value[0] === 'string' && typeof value[1] === 'number'
}
