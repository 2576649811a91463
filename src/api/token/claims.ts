import type { DecodedJwt } from '../../jwt/jws.js'
import { checkJwtTimes, isOlderThan } from '../../jwt/times.js'
import { quote } from '../../lib/quote.js'

type Claims = Readonly<Record<string, unknown>>

/** What an access token must hold up to. All times in seconds. */
export interface AccessTokenExpectations {
  /** The names of this API, of which `aud` must hold one. */
  readonly audience: readonly string[]
  /** Whether `typ` must be `at+jwt`, or an access token may also be recognized by its claims. */
  readonly typ: 'at+jwt' | 'tolerant'
  readonly clockTolerance: number
  readonly maxTokenAge: number | undefined
  /** The claims that hold scopes, or a function that reads them. */
  readonly scopes: readonly string[] | ((claims: Claims) => readonly string[])
}

/** Why a token is refused. */
export interface Refusal {
  /** For whoever sent the token: it names no option. */
  readonly message: string
  /** The likely cause and the fix, for whoever operates the API. */
  readonly hint?: string
  /** The claim or header parameter that failed, or `signature`. */
  readonly claim: string
  readonly expected?: unknown
  readonly actual?: unknown
}

/**
 * Judges everything in a JWT access token that needs no key: what it is, whom it is for, and its times.
 *
 * @returns what is wrong, or `undefined`
 * @see [RFC 9068 §4](https://www.rfc-editor.org/rfc/rfc9068#section-4)
 */
export function judgeAccessToken(
  { header, payload }: DecodedJwt,
  expected: AccessTokenExpectations,
): Refusal | undefined {
  return (
    judgeAudience(payload, expected) ??
    judgeTimes(payload, expected) ??
    judgeType(header, payload, expected) ??
    judgeSubject(payload)
  )
}

/** Judges `aud`: it must hold one of this API's names. */
export function judgeAudience({ aud }: Claims, { audience }: AccessTokenExpectations): Refusal | undefined {
  const fits = Array.isArray(aud) ? aud.some((item) => isOneOf(audience, item)) : isOneOf(audience, aud)
  if (fits) return undefined
  const found = aud === undefined ? 'the token has no aud' : `aud is ${quote(aud)}`
  const hint =
    `${found}, expected is ${audience.map(quote).join(' or ')}. Ask the issuer for a token for this API, or set ` +
    'resourceServer.audience to what its tokens have in aud'
  return { message: 'the token was issued for another API', hint, claim: 'aud', expected: audience, actual: aud }
}

/** Judges `exp`, `nbf`, `iat` and `auth_time`. */
export function judgeTimes(
  claims: Claims,
  { clockTolerance, maxTokenAge }: AccessTokenExpectations,
  { expRequired = true } = {},
): Refusal | undefined {
  const problem = checkJwtTimes(claims, { clockTolerance, required: expRequired ? ['exp'] : [] })
  if (problem || maxTokenAge === undefined) return problem
  const { iat } = claims as { iat?: number }
  if (iat === undefined) {
    const hint = 'iat is missing, which resourceServer.maxTokenAge needs'
    return { message: 'the age of the token is unknown', hint, claim: 'iat' }
  }
  if (!isOlderThan(iat, maxTokenAge, clockTolerance)) return undefined
  const hint = `the token is older than resourceServer.maxTokenAge, ${maxTokenAge} seconds`
  return { message: 'the token is too old', hint, claim: 'iat', expected: maxTokenAge, actual: iat }
}

/** Claims that only ID tokens and logout tokens have. */
const FOREIGN_CLAIMS = ['nonce', 'at_hash', 'c_hash', 's_hash', 'events']

/** Claims that access tokens have, at one provider or another, and ID tokens have not. */
const OWN_CLAIMS = ['scope', 'scp', 'permissions', 'client_id', 'cid', 'appid', 'azpacr', 'gty', 'cnf']

