import type { DecodedJwt } from '../../jwt/jws.js'
import { checkJwtTimes, isOlderThan } from '../../jwt/times.js'
import { quote } from '../../lib/quote.js'

type Claims = Readonly<Record<string, unknown>>

/** The expected properties of an access token. All times in seconds. */
export interface AccessTokenExpectations {
  /** The names of this API, of which `aud` must include one. */
  readonly audience: readonly string[]
  /** The clients whose tokens may lack `aud`. */
  readonly clientsWithoutAudience: readonly string[]
  /** Whether `typ` must be `at+jwt`, or the claims may also identify an access token. */
  readonly typ: 'at+jwt' | 'tolerant'
  readonly clockTolerance: number
  readonly maxTokenAge: number | undefined
  /** The claims that contain scopes, or a function that returns them. */
  readonly scopes: readonly string[] | ((claims: Claims) => readonly string[])
}

/** Why a token is refused. */
export interface Refusal {
  /** For the sender of the token: names no option. */
  readonly message: string
  /** The likely cause and the fix, for the operator of the API. */
  readonly hint?: string
  /** The claim or header parameter that failed, or `signature`. */
  readonly claim: string
  readonly expected?: unknown
  readonly actual?: unknown
}

/**
 * Checks everything in a JWT access token that needs no key: its kind, audience, times and subject.
 *
 * @returns the reason to refuse it, or `undefined`
 * @see [RFC 9068 §4](https://www.rfc-editor.org/rfc/rfc9068#section-4)
 */
export function checkAccessToken(
  { header, payload }: DecodedJwt,
  expected: AccessTokenExpectations,
): Refusal | undefined {
  return (
    checkAudience(payload, expected) ??
    checkTimes(payload, expected) ??
    checkType(header, payload, expected) ??
    checkSubject(payload)
  )
}

/** Checks that `aud` includes a name of this API, or that it is absent and the client is one whose tokens have none. */
export function checkAudience(
  { aud, client_id }: Claims,
  { audience, clientsWithoutAudience }: AccessTokenExpectations,
): Refusal | undefined {
  if (aud === undefined && isOneOf(clientsWithoutAudience, client_id)) return undefined
  const fits = Array.isArray(aud) ? aud.some((item) => isOneOf(audience, item)) : isOneOf(audience, aud)
  if (fits) return undefined
  const found = aud === undefined ? `the token of the client ${quote(client_id)} has no aud` : `aud is ${quote(aud)}`
  const expected = audience.length === 0 ? 'none' : audience.map(quote).join(' or ')
  const hint =
    `${found}, expected is ${expected}. Request a token for this API from the issuer, or set ` +
    `resourceServer.${aud === undefined ? 'clientsWithoutAudience to the clients' : 'audience to the aud'} of its tokens`
  return { message: 'the token was issued for another API', hint, claim: 'aud', expected: audience, actual: aud }
}

/** Checks `exp`, `nbf`, `iat` and `auth_time`. */
export function checkTimes(
  claims: Claims,
  { clockTolerance, maxTokenAge }: AccessTokenExpectations,
  { expRequired = true } = {},
): Refusal | undefined {
  const problem = checkJwtTimes(claims, { clockTolerance, required: expRequired ? ['exp'] : [] })
  if (problem || maxTokenAge === undefined) return problem
  const { iat } = claims as { iat?: number }
  if (iat === undefined) {
    const hint = 'iat is missing, which resourceServer.maxTokenAge requires'
    return { message: 'the age of the token is unknown', hint, claim: 'iat' }
  }
  if (!isOlderThan(iat, maxTokenAge, clockTolerance)) return undefined
  const hint = `the token is older than resourceServer.maxTokenAge, ${maxTokenAge} seconds`
  return { message: 'the token is too old', hint, claim: 'iat', expected: maxTokenAge, actual: iat }
}

/** Claims that only ID tokens and logout tokens have. */
const FOREIGN_CLAIMS = ['nonce', 'at_hash', 'c_hash', 's_hash', 'events']

/** Claims that access tokens of some providers have, and ID tokens do not. */
const OWN_CLAIMS = ['scope', 'scp', 'permissions', 'client_id', 'cid', 'appid', 'azpacr', 'gty', 'cnf']

/**
 * Checks that a token is an access token, rather than an ID token, a logout token or anything else its issuer signs with
 * the same keys.
 *
 * `typ` decides or, if the issuer does not set it, the claims. A claim that this API is configured to read scopes from
 * proves nothing, since an ID token may have it too.
 *
 * @see [RFC 9068 §4](https://www.rfc-editor.org/rfc/rfc9068#section-4)
 * @see [RFC 8725 §3.11](https://www.rfc-editor.org/rfc/rfc8725#section-3.11)
 */
function checkType({ typ }: Claims, payload: Claims, expected: AccessTokenExpectations): Refusal | undefined {
  // Amazon Cognito puts the kind of token into token_use, Keycloak into a claim typ.
  if (!isAccessTokenUse(payload.token_use)) return otherKind('token_use', payload.token_use, 'access')
  const type = typeof typ === 'string' ? typ.toLowerCase().replace(/^application\//, '') : typ
  if (type === 'at+jwt') return undefined
  if (expected.typ === 'at+jwt' || (type !== undefined && type !== 'jwt')) return otherKind('typ', typ, 'at+jwt')
  const isKeycloak = payload.typ === 'Bearer' || payload.typ === 'DPoP'
  if (payload.typ !== undefined && !isKeycloak) return otherKind('typ', payload.typ, 'Bearer')
  // Access tokens of Keycloak before 25 repeat the nonce of the login.
  const foreign = FOREIGN_CLAIMS.find((claim) => Object.hasOwn(payload, claim) && !(isKeycloak && claim === 'nonce'))
  if (foreign) return { ...NO_ACCESS_TOKEN, hint: `it has ${foreign}, which access tokens do not have`, claim: foreign }
  if (OWN_CLAIMS.some((claim) => (payload[claim] ?? null) !== null)) return undefined
  const hint =
    `its typ is ${quote(typ)} and it has none of the claims ${OWN_CLAIMS.join(', ')}, so it may be an ID token: ` +
    'send the access token, and configure the issuer to set typ to at+jwt'
  return { ...NO_ACCESS_TOKEN, hint, claim: 'typ', actual: typ }
}

const NO_ACCESS_TOKEN = { message: 'it is not an access token' }

function otherKind(claim: string, actual: unknown, expected: string): Refusal {
  const hint = `${claim} is ${quote(actual)}, expected is ${expected}: the token is of another kind`
  return { ...NO_ACCESS_TOKEN, hint, claim, expected, actual }
}

/** Checks that `token_use`, if present, is that of an access token. */
export function isAccessTokenUse(use: unknown): boolean {
  return use === undefined || use === 'access' || use === 'access_token'
}

/** Checks `sub`, which machine-to-machine tokens may lack. */
export function checkSubject({ sub }: Claims): Refusal | undefined {
  if (sub === undefined || (typeof sub === 'string' && sub !== '')) return undefined
  return { message: 'the subject of the token is malformed', hint: 'sub is not a non-empty string', claim: 'sub' }
}

/**
 * Reads the scopes from verified claims. Each claim is a space-separated list or an array of strings.
 *
 * @returns `undefined` if the application's function does not return a list of strings
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
