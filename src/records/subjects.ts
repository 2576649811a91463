import { createHash, randomBytes } from 'node:crypto'
import { defined } from '../lib/defined.js'
import { type AuthStore, compareAndSet, retry } from './authStore.js'

/** The stored entry of a subject. All times in seconds since the epoch. */
interface Entry {
  /** Sessions that carry this value are valid. A new value ends them all at once. */
  readonly generation: string
  /** How long the store keeps the entry: at least until the end of all its sessions. */
  readonly until: number
  /** When the provider ended all sessions, by its own clock: logins that it started before have ended too. */
  readonly endedAt?: number
  /** The second part of the generation of sessions whose ID token had no `sid`: a new value ends only those. */
  readonly withoutSid?: string
  /** Like `endedAt`, for logins whose ID token has no `sid`. */
  readonly withoutSidEndedAt?: number
  /** The one session that stayed when all others were ended, and the generation that it carries. */
  readonly spared?: { readonly handle: string; readonly generation: string }
}

/** A session, to be checked against the entry of its subject. */
export interface Member {
  /** The id of its record. */
  readonly id: string
  readonly generation: string
  /** The session at the provider, if the ID token has a `sid`. */
  readonly sid?: string
}

/** The place of a new session among those of its subject. */
interface Entrance {
  readonly generation: string
  /** Stores the entry if need be. Resolves to whether it was unchanged. */
  store(): Promise<boolean>
}

/** A login for which a session is about to be opened. All times in seconds since the epoch. */
export interface LoginTimes {
  /** The `iat` of the ID token, by the provider's clock. */
  readonly issuedAt: number
  /** The end of the session's absolute lifetime. */
  readonly endsAt: number
  /** Whether the ID token has no `sid`. Default is `false`. */
  readonly withoutSid?: boolean
}

/**
 * Ends all sessions of a subject at once, in every process, with one write.
 *
 * Every session carries the generation its subject had at login, and is valid while that is the current one. A new
 * generation ends them all, however many there are and whatever their requests are writing, and no later login brings
 * one back. Losing an entry ends the sessions, and never revives one.
 */
export class Subjects {
  readonly #store: AuthStore

  constructor(store: AuthStore) {
    this.#store = store
  }

  /** Returns the key of a subject's entry, for those that read it along with others. */
  static key(subjectId: string): string {
    return `subject:${subjectId}`
  }

  /** Checks whether a session has not been ended with others. @param stored - the entry of its subject as it was read */
  static isCurrent(stored: string | undefined, member: Member): boolean {
    return stored !== undefined && isCurrent(parse(stored), member)
  }

  /**
   * Returns the generation for a new session, or `undefined` if the provider has ended the login in the meantime.
   *
   * @param asRead - the entry of the subject as it was read
   */
  enter(subjectId: string, asRead: string | undefined, login: LoginTimes): Entrance | undefined {
    const entry = asRead === undefined ? undefined : parse(asRead)
    if (entry && isOver(entry, login)) return undefined
    const next: Entry = { ...(entry ?? { generation: newGeneration() }), until: twice(login.endsAt) }
    const isKept = entry !== undefined && entry.until >= login.endsAt
    return {
      generation: generationFor(next, login),
      store: async () => isKept || this.#write(subjectId, asRead, next),
    }
  }

  /**
   * Ends all sessions of a subject.
   *
   * @param endsAt - the latest end of a session of the subject
   * @param endedAt - when the provider ended them, by its clock; `undefined` if the application does
   */
  async end(subjectId: string, endsAt: number, endedAt?: number): Promise<void> {
    await this.#change(subjectId, (entry) => renewed(entry, endsAt, endedAt))
  }

