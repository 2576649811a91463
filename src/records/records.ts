import { randomBytes } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { RelyingPartyError } from '../errors.js'
import { isObject, parseObject } from '../lib/json.js'
import type { Sealer } from '../lib/seal.js'
import type { AuthStore } from './authStore.js'
import { Sids, sidIdOf } from './providerSessions.js'
import { type LoginTimes, Subjects, subjectIdOf } from './subjects.js'

/** The tokens of a session. At rest they are sealed, bound to the record's id. */
export interface Tokens {
  /** Absent in a session of the implicit flow. */
  readonly accessToken?: string
  readonly tokenType?: string
  readonly refreshToken?: string
  /** For the hint at a logout. Absent if it is too long for that. */
  readonly idToken?: string
  /** Tokens for other APIs or fewer scopes, by what was asked for. */
  readonly resourceTokens?: Readonly<Record<string, ResourceToken>>
}

/** An access token for other APIs or fewer scopes than the session's own. */
export interface ResourceToken {
  readonly accessToken: string
  readonly scopes: readonly string[]
  /** In seconds. */
  readonly lifetime: number
  /** In seconds since the epoch. */
  readonly expiresAt: number
}

/** What is known of a signed-in session without opening its tokens. All times in seconds since the epoch. */
export interface RecordFields {
  /** The provider's name. */
  readonly provider: string
  /** The issuer and client identifier the tokens are of. */
  readonly registration: string
  readonly issuer: string
  readonly subject: string
  /** The provider's session, where its ID token names one. */
  readonly sid?: string
  readonly claims: Readonly<Record<string, unknown>>
  readonly scopes: readonly string[]
  /** How and when the user authenticated, where the ID token says. */
  readonly authentication?: { readonly acr?: string; readonly authTime?: number }
  readonly openedAt: number
  /** The end of the absolute lifetime. */
  readonly endsAt: number
  /** How long the session lives without a request, where its cookie says so. In seconds. */
  readonly idle?: number
  /** When the access token expires, where the provider says. */
  readonly accessTokenExpiresAt?: number
  /** How long the access token lives, where the provider says. In seconds. */
  readonly accessTokenLifetime?: number
  /** Whether there is a refresh token. */
  readonly refreshable: boolean
}

/** A token record as it was read: its fields, and the exact stored text for compare and set. */
export interface TokenRecord extends RecordFields {
  readonly id: string
  /** The stored text. */
  readonly stored: string
  /** The generation of the subject at login. */
  readonly generation: string
}

/** Stands between the fields in JSON, where it cannot occur, and the sealed tokens: so a read parses the fields only. */
const SEPARATOR = '\n'

/** How much longer than its session lives idle a record stays in the store, as a part of that time. */
const MARGIN = 0.1

/** How many sessions a process remembers the time of. For others it writes to the store again. */
const MAX_REMEMBERED = 10_000

/**
 * Token records in an {@link AuthStore}: a login creates one, a refresh replaces it, a logout removes it.
 *
 * A session lives as long as its record is there and carries the current generation of its subject.
 */
export class TokenRecords {
  readonly #store: AuthStore
  readonly #sealer: Sealer
  readonly #subjects: Subjects
  readonly #sids: Sids
  /** Until when the store keeps a record, as far as this process knows. In seconds since the epoch. */
  readonly #keptUntil = new LRUCache<string, number>({ max: MAX_REMEMBERED })

  constructor(store: AuthStore, sealer: Sealer) {
    this.#store = store
    this.#sealer = sealer
    this.#subjects = new Subjects(store)
    this.#sids = new Sids(store)
  }

  /**
   * Stores a new record under a new random id.
   *
   * @param issuedAt - when the provider issued the login, by its clock. In seconds since the epoch; default is `openedAt`
   * @throws `ERR_SESSION_ENDED` when the provider has ended the session since; `ERR_STORE_UNAVAILABLE`
   */
  async create(fields: RecordFields, tokens: Tokens, issuedAt = fields.openedAt): Promise<TokenRecord> {
    const login = { issuedAt, endsAt: fields.endsAt, withoutSid: fields.sid === undefined }
    return this.#create(fields, tokens, login)
  }

