import { randomBytes } from 'node:crypto'
import { RelyingPartyError } from '../errors.js'
import type { Sealer } from '../lib/seal.js'
import { type AuthStore, getMany, retry } from './authStore.js'
import { packTokens, unpackTokens } from './packedTokens.js'
import { Sids, sidIdOf } from './providerSessions.js'
import {
  claimsText,
  hasSameTokens,
  joinRecord,
  parseRecord,
  type RecordFields,
  splitRecord,
  type TokenRecord,
  type Tokens,
} from './record.js'
import { type Listing, MAX_PER_SUBJECT, SubjectSessions } from './subjectSessions.js'
import { handleOf, type LoginTimes, Subjects, subjectIdOf } from './subjects.js'

/** How much longer than the idle lifetime a record stays in the store, as a fraction of that time. */
const MARGIN = 0.1

/** How often a change of a record is tried again because another request has extended the record. */
const MAX_ATTEMPTS = 100

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
    const { registration, sid } = fields
    const endsAt = fields.mayLastUntil ?? fields.endsAt
    const login = { issuedAt, endsAt, withoutSid: sid === undefined }
    const subjectId = subjectIdOf(registration, fields.subject)
    const sidId = sid === undefined ? undefined : sidIdOf(registration, sid)
    const id = `${subjectId}.${randomBytes(32).toString('base64url')}`
    const claims = claimsText(fields)
    const sealed = this.#seal(id, tokens, claims)
    const keys = [Subjects.key(subjectId), SubjectSessions.key(subjectId), ...(sidId ? [Sids.key(sidId)] : [])]
    const read = () => getMany(this.#store, keys)
    try {
      return await retry(read, async ([ofSubject, listed, ofSid]) => {
        const entry = this.#subjects.enter(subjectId, ofSubject, login)
        if (!entry) throw overtaken()
        const ttl = lifetime(fields)
        const created = { ...fields, keptUntil: fromNow(ttl), generation: entry.generation }
        const stored = joinRecord(created, claims, sealed)
        const [isEntered] = await Promise.all([entry.store(), this.#store.set(key(id), stored, ttl)])
        if (!isEntered) return undefined
        // What ends sessions finds the record from here on.
        await Promise.all([
          sidId && this.#enterSid(sidId, id, login, ofSid),
          this.#list(fields, subjectId, { id, until: endsAt, replaces, asRead: listed }),
        ])
        return [{ ...created, id, stored }]
      })
    } catch (error) {
      // Nothing leads to the record any more, neither its user nor a logout.
      await this.remove(id).catch(() => false)
      throw error
    }
  }

  async #enterSid(sidId: string, id: string, login: LoginTimes, asRead: string | undefined): Promise<void> {
    const dropped = await this.#sids.enter(sidId, id, login, asRead)
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
    const [stored, ofSubject] = await getMany(this.#store, [key(id), subjectKey(id)])
    if (stored === undefined) return undefined
    const fields = parseRecord(stored)
    const record = fields && Object.assign(fields, { id, stored })
    if (record && Subjects.isCurrent(ofSubject, record) && record.endsAt * 1000 > Date.now()) return record
    // A record that has ended or is unreadable is removed with its tokens. Should that fail, it is still never valid again.
    await this.#store.remove(key(id)).catch(() => false)
    return undefined
  }

  /** Returns the records of a subject at one registration, oldest first. */
  ofSubject(registration: string, subject: string): Promise<TokenRecord[]> {
    return this.#lists.read(subjectIdOf(registration, subject))
  }

  /**
   * Replaces a record if it is unchanged. Resolves to the new one, or to `undefined` if it was changed or removed, or has
   * ended with others of its subject.
   */
  async replace(record: TokenRecord, fields: RecordFields, tokens: Tokens): Promise<TokenRecord | undefined> {
    const { id, generation } = record
    const ttl = lifetime(fields)
    const claims = claimsText(fields)
    const next = { ...fields, keptUntil: fromNow(ttl), generation }
    const stored = joinRecord(next, claims, this.#seal(id, tokens, claims))
    const [isReplaced, ofSubject] = await Promise.all([
      this.#whileUnchanged(record, (asRead) => this.#store.replace(key(id), asRead, stored, ttl)),
      this.#store.get(subjectKey(id)),
    ])
    const replaced = { ...next, id, stored }
    return isReplaced && Subjects.isCurrent(ofSubject, replaced) ? replaced : undefined
  }

  /**
   * Extends a record in the store by the idle lifetime, and a little more, so that few requests write. Its tokens stay as
   * they are.
   *
   * @param idle - the idle lifetime of the session. In seconds; `undefined` if its cookie has none
   * @returns the record that was written; `undefined` if the store keeps it long enough, or holds another one by now
   */
  async keep(record: TokenRecord, idle: number | undefined): Promise<TokenRecord | undefined> {
    const { id, endsAt } = record
    if (idle === undefined && record.idle === undefined) return undefined
    let current: TokenRecord | undefined = record
    for (let attempt = 0; current && attempt < MAX_ATTEMPTS; attempt++) {
      if ((current.keptUntil ?? 0) >= Math.min(endsAt, fromNow(idle ?? Infinity))) return undefined
      const ttl = lifetime({ endsAt, idle })
      const next: TokenRecord = { ...current, keptUntil: fromNow(ttl) }
      const stored = joinRecord(next, claimsText(next), splitRecord(current.stored).sealed)
      if (await this.#store.replace(key(id), current.stored, stored, ttl)) return { ...next, stored }
      // Another request may have extended it during a long response, but not for long enough.
      const read = await this.read(id)
      current = read && hasSameTokens(read, record) ? read : undefined
    }
    return undefined
  }

  /** Finds a record of a subject at one registration by its handle. */
  find(registration: string, subject: string, handle: string): Promise<TokenRecord | undefined> {
    return this.#lists.find(subjectIdOf(registration, subject), (id) => handleOf(id) === handle)
  }

  /** Removes a record: always, or only if it is unchanged. Resolves to whether it removed one. */
  async remove(id: string, asRead?: TokenRecord): Promise<boolean> {
    if (!asRead) return this.#store.remove(key(id))
    return this.#whileUnchanged(asRead, (stored) => this.#store.remove(key(id), stored))
  }

  /**
   * Changes a record by compare-and-set, again if another request has only extended it. What is sealed differs with every
   * change of the rest.
   */
  async #whileUnchanged(record: TokenRecord, change: (asRead: string) => Promise<boolean>): Promise<boolean> {
    const { sealed } = splitRecord(record.stored)
    let asRead: string | undefined = record.stored
    for (let attempt = 0; asRead !== undefined && attempt < MAX_ATTEMPTS; attempt++) {
      if (await change(asRead)) return true
      asRead = await this.#store.get(key(record.id))
      if (asRead === undefined || splitRecord(asRead).sealed !== sealed) return false
    }
    return false
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
  unseal({ id, stored }: TokenRecord): Tokens | undefined {
    const { sealed, claims } = splitRecord(stored)
    const unseal = (context: string) => this.#sealer.unseal('token-record', context, sealed)
    // Older versions bound the tokens to the id only.
    const opened = unseal(contextOf(id, claims)) ?? unseal(id)
    return opened && unpackTokens(opened, claims)
  }

  #seal(id: string, tokens: Tokens, claims: string): string {
    return this.#sealer.seal('token-record', contextOf(id, claims), packTokens(tokens, claims))
  }
}

/** What the sealed tokens of a record are bound to: without the same claims they could not be unpacked. */
function contextOf(id: string, claims: string): string {
  return `${id} ${claims}`
}

function key(id: string): string {
  return `record:${id}`
}

/** Returns the key of the subject of a record, whose id begins with the subject's. */
function subjectKey(id: string): string {
  const [subjectId = ''] = id.split('.')
  return Subjects.key(subjectId)
}

/** Returns how long the store keeps a record: the idle lifetime and a little more, up to the absolute end. */
function lifetime({ endsAt, idle }: Pick<RecordFields, 'endsAt'> & { idle?: number | undefined }): number {
  const left = endsAt - Date.now() / 1000
  return Math.max(1, Math.ceil(idle === undefined ? left : Math.min(left, idle * (1 + MARGIN))))
}

/** Returns the time after so many seconds. In seconds since the epoch. */
function fromNow(seconds: number): number {
  return Date.now() / 1000 + seconds
}

function overtaken(): RelyingPartyError {
  return new RelyingPartyError('ERR_SESSION_ENDED', 'the session ended while you were signing in: sign in again', {
    hint: 'the provider sent a back-channel logout for this user or session while the login was in progress',
  })
}
