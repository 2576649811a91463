import { randomBytes } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { RelyingPartyError } from '../errors.js'
import type { Sealer } from '../lib/seal.js'
import type { AuthStore } from './authStore.js'
import { Sids, sidIdOf } from './providerSessions.js'
import { joinRecord, parseRecord, type RecordFields, splitRecord, type TokenRecord, type Tokens } from './record.js'
import { type Listing, MAX_PER_SUBJECT, SubjectSessions } from './subjectSessions.js'
import { handleOf, type LoginTimes, Subjects, subjectIdOf } from './subjects.js'

/** How much longer than the idle lifetime a record stays in the store, as a fraction of that time. */
const MARGIN = 0.1

/** For how many sessions a process remembers the expiry in the store. For others it writes again. */
const MAX_REMEMBERED = 10_000

/** How many sessions a subject may have. */
interface Limits {
  readonly maxPerSubject?: number
  /** Called when the oldest session of a subject was ended because the subject had too many. */
  readonly onLimit?: (session: Pick<RecordFields, 'provider' | 'subject'>) => void
}

/** What is known of a login when its record is created. */
interface Creation {
  /** When the provider issued the login, by its clock. In seconds since the epoch; default is `openedAt`. */
  readonly issuedAt?: number | undefined
  /** The id of the record that this one replaces: both do not count as two sessions. */
  readonly replaces?: string | undefined
}

/**
 * Token records in an {@link AuthStore}: a login creates one, a refresh replaces it, a logout removes it.
 *
 * A session is valid while its record exists and carries the current generation of its subject.
 */
export class TokenRecords {
  readonly #store: AuthStore
  readonly #sealer: Sealer
  readonly #subjects: Subjects
  readonly #sids: Sids
  readonly #lists: SubjectSessions<TokenRecord>
  readonly #onLimit: Limits['onLimit']
  /** Until when the store keeps a record, as far as this process knows. In seconds since the epoch. */
  readonly #keptUntil = new LRUCache<string, number>({ max: MAX_REMEMBERED })

  constructor(store: AuthStore, sealer: Sealer, { maxPerSubject = MAX_PER_SUBJECT, onLimit }: Limits = {}) {
    this.#store = store
    this.#sealer = sealer
    this.#subjects = new Subjects(store)
    this.#sids = new Sids(store)
    this.#lists = new SubjectSessions(store, (id) => this.read(id), maxPerSubject)
    this.#onLimit = onLimit
  }

  /**
   * Stores a new record under a new random id.
   *
   * If its subject has too many sessions, the oldest are ended.
   *
   * @throws `ERR_SESSION_ENDED` if the provider has ended the session since; `ERR_STORE_UNAVAILABLE`
   */
  async create(fields: RecordFields, tokens: Tokens, creation: Creation = {}): Promise<TokenRecord> {
    const { issuedAt = fields.openedAt, replaces } = creation
    const endsAt = fields.mayLastUntil ?? fields.endsAt
    const login = { issuedAt, endsAt, withoutSid: fields.sid === undefined }
    const subjectId = subjectIdOf(fields.registration, fields.subject)
    const [generation, asRead] = await Promise.all([
      this.#subjects.enter(subjectId, login),
      this.#lists.stored(subjectId),
    ])
    if (generation === undefined) throw overtaken()
    const id = `${subjectId}.${randomBytes(32).toString('base64url')}`
    const stored = this.#serialize(id, fields, generation, tokens)
    await this.#store.set(key(id), stored, lifetime(fields))
    try {
      if (fields.sid !== undefined) await this.#enterSid(sidIdOf(fields.registration, fields.sid), id, login)
      await this.#list(fields, subjectId, { id, until: endsAt, replaces, asRead })
    } catch (error) {
      // Nothing leads to the record any more, neither its user nor a logout.
      await this.remove(id).catch(() => false)
      throw error
    }
    return { ...fields, id, stored, generation }
  }

