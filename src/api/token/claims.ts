import type { DecodedJwt } from '../../jwt/jws.js'
import { isTime } from '../../jwt/times.js'

type Claims = Readonly<Record<string, unknown>>

/** What an access token must hold up to. All times in seconds. */
export interface AccessTokenExpectations {
  /** The names of this API, of which `aud` must hold one. */
  readonly audience: readonly string[]
  /** Whether `typ` must say `at+jwt`, or an access token may also be told from its claims. */
  readonly typ: 'at+jwt' | 'tolerant'
  readonly clockTolerance: number
  readonly maxTokenAge: number | undefined
  /** The claims that hold scopes, or a function that reads them. */
  readonly scopes: readonly string[] | ((claims: Claims) => readonly string[])
}

/** Why a token is refused. */
export interface Refusal {
  readonly message: string
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
  const fits = Array.isArray(aud) ? aud.some((item) => audience.includes(item as string)) : isOneOf(audience, aud)
  return fits ? undefined : { message: 'aud is not this API', claim: 'aud', expected: audience, actual: aud }
}

/** Judges `exp`, `nbf` and `iat`. */
export function judgeTimes(
  { exp, nbf, iat }: Claims,
  { clockTolerance, maxTokenAge }: AccessTokenExpectations,
  { expRequired = true } = {},
): Refusal | undefined {
  const now = Date.now() / 1000
  if (exp === undefined ? expRequired : !isTime(exp)) {
    return { message: 'exp is missing or not a time', claim: 'exp', actual: exp }
  }
  if (isTime(exp) && exp + clockTolerance <= now)
    return { message: 'the token has expired', claim: 'exp', expected: now, actual: exp }
  if (nbf !== undefined && !isTime(nbf)) return { message: 'nbf is not a time', claim: 'nbf', actual: nbf }
  if (nbf !== undefined && nbf - clockTolerance > now) {
    return { message: 'the token is not valid yet', claim: 'nbf', expected: now, actual: nbf }
  }
  if (iat !== undefined && !isTime(iat)) return { message: 'iat is not a time', claim: 'iat', actual: iat }
  if (iat !== undefined && iat - clockTolerance > now) {
    return { message: 'iat is in the future: compare the clocks', claim: 'iat', expected: now, actual: iat }
  }
  if (maxTokenAge === undefined) return undefined
  if (iat === undefined) return { message: 'iat is missing, which maxTokenAge needs', claim: 'iat' }
  if (iat + maxTokenAge + clockTolerance >= now) return undefined
  return { message: 'the token is older than maxTokenAge', claim: 'iat', expected: maxTokenAge, actual: iat }
}

/** Claims that only ID tokens and logout tokens have. */
const FOREIGN_CLAIMS = ['nonce', 'at_hash', 'c_hash', 's_hash', 'events']

/** Claims that access tokens have, at one provider or another, and ID tokens have not. */
const OWN_CLAIMS = ['scope', 'scp', 'permissions', 'client_id', 'cid', 'appid', 'azpacr', 'gty', 'cnf']

/**
 * Tells an access token from an ID token, a logout token and whatever else an issuer signs with the same keys: by `typ`,
 * or where the issuer does not set it, by the claims.
 *
 * @see [RFC 9068 §4](https://www.rfc-editor.org/rfc/rfc9068#section-4)
 * @see [RFC 8725 §3.11](https://www.rfc-editor.org/rfc/rfc8725#section-3.11)
 */
function judgeType({ typ }: Claims, payload: Claims, expected: AccessTokenExpectations): Refusal | undefined {
  const type = typeof typ === 'string' ? typ.toLowerCase().replace(/^application\//, '') : typ
  if (type === 'at+jwt') return undefined
  if (expected.typ === 'at+jwt' || (type !== undefined && type !== 'jwt')) {
    return { message: 'typ is not that of an access token', claim: 'typ', expected: 'at+jwt', actual: typ }
  }
  const foreign = FOREIGN_CLAIMS.find((claim) => Object.hasOwn(payload, claim))
  if (foreign) return { message: `the token has ${foreign}, which no access token has`, claim: foreign }
  // Keycloak names the kind of token in a claim.
  if (payload.typ !== undefined && payload.typ !== 'Bearer' && payload.typ !== 'DPoP') {
    return { message: 'the claim typ is not that of an access token', claim: 'typ', actual: payload.typ }
  }
  const own = Array.isArray(expected.scopes) ? [...OWN_CLAIMS, ...(expected.scopes as string[])] : OWN_CLAIMS
  if (own.some((claim) => Object.hasOwn(payload, claim)) || readScopes(payload, expected).length > 0) return undefined
  return { message: 'nothing tells that this is an access token and not an ID token', claim: 'typ', actual: typ }
}

function judgeSubject({ sub }: Claims): Refusal | undefined {
  if (sub === undefined || (typeof sub === 'string' && sub !== '')) return undefined
  return { message: 'sub is not a string', claim: 'sub' }
}

/** Reads the scopes of a token: each claim a list separated by spaces, or an array of strings. */
export function readScopes(claims: Claims, { scopes }: Pick<AccessTokenExpectations, 'scopes'>): readonly string[] {
  if (typeof scopes === 'function') return Object.freeze([...scopes(claims)])
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
