import { randomBytes } from 'node:crypto'
import type { Sealer } from '../crypto/seal.js'
import { storeError } from '../errors.js'
import type { AuthStore } from './authStore.js'

/** The tokens of a session. At rest they are sealed, bound to the record's id. */
export interface Tokens {
  /** Absent in a session of the implicit flow. */
  readonly accessToken?: string
  readonly tokenType?: string
  readonly refreshToken?: string
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
  /** When the access token expires, where the provider says. */
  readonly accessTokenExpiresAt?: number
  /** Whether there is a refresh token. */
  readonly refreshable: boolean
}

/** A token record as it was read: its fields, and the exact stored text for compare and set. */
export interface TokenRecord extends RecordFields {
  readonly id: string
  /** The stored text. */
  readonly stored: string
}

/** Stands between the fields in JSON, where it cannot occur, and the sealed tokens: so a read parses the fields only. */
const SEPARATOR = '\n'

/** Token records in an {@link AuthStore}: a login creates one, a refresh replaces it, a logout removes it. */
export class TokenRecords {
  readonly #store: AuthStore
  readonly #sealer: Sealer

  constructor(store: AuthStore, sealer: Sealer) {
    this.#store = store
    this.#sealer = sealer
  }

  /** Stores a new record under a new random id. */
  async create(fields: RecordFields, tokens: Tokens): Promise<TokenRecord> {
    const id = randomBytes(32).toString('base64url')
    const stored = this.#serialize(id, fields, tokens)
    await this.#store.set(key(id), stored, ttl(fields)).catch(rethrow)
    return { ...fields, id, stored }
  }

  /** Reads a record, or gives `undefined` if the session has ended. */
  async read(id: string): Promise<TokenRecord | undefined> {
    const stored = await this.#store.get(key(id)).catch(rethrow)
    if (stored === undefined) return undefined
    const fields = JSON.parse(stored.slice(0, stored.indexOf(SEPARATOR))) as RecordFields
    if (fields.endsAt * 1000 <= Date.now()) return undefined
    return { ...fields, id, stored }
  }

  /** Replaces a record only if it is as it was read. Resolves to the new one, or `undefined` if it changed or went. */
  async replace(record: TokenRecord, fields: RecordFields, tokens: Tokens): Promise<TokenRecord | undefined> {
    const stored = this.#serialize(record.id, fields, tokens)
    const replaced = await this.#store.replace(key(record.id), record.stored, stored, ttl(fields)).catch(rethrow)
    return replaced ? { ...fields, id: record.id, stored } : undefined
  }

  /** Removes a record: always, or only if it is as it was read. Resolves to whether it was there. */
  async remove(id: string, asRead?: TokenRecord): Promise<boolean> {
    return this.#store.remove(key(id), asRead?.stored).catch(rethrow)
  }

  /** Opens the tokens of a record, or gives `undefined` if they were sealed with secrets no longer known. */
  open(record: TokenRecord): Tokens | undefined {
    const sealed = record.stored.slice(record.stored.indexOf(SEPARATOR) + 1)
    const opened = this.#sealer.open('token-record', record.id, sealed)
    return opened && (JSON.parse(opened.toString('utf8')) as Tokens)
  }

  #serialize(id: string, fields: RecordFields, tokens: Tokens): string {
    const sealed = this.#sealer.seal('token-record', id, JSON.stringify(tokens))
    return JSON.stringify(pick(fields)) + SEPARATOR + sealed
  }
}

/** Leaves out what a {@link TokenRecord} has beside its fields. */
function pick(fields: RecordFields & Partial<TokenRecord>): RecordFields {
  const { id: _id, stored: _stored, ...rest } = fields
  return rest
}

function key(id: string): string {
  return `record:${id}`
}

function ttl({ endsAt }: RecordFields): number {
  return Math.max(1, Math.ceil(endsAt - Date.now() / 1000))
}

function rethrow(error: unknown): never {
  throw storeError(error)
}