  /**
   * Ends all sessions of a subject but one, unless that one has ended already.
   *
   * @param endsAt - the latest end of a session of the subject
   */
  async endOthers(subjectId: string, endsAt: number, spared: Member): Promise<void> {
    await this.#change(subjectId, (entry) => ({
      ...renewed(entry, endsAt),
      ...defined({ spared: entry && isCurrent(entry, spared) ? toSpared(spared) : undefined }),
    }))
  }

  /** Ends only the sessions of a subject whose ID token had no `sid`. Parameters are those of {@link end}. */
  async endWithoutSid(subjectId: string, endsAt: number, endedAt: number): Promise<void> {
    await this.#change(subjectId, (entry) => ({
      ...(entry ?? { generation: newGeneration() }),
      until: Math.max(entry?.until ?? 0, twice(endsAt)),
      withoutSid: newGeneration(),
      ...defined({ withoutSidEndedAt: latest(endedAt, entry?.withoutSidEndedAt) }),
    }))
  }

  #change(subjectId: string, change: (entry: Entry | undefined) => Entry): Promise<void> {
    const read = () => this.#store.get(Subjects.key(subjectId))
    return retry(read, async (stored) => {
      const entry = change(stored === undefined ? undefined : parse(stored))
      return (await this.#write(subjectId, stored, entry)) ? [undefined] : undefined
    })
  }

  /** Replaces the entry that was read. Resolves to whether it was unchanged. */
  #write(subjectId: string, stored: string | undefined, entry: Entry): Promise<boolean> {
    return compareAndSet(this.#store, Subjects.key(subjectId), stored, serialize(entry), remaining(entry.until))
  }
}

/** Returns the short name of a subject of one registration, as it appears in keys. */
export function subjectIdOf(registration: string, subject: string): string {
  return createHash('sha256').update(`${registration}\0${subject}`).digest('base64url').slice(0, 22)
}

/** Returns the public name of a session. The id of its record, which is a secret, cannot be derived from it. */
export function handleOf(recordId: string): string {
  return createHash('sha256').update(recordId).digest('base64url').slice(0, 22)
}

function isCurrent({ generation, withoutSid, spared }: Entry, { id, sid, generation: carried }: Member): boolean {
  const part = sid === undefined ? withoutSid : undefined
  if (carried === join(generation, part)) return true
  return spared !== undefined && carried === join(spared.generation, part) && handleOf(id) === spared.handle
}

function toSpared({ id, generation }: Member): Entry['spared'] {
  const [first = ''] = generation.split('.')
  return { handle: handleOf(id), generation: first }
}

/** Returns an entry with a new generation, so that all sessions have ended. */
function renewed(entry: Entry | undefined, endsAt: number, endedAt?: number): Entry {
  const { spared: _spared, ...kept } = entry ?? {}
  return {
    ...kept,
    generation: newGeneration(),
    until: twice(endsAt),
    // Neither a later end by the application nor an older one by the provider undoes this.
    ...defined({ endedAt: latest(endedAt, entry?.endedAt) }),
  }
}

function join(generation: string, withoutSid: string | undefined): string {
  return withoutSid === undefined ? generation : `${generation}.${withoutSid}`
}

function generationFor({ generation, withoutSid: part }: Entry, { withoutSid }: LoginTimes): string {
  return join(generation, withoutSid ? part : undefined)
}

/** Checks whether the provider has ended a login since it issued it. */
function isOver({ endedAt = 0, withoutSidEndedAt = 0 }: Entry, { issuedAt, withoutSid }: LoginTimes): boolean {
  return issuedAt < endedAt || (withoutSid === true && issuedAt < withoutSidEndedAt)
}

function latest(one: number | undefined, other: number | undefined): number | undefined {
  return Math.max(one ?? 0, other ?? 0) || undefined
}

function serialize({ generation, until, endedAt, withoutSid, withoutSidEndedAt, spared }: Entry): string {
  const fields = [generation, until, endedAt, withoutSid, withoutSidEndedAt]
  return [...fields, ...(spared ? [spared.handle, spared.generation] : [])].map((field) => field ?? '').join(' ')
}

function parse(stored: string): Entry {
  const [generation = '', until, endedAt, withoutSid, withoutSidEndedAt, handle, spared] = stored.split(' ')
  return {
    generation,
    until: Number(until),
    ...defined({
      endedAt: endedAt ? Number(endedAt) : undefined,
      withoutSid: withoutSid || undefined,
      withoutSidEndedAt: withoutSidEndedAt ? Number(withoutSidEndedAt) : undefined,
      spared: handle && spared ? { handle, generation: spared } : undefined,
    }),
  }
}

function newGeneration(): string {
  return randomBytes(9).toString('base64url')
}

/** Returns a time twice as far away, so that few logins have to extend an entry. */
function twice(endsAt: number): number {
  return Math.ceil(endsAt + remaining(endsAt))
}

function remaining(until: number): number {
  return Math.max(1, until - Date.now() / 1000)
}