  async #create(fields: RecordFields, tokens: Tokens, login: LoginTimes): Promise<TokenRecord> {
    const subjectId = subjectIdOf(fields.registration, fields.subject)
    const generation = await this.#subjects.enter(subjectId, login)
    if (generation === undefined) throw overtaken()
    const id = `${subjectId}.${randomBytes(32).toString('base64url')}`
    const stored = this.#serialize(id, fields, generation, tokens)
    await this.#store.set(key(id), stored, lifetime(fields))
    if (fields.sid !== undefined) await this.#enterSid(sidIdOf(fields.registration, fields.sid), id, login)
    return { ...fields, id, stored, generation }
  }

  async #enterSid(sidId: string, id: string, login: LoginTimes): Promise<void> {
    const gaveWay = await this.#sids.enter(sidId, id, login)
    if (gaveWay) {
      await Promise.all(gaveWay.map((oldest) => this.remove(oldest)))
      return
    }
    await this.remove(id)
    throw overtaken()
  }

  /** Reads a record; `undefined` if the session has ended. */
  async read(id: string): Promise<TokenRecord | undefined> {
    const [subjectId = ''] = id.split('.')
    const [stored, generations] = await Promise.all([this.#store.get(key(id)), this.#subjects.generations(subjectId)])
    if (stored === undefined) return undefined
    const record = parseRecord(stored)
    const generation = generations?.[record?.sid === undefined ? 'withoutSid' : 'withSid']
    if (record?.generation === generation && record && record.endsAt * 1000 > Date.now())
      return { ...record, id, stored }
    // What has ended for good, or is no record, goes, tokens and all. Should that fail, it still never counts again.
    await this.#store.remove(key(id)).catch(() => false)
    return undefined
  }

  /** Replaces a record only if it is as it was read. Resolves to the new one, or `undefined` if it changed or went. */
  async replace(record: TokenRecord, fields: RecordFields, tokens: Tokens): Promise<TokenRecord | undefined> {
    const { id, generation } = record
    const stored = this.#serialize(id, fields, generation, tokens)
    const replaced = await this.#store.replace(key(id), record.stored, stored, lifetime(fields))
    this.#keptUntil.delete(id)
    return replaced ? { ...fields, id, stored, generation } : undefined
  }

  /**
   * Keeps a record in the store for as long as its session may now live idle, and a little longer, so that few requests
   * write. What it holds stays untouched.
   *
   * @param idle - how long the session lives without a request. In seconds; `undefined` if the cookie does not say
   * @returns whether the store was written to: not where it keeps the record long enough, or holds another by now
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

  /** Removes a record: always, or only if it is as it was read. Resolves to whether it was there. */
  async remove(id: string, asRead?: TokenRecord): Promise<boolean> {
    return this.#store.remove(key(id), asRead?.stored)
  }

  /**
   * Ends all sessions of a subject at one registration, in every process, at once.
   *
   * @param endsAt - until when such a session may last. In seconds since the epoch.
   * @param endedAt - when the provider ended them, by its clock, so that logins it began before are refused
   */
  async endSubject(registration: string, subject: string, endsAt: number, endedAt?: number): Promise<void> {
    await this.#subjects.end(subjectIdOf(registration, subject), endsAt, endedAt)
  }

  /**
   * Ends the sessions of a subject at one registration whose ID token named no `sid`, in every process, at once.
   *
   * @param endsAt - until when such a session may last. In seconds since the epoch.
   * @param endedAt - when the provider ended them, by its clock, so that logins it began before are refused
   */
  async endWithoutSid(registration: string, subject: string, endsAt: number, endedAt: number): Promise<void> {
    await this.#subjects.endWithoutSid(subjectIdOf(registration, subject), endsAt, endedAt)
  }

  /**
   * Ends the sessions that were signed in from one session at the provider.
   *
   * @param endedAt - when the provider ended it, by its clock, so that logins it began before are refused; `undefined`
   *   where nothing proves that the provider did
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

  /** Decrypts the tokens of a record; `undefined` if they were encrypted with secrets that are no longer known. */
  unseal(record: TokenRecord): Tokens | undefined {
    const sealed = record.stored.slice(record.stored.indexOf(SEPARATOR) + 1)
    const opened = this.#sealer.unseal('token-record', record.id, sealed)
    return opened && (JSON.parse(opened.toString('utf8')) as Tokens)
  }

  #serialize(id: string, fields: RecordFields, generation: string, tokens: Tokens): string {
    const sealed = this.#sealer.seal('token-record', id, JSON.stringify(tokens))
    return JSON.stringify({ ...onlyFields(fields), generation }) + SEPARATOR + sealed
  }
}

/** Parses the fields of a stored text, or returns `undefined` where it is no record: a store may hold anything. */
function parseRecord(stored: string): Omit<TokenRecord, 'id' | 'stored'> | undefined {
  const fields = parseObject(stored.slice(0, stored.indexOf(SEPARATOR)))
  return fields && isRecord(fields) ? fields : undefined
}

function isRecord(fields: Record<string, unknown>): fields is Omit<TokenRecord, 'id' | 'stored'> & typeof fields {
  const { claims, scopes, sid, idle, accessTokenExpiresAt, authentication } = fields
  return (
    [fields.provider, fields.registration, fields.issuer, fields.subject, fields.generation].every(isString) &&
    isString(sid ?? '') &&
    [fields.openedAt, fields.endsAt, idle ?? 0, accessTokenExpiresAt ?? 0].every(Number.isFinite) &&
    isObject(claims) &&
    isObject(authentication ?? {}) &&
    Array.isArray(scopes) &&
    scopes.every(isString)
  )
}

function isString(value: unknown): value is string {
  return typeof value === 'string'
}

/** Leaves out what a {@link TokenRecord} has beside its fields. */
function onlyFields(fields: RecordFields & Partial<TokenRecord>): RecordFields {
  const { id: _id, stored: _stored, generation: _generation, ...rest } = fields
  return rest
}

function key(id: string): string {
  return `record:${id}`
}

/** How long the store is to keep a record: as its session lives idle and a little longer, up to the absolute end. */
function lifetime({ endsAt, idle }: Pick<RecordFields, 'endsAt'> & { idle?: number | undefined }): number {
  const left = endsAt - Date.now() / 1000
  return Math.max(1, Math.ceil(idle === undefined ? left : Math.min(left, idle * (1 + MARGIN))))
}

function overtaken(): RelyingPartyError {
  return new RelyingPartyError('ERR_SESSION_ENDED', 'the session ended while you were signing in: sign in again', {
    hint: 'the provider sent a back-channel logout for this user or session while the login was in progress',
  })
}
