import { storeError } from '../errors.js'
import { isObject, parseObject } from '../lib/json.js'

/** The tokens of a session. In the store they are sealed, bound to the record's id. */
export interface Tokens {
  /** Absent in a session of the implicit flow. */
  readonly accessToken?: string
  readonly tokenType?: string
  readonly refreshToken?: string
  /** Sent as a hint at logout. Absent if it is too long for that. */
  readonly idToken?: string
  /** Tokens for other APIs or fewer scopes, by the requested resource and scope. */
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

/** The fields of a session, readable without decrypting its tokens. All times in seconds since the epoch. */
export interface RecordFields {
  /** The provider's name. */
  readonly provider: string
  /** Identifies the issuer and client that the tokens belong to. */
  readonly registration: string
  readonly issuer: string
  readonly subject: string
  /** The session at the provider, if the ID token has a `sid`. */
  readonly sid?: string
  readonly claims: Readonly<Record<string, unknown>>
  readonly scopes: readonly string[]
  /** How and when the user authenticated, if the ID token has `acr` or `auth_time`. */
  readonly authentication?: { readonly acr?: string; readonly authTime?: number }
  readonly openedAt: number
  /** The end of the absolute lifetime, or of the provider's `session_expiry` if that is earlier. */
  readonly endsAt: number
  /** The end of the absolute lifetime, if the provider has set an earlier end: a refresh may move that as far. */
  readonly mayLastUntil?: number
  /** Whether a refresh has moved the end, so that the session's cookie may be limited more than it should be. */
  readonly extended?: boolean
  /** The idle lifetime of the session, if its cookie has one. In seconds. */
  readonly idle?: number
  /** Until when the store keeps the record. Absent if it was stored by an older version. */
  readonly keptUntil?: number
  /** When the access token expires, if the provider says so. */
  readonly accessTokenExpiresAt?: number
  /** The lifetime of the access token, if the provider states one. In seconds. */
  readonly accessTokenLifetime?: number
  /** Whether there is a refresh token. */
  readonly refreshable: boolean
  /** The browser or program that signed in, as it names itself. Unverified. */
  readonly device?: string
}

/** A token record as it was read: its fields, and the exact stored text for compare-and-set. */
export interface TokenRecord extends RecordFields {
  readonly id: string
  /** The stored text. */
  readonly stored: string
  /** The generation of the subject at login. */
  readonly generation: string
}

/** Separates the JSON of the fields, where it cannot occur, from the sealed tokens: a read parses the fields only. */
const SEPARATOR = '\n'

/**
 * Begins the claims, which are the last of the fields: they are parsed when they are first read. Inside a string its quotes
 * would be escaped, and no field before has it inside.
 */
const CLAIMS = ',"claims":'

/** The parts of a stored text. */
interface Parts {
  /** The JSON of all fields but the claims, without its closing brace. */
  readonly fields: string
  /** The JSON of the claims, without `iss` and `sub`, which are fields. */
  readonly claims: string
  readonly sealed: string
}

/** Builds the stored text of a record. @param claims - {@link claimsText} of the record */
export function joinRecord(record: RecordFields & Partial<TokenRecord>, claims: string, sealed: string): string {
  const { id: _id, stored: _stored, ...rest } = record
  return `${JSON.stringify({ ...rest, claims: undefined }).slice(0, -1)}${CLAIMS}${claims}}${SEPARATOR}${sealed}`
}

/** Returns the JSON of a record's claims as it is stored. */
export function claimsText({ claims }: Pick<RecordFields, 'claims'>): string {
  const { iss: _iss, sub: _sub, ...rest } = claims
  return JSON.stringify(rest)
}

/** Splits a stored text. Records of older versions have their claims among the fields, and none of their own here. */
export function splitRecord(stored: string): Parts {
  const end = stored.indexOf(SEPARATOR)
  const at = stored.indexOf(CLAIMS)
  return {
    fields: stored.slice(0, at),
    claims: stored.slice(at + CLAIMS.length, end - 1),
    sealed: stored.slice(end + 1),
  }
}

/** Checks whether two records have the same tokens: every change of them is sealed anew. */
export function hasSameTokens(one: TokenRecord, other: TokenRecord): boolean {
  return splitRecord(one.stored).sealed === splitRecord(other.stored).sealed
}

/** Parses the fields of a stored text. Returns `undefined` if it is not a record: a store may hold anything. */
export function parseRecord(stored: string): Omit<TokenRecord, 'id' | 'stored'> | undefined {
  const { fields, claims } = splitRecord(stored)
  const parsed = claims.startsWith('{') && claims.endsWith('}') ? parseObject(`${fields}}`) : undefined
  if (parsed && isRecord({ ...parsed, claims: {} })) return withClaims(parsed as unknown as StoredFields, claims)
  const older = parseObject(stored.slice(0, stored.indexOf(SEPARATOR)))
  return older && isRecord(older) ? older : undefined
}

type StoredFields = Omit<TokenRecord, 'id' | 'stored' | 'claims'>

/** Adds the claims, which are parsed when they are first read. */
function withClaims(fields: StoredFields, text: string): Omit<TokenRecord, 'id' | 'stored'> {
  let claims: RecordFields['claims'] | undefined
  const read = () => {
    const parsed = parseObject(text)
    if (!parsed) throw storeError(new Error('the claims of a session cannot be read'))
    return { ...parsed, iss: fields.issuer, sub: fields.subject }
  }
  return Object.defineProperty(fields, 'claims', {
    enumerable: true,
    get: () => (claims ??= read()),
  }) as Omit<TokenRecord, 'id' | 'stored'>
}

function isRecord(fields: Record<string, unknown>): fields is Omit<TokenRecord, 'id' | 'stored'> & typeof fields {
  const { claims, scopes, sid, idle, keptUntil, mayLastUntil, accessTokenExpiresAt, authentication } = fields
  return (
    [fields.provider, fields.registration, fields.issuer, fields.subject, fields.generation].every(isString) &&
    isString(sid ?? '') &&
    [fields.openedAt, fields.endsAt, mayLastUntil ?? 0, idle ?? 0, keptUntil ?? 0].every(Number.isFinite) &&
    Number.isFinite(accessTokenExpiresAt ?? 0) &&
    isObject(claims) &&
    isObject(authentication ?? {}) &&
    Array.isArray(scopes) &&
    scopes.every(isString)
  )
}

function isString(value: unknown): value is string {
  return typeof value === 'string'
}
