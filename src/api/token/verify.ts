import { algorithmHint, checkHeader, type DecodedJwt, JwtError, verifyWithKey } from '../../jwt/jws.js'
import type { KeyHeader } from '../../jwt/keySet.js'
import { defined } from '../../lib/defined.js'
import { quote } from '../../lib/quote.js'
import { type AccessTokenExpectations, checkAccessToken, type Refusal, readScopes } from './claims.js'
import type { FindIssuer, TrustedIssuer, VerificationKey } from './issuers.js'

/** An access token that passed every check independent of the request. Deeply frozen. */
export interface VerifiedToken {
  readonly claims: Readonly<Record<string, unknown>>
  readonly scopes: readonly string[]
  readonly issuer: string
  /** When it is no longer accepted. In seconds since the epoch. */
  readonly expiresAt: number
  /** The key that verified it. None for an introspected token. */
  readonly key?: VerificationKey
}

/** The result of verifying a token. */
export type Verdict = VerifiedToken | Refusal

/** Checks whether a token was refused. */
export function isRefusal(verdict: Verdict): verdict is Refusal {
  return 'claim' in verdict
}

/**
 * Creates the function that verifies JWT access tokens.
 *
 * It checks everything that needs no key before it looks for keys or verifies the signature, so that bad tokens are cheap.
 *
 * @returns a function that is synchronous if possible, and rejects with `ERR_PROVIDER_UNAVAILABLE` or
 *   `ERR_METADATA_INVALID` if it needs keys and cannot get them
 */
export function createJwtVerifier(
  findIssuer: FindIssuer,
  expected: AccessTokenExpectations,
): (token: string, decoded: DecodedJwt) => Verdict | Promise<Verdict> {
  return (token, decoded) => {
    const refusal = checkHeader(decoded.header) ?? checkAccessToken(decoded, expected)
    if (refusal) return refusal
    const { iss } = decoded.payload
    if (typeof iss !== 'string') {
      return { message: 'the token names no issuer', hint: 'iss is missing or not a string', claim: 'iss' }
    }
    const issuer = findIssuer(iss)
    const check = (found: TrustedIssuer | undefined) =>
      found ? verify({ token, decoded, issuer: found, expected }) : untrusted(iss, findIssuer)
    return issuer instanceof Promise ? issuer.then(check) : check(issuer)
  }
}

/** A JWT whose claims are checked, and the issuer that must have signed it. */
interface Candidate {
  readonly token: string
  readonly decoded: DecodedJwt
  readonly issuer: TrustedIssuer
  readonly expected: AccessTokenExpectations
}

function untrusted(iss: string, { listed }: FindIssuer): Refusal {
  const message = 'the issuer of the token is not trusted here'
  if (!listed) {
    const hint = `iss is ${quote(iss)}, and the function resourceServer.issuer returned undefined for it`
    return { message, hint, claim: 'iss', actual: iss }
  }
  const hint =
    `iss is ${quote(iss)}, resourceServer.issuer is ${listed.map(quote).join(' or ')}: they must be the same, ` +
    'including a trailing slash'
  return { message, hint, claim: 'iss', expected: listed, actual: iss }
}

function verify(candidate: Candidate): Verdict | Promise<Verdict> {
  const { decoded, issuer } = candidate
  const { alg, kid } = decoded.header
  if (typeof alg !== 'string' || !issuer.algorithms.includes(alg)) {
    return {
      message: 'the token is signed with an algorithm that is not accepted',
      hint: algorithmHint(alg, issuer.algorithms, 'resourceServer.algorithms'),
      claim: 'alg',
      expected: issuer.algorithms,
      actual: alg,
    }
  }
  if (kid !== undefined && typeof kid !== 'string') {
    return { message: 'the token is malformed', hint: 'kid is not a string', claim: 'kid' }
  }
  const header: KeyHeader = { alg, ...defined({ kid }) }
  const keys = issuer.keysFor(header)
  if (keys instanceof Promise) return keys.then((found) => verifySignature(candidate, header, found))
  return keys.length === 0 ? noKey(header) : verifySignature(candidate, header, keys)
}

async function verifySignature(
  candidate: Candidate,
  header: KeyHeader,
  keys: readonly VerificationKey[],
): Promise<Verdict> {
  if (keys.length === 0) return noKey(header)
  const { decoded, issuer, expected } = candidate
  try {
    const key = (await signerAmong(keys, candidate)) ?? (await signerAmong(await others(), candidate))
    if (key) return verified(decoded.payload, expected, key)
  } catch (error) {
    if (error instanceof JwtError)
      return { message: error.message, ...defined({ hint: error.hint }), claim: error.claim }
    throw error
  }
  return { message: 'the signature does not verify', claim: 'signature' }

  /** The keys that the issuer has published since, perhaps with the same `kid`. */
  function others() {
    return issuer.keysFor(
      header,
      keys.map(({ key }) => key),
    )
  }
}

async function signerAmong(
  keys: readonly VerificationKey[],
  { token, decoded }: Candidate,
): Promise<VerificationKey | undefined> {
  for (const key of keys) {
    if (await verifyWithKey(token, decoded, key.key)) return key
  }
  return undefined
}

function noKey({ alg, kid }: KeyHeader): Refusal {
  const hint = `the issuer has published no key for alg ${alg} and kid ${quote(kid)}; its keys were fetched again`
  return { message: 'no key of the issuer fits the token', hint, claim: 'kid', actual: kid }
}

/** Builds a verified token from checked claims. Refuses it if its scopes cannot be read. */
export function verified(
  claims: Readonly<Record<string, unknown>>,
  expected: AccessTokenExpectations,
  key?: VerificationKey,
): Verdict {
  const { exp = Infinity, iat, iss } = claims as { exp?: number; iat?: number; iss: string }
  const { maxTokenAge } = expected
  const oldest = maxTokenAge === undefined || iat === undefined ? Infinity : iat + maxTokenAge
  const frozen = deepFreeze(claims)
  let scopes: readonly string[] | undefined
  let failure: unknown
  try {
    scopes = readScopes(frozen, expected)
  } catch (error) {
    failure = error
  }
  if (!scopes) return unreadableScopes(failure)
  return Object.freeze({
    claims: frozen,
    scopes,
    issuer: iss,
    expiresAt: Math.min(exp, oldest),
    ...defined({ key }),
  })
}

function unreadableScopes(failure: unknown): Refusal {
  const what = failure === undefined ? 'did not return a list of strings' : `threw ${quote(String(failure))}`
  const hint = `the function resourceServer.scopes ${what}: it must return a list for any verified claims`
  return { message: 'the scopes of the token cannot be read', hint, claim: 'scope' }
}

/** Freezes a JSON value deeply. Iterative, so that deep nesting cannot overflow the stack. */
function deepFreeze<T extends object>(value: T): T {
  const pending: object[] = [value]
  for (let at = pending.pop(); at; at = pending.pop()) {
    Object.freeze(at)
    for (const name in at) {
      const member = (at as Record<string, unknown>)[name]
      if (typeof member === 'object' && member !== null) pending.push(member)
    }
  }
  return value
}