/**
 * Tells an access token from an ID token, a logout token and whatever else an issuer signs with the same keys: by `typ`,
 * or if the issuer does not set it, by the claims. A claim that this API is told to read scopes from proves nothing: an ID
 * token may have it too.
 *
 * @see [RFC 9068 §4](https://www.rfc-editor.org/rfc/rfc9068#section-4)
 * @see [RFC 8725 §3.11](https://www.rfc-editor.org/rfc/rfc8725#section-3.11)
 */
function judgeType({ typ }: Claims, payload: Claims, expected: AccessTokenExpectations): Refusal | undefined {
  // Amazon Cognito names the kind of token in token_use, Keycloak in a claim typ.
  if (!isAccessTokenUse(payload.token_use)) return otherKind('token_use', payload.token_use, 'access')
  const type = typeof typ === 'string' ? typ.toLowerCase().replace(/^application\//, '') : typ
  if (type === 'at+jwt') return undefined
  if (expected.typ === 'at+jwt' || (type !== undefined && type !== 'jwt')) return otherKind('typ', typ, 'at+jwt')
  const isKeycloak = payload.typ === 'Bearer' || payload.typ === 'DPoP'
  if (payload.typ !== undefined && !isKeycloak) return otherKind('typ', payload.typ, 'Bearer')
  // Access tokens of Keycloak before 25 repeat the nonce of the login.
  const foreign = FOREIGN_CLAIMS.find((claim) => Object.hasOwn(payload, claim) && !(isKeycloak && claim === 'nonce'))
  if (foreign) return { ...NO_ACCESS_TOKEN, hint: `it has ${foreign}, which no access token has`, claim: foreign }
  if (OWN_CLAIMS.some((claim) => (payload[claim] ?? null) !== null)) return undefined
  const hint =
    `its typ is ${quote(typ)} and it has none of the claims ${OWN_CLAIMS.join(', ')}, so that it may be an ID token: ` +
    'send the access token, and have the issuer set typ to at+jwt'
  return { ...NO_ACCESS_TOKEN, hint, claim: 'typ', actual: typ }
}

const NO_ACCESS_TOKEN = { message: 'it is no access token' }

function otherKind(claim: string, actual: unknown, expected: string): Refusal {
  const hint = `${claim} is ${quote(actual)}, expected is ${expected}: the token is of another kind`
  return { ...NO_ACCESS_TOKEN, hint, claim, expected, actual }
}

/** Checks what `token_use` says of the kind of a token, if it is there. */
export function isAccessTokenUse(use: unknown): boolean {
  return use === undefined || use === 'access' || use === 'access_token'
}

/** Judges `sub`, which tokens of machines may lack. */
export function judgeSubject({ sub }: Claims): Refusal | undefined {
  if (sub === undefined || (typeof sub === 'string' && sub !== '')) return undefined
  return { message: 'the subject of the token is malformed', hint: 'sub is not a non-empty string', claim: 'sub' }
}

/**
 * Reads the scopes of verified claims: each claim a list separated by spaces, or an array of strings.
 *
 * @returns `undefined` if the application's function returns no list of strings
 * @throws what that function throws
 */
export function readScopes(
  claims: Claims,
  { scopes }: Pick<AccessTokenExpectations, 'scopes'>,
): readonly string[] | undefined {
  if (typeof scopes === 'function') {
    const read: unknown = scopes(claims) ?? []
    return Array.isArray(read) && read.every((item) => typeof item === 'string') ? Object.freeze([...read]) : undefined
  }
  const found: string[] = []
  for (const claim of scopes) {
    if (!Object.hasOwn(claims, claim)) continue
    const value = claims[claim]
    const items: readonly unknown[] = typeof value === 'string' ? value.split(' ') : Array.isArray(value) ? value : []
    for (const item of items) {
      if (typeof item === 'string' && item !== '' && !found.includes(item)) found.push(item)
    }
  }
  return Object.freeze(found)
}

function isOneOf(list: readonly string[], value: unknown): boolean {
  return typeof value === 'string' && list.includes(value)
}