  async #enterSid(sidId: string, id: string, login: LoginTimes): Promise<void> {
    const dropped = await this.#sids.enter(sidId, id, login)
    if (!dropped) throw overtaken()
    await Promise.all(dropped.map((oldest) => this.remove(oldest)))
  }

  /** Lists a record, so that its user can find it, and ends the oldest ones beyond the limit. */
  async #list(fields: RecordFields, subjectId: string, listing: Listing): Promise<void> {
    const dropped = await this.#lists.add(subjectId, listing)
    for (const oldest of dropped) {
      if (await this.remove(oldest)) this.#onLimit?.(fields)
    }
  }

  /** Reads a record; `undefined` if the session has ended. */
  async read(id: string): Promise<TokenRecord | undefined> {
    const [subjectId = ''] = id.split('.')
    const [stored, isCurrent] = await Promise.all([this.#store.get(key(id)), this.#subjects.current(subjectId)])
    if (stored === undefined) return undefined
    const fields = parseRecord(stored)
    const record = fields && { ...fields, id, stored }
    if (record && isCurrent(record) && record.endsAt * 1000 > Date.now()) return record
    // A record that has ended or is unreadable is removed with its tokens. Should that fail, it is still never valid again.
    await this.#store.remove(key(id)).catch(() => false)
    return undefined
  }

  /** Returns the records of a subject at one registration, oldest first. */
  ofSubject(registration: string, subject: string): Promise<TokenRecord[]> {
    return this.#lists.read(subjectIdOf(registration, subject))
  }

  /** Replaces a record if it is unchanged. Resolves to the new one, or to `undefined` if it was changed or removed. */
  async replace(record: TokenRecord, fields: RecordFields, tokens: Tokens): Promise<TokenRecord | undefined> {
    const { id, generation } = record
    const stored = this.#serialize(id, fields, generation, tokens)
    const replaced = await this.#store.replace(key(id), record.stored, stored, lifetime(fields))
    this.#keptUntil.delete(id)
    return replaced ? { ...fields, id, stored, generation } : undefined
  }

  /**
   * Extends a record in the store by the idle lifetime, and a little more, so that few requests write. Its content stays
   * the same.
   *
   * @param idle - the idle lifetime of the session. In seconds; `undefined` if its cookie has none
   * @returns whether the store was written to: not if it keeps the record long enough, or holds another one by now
   */
  async keep(record: TokenRecord, idle: number | undefined): Promise<boolean> {
    if (idle === undefined && record.idle === undefined) return false
    const needed = Math.min(record.endsAt, Date.now() / 1000 + (idle ?? Infinity))
    if ((this.#keptUntil.get(record.id) ?? 0) >= needed) return false
    const ttl = lifetime({ ...record, idle })
    const kept = await this.#store.replace(key(record.id), record.stored, record.stored, ttl)
    if (kept) this.#keptUntil.set(record.id, Math.min(record.endsAt, Date.now() / 1000 + ttl))
    return kept
  }

  /** Finds a record of a subject at one registration by its handle. */
  find(registration: string, subject: string, handle: string): Promise<TokenRecord | undefined> {
    return this.#lists.find(subjectIdOf(registration, subject), (id) => handleOf(id) === handle)
  }

  /** Removes a record: always, or only if it is unchanged. Resolves to whether it removed one. */
  async remove(id: string, asRead?: TokenRecord): Promise<boolean> {
    return this.#store.remove(key(id), asRead?.stored)
  }

  /**
   * Ends all sessions of a subject at one registration, in every process, at once.
   *
   * @param endsAt - the latest end of such a session. In seconds since the epoch
   * @param endedAt - when the provider ended them, by its clock: logins that it started before are refused
   */
  async endSubject(registration: string, subject: string, endsAt: number, endedAt?: number): Promise<void> {
    await this.#subjects.end(subjectIdOf(registration, subject), endsAt, endedAt)
  }

  /**
   * Ends all sessions of the subject of a record but its own, in every process, at once.
   *
   * @param endsAt - the latest end of such a session. In seconds since the epoch
   */
  async endOthers(record: TokenRecord, endsAt: number): Promise<void> {
    await this.#subjects.endOthers(subjectIdOf(record.registration, record.subject), endsAt, record)
  }

  /**
   * Ends the sessions of a subject at one registration whose ID token had no `sid`, in every process, at once.
   *
   * @param endsAt - the latest end of such a session. In seconds since the epoch
   * @param endedAt - when the provider ended them, by its clock: logins that it started before are refused
   */
  async endWithoutSid(registration: string, subject: string, endsAt: number, endedAt: number): Promise<void> {
    await this.#subjects.endWithoutSid(subjectIdOf(registration, subject), endsAt, endedAt)
  }

  /**
   * Ends the sessions that were opened from one session at the provider.
   *
   * @param endedAt - when the provider ended it, by its clock: logins that it started before are refused; `undefined` if
   *   nothing proves that the provider did
   * @returns the records that were ended
   */
  async endSid(registration: string, sid: string, endedAt: number | undefined): Promise<TokenRecord[]> {
    const ended: TokenRecord[] = []
    const endRecord = async (id: string) => {
      const record = await this.read(id)
      if (record && (await this.remove(id))) ended.push(record)
    }
    await this.#sids.end(sidIdOf(registration, sid), endedAt, endRecord)
    return ended
  }

  /** Decrypts the tokens of a record. Returns `undefined` if they were encrypted with an unknown secret. */
  unseal(record: TokenRecord): Tokens | undefined {
    const { sealed } = splitRecord(record.stored)
    const opened = this.#sealer.unseal('token-record', record.id, sealed)
    return opened && (JSON.parse(opened.toString('utf8')) as Tokens)
  }

  #serialize(id: string, fields: RecordFields, generation: string, tokens: Tokens): string {
    const sealed = this.#sealer.seal('token-record', id, JSON.stringify(tokens))
    return joinRecord({ ...fields, generation }, sealed)
  }
}

function key(id: string): string {
  return `record:${id}`
}

/** Returns how long the store keeps a record: the idle lifetime and a little more, up to the absolute end. */
function lifetime({ endsAt, idle }: Pick<RecordFields, 'endsAt'> & { idle?: number | undefined }): number {
  const left = endsAt - Date.now() / 1000
  return Math.max(1, Math.ceil(idle === undefined ? left : Math.min(left, idle * (1 + MARGIN))))
}

function overtaken(): RelyingPartyError {
  return new RelyingPartyError('ERR_SESSION_ENDED', 'the session ended while you were signing in: sign in again', {
    hint: 'the provider sent a back-channel logout for this user or session while the login was in progress',
  })
}
