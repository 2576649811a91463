import { createHash, randomBytes } from 'node:crypto'
import { type AuthStore, compareAndSet } from './authStore.js'

/** What the store holds of a subject. All times in seconds since the epoch. */
interface Entry {
  /** The sessions that carry this value live. Another value ends them all at once. */
  readonly generation: string
  /** How long the store keeps the entry: at least as long as any session of it may last. */
  readonly until: number
  /** When the provider ended all sessions, by its own clock: logins it began before are over too. */
  readonly endedAt?: number
}

/** A login that is about to get a session. All times in seconds since the epoch. */
export interface LoginTimes {
  /** The `iat` of the ID token, by the provider's clock. */
  readonly issuedAt: number
  /** The end of the session's absolute lifetime. */
  readonly endsAt: number
}

/**
 * Lets all sessions of a subject end at once, in every process, by one write.
 *
 * Every session carries the generation its subject had at login, and lives while that is the current one. A new
 * generation ends them all, however many there are and whatever their requests are writing; and no later login brings
 * one of them back. An entry that is lost ends the sessions, and never revives one.
 */
export class Subjects {
  readonly #store: AuthStore

  constructor(store: AuthStore) {
    this.#store = store
  }

  /** Gives the current generation of a subject, if it has one. */
  async generation(subjectId: string): Promise<string | undefined> {
    const stored = await this.#store.get(key(subjectId))
    return stored?.slice(0, stored.indexOf(' '))
  }

  /** Gives the generation for a new session, or `undefined` where the provider has ended the login meanwhile. */
  async enter(subjectId: string, login: LoginTimes): Promise<string | undefined> {
    for (;;) {
      const stored = await this.#store.get(key(subjectId))
      const entry = stored === undefined ? undefined : parse(stored)
      if (entry?.endedAt !== undefined && login.issuedAt < entry.endedAt) return undefined
      if (entry && entry.until >= login.endsAt) return entry.generation
      const next: Entry = { ...(entry ?? { generation: newGeneration() }), until: twice(login.endsAt) }
      if ((await this.#write(subjectId, stored, next)) && entry) return entry.generation
      // A new entry is read back: a store that is not atomic between processes may have taken another's.
    }
  }

  /**
   * Ends all sessions of a subject.
   *
   * @param endsAt - until when a session of the subject may last
   * @param endedAt - when the provider ended them, by its clock; `undefined` when the application does
   */
  async end(subjectId: string, endsAt: number, endedAt?: number): Promise<void> {
    for (;;) {
      const stored = await this.#store.get(key(subjectId))
      // What the provider ended last stays ended, also where the application or an older word of the provider comes after.
      const latest = Math.max(endedAt ?? 0, (stored === undefined ? undefined : parse(stored).endedAt) ?? 0)
      const entry: Entry = {
        generation: newGeneration(),
        until: twice(endsAt),
        ...(latest > 0 ? { endedAt: latest } : {}),
      }
      if (await this.#write(subjectId, stored, entry)) return
    }
  }

  /** Stores an entry in place of the one that was read. Resolves to whether it still was that. */
  #write(subjectId: string, stored: string | undefined, entry: Entry): Promise<boolean> {
    return compareAndSet(this.#store, key(subjectId), stored, serialize(entry), remaining(entry.until))
  }
}

/** Gives the short name of a subject of one registration, as it stands in keys. */
export function subjectIdOf(registration: string, subject: string): string {
  return createHash('sha256').update(`${registration}\0${subject}`).digest('base64url').slice(0, 22)
}

/** The generation comes first: it is all that most requests read. */
function serialize({ generation, until, endedAt }: Entry): string {
  return `${generation} ${until} ${endedAt ?? ''}`
}

function parse(stored: string): Entry {
  const [generation = '', until, endedAt] = stored.split(' ')
  return { generation, until: Number(until), ...(endedAt ? { endedAt: Number(endedAt) } : {}) }
}

function newGeneration(): string {
  return randomBytes(9).toString('base64url')
}

/** A time twice as far away, so that an entry is renewed once in many logins. */
function twice(endsAt: number): number {
  return Math.ceil(endsAt + remaining(endsAt))
}

function remaining(until: number): number {
  return Math.max(1, until - Date.now() / 1000)
}

function key(subjectId: string): string {
  return `subject:${subjectId}`
}
