import { type DecodedJwt, JwtError, verifyWithKey } from '../../jwt/jws.js'
import { type AccessTokenExpectations, judgeAccessToken, type Refusal, readScopes } from './claims.js'
import type { FindIssuer, TrustedIssuer, VerificationKey } from './issuers.js'

/** An access token that has passed every check which does not depend on the request. Frozen to its depth. */
export interface VerifiedToken {
  readonly claims: Readonly<Record<string, unknown>>
  readonly scopes: readonly string[]
  readonly issuer: string
  /** When it stops being accepted. In seconds since the epoch. */
  readonly expiresAt: number
  /** The key that verified it; none for an introspected token. */
  readonly key?: VerificationKey
}

/** What becomes of a token. */
export type Verdict = VerifiedToken | Refusal

/** Tells a refusal from a verified token. */
export function isRefusal(verdict: Verdict): verdict is Refusal {
  return 'claim' in verdict
}

/**
 * Makes the function that verifies JWT access tokens. Whatever can be judged without a key is judged before any key is
 * looked for or signature computed, so that a bad token is cheap.
 *
 * @returns a function that answers at once where it can, and rejects with `ERR_PROVIDER_UNAVAILABLE` or
 *   `ERR_METADATA_INVALID` when keys are needed and cannot be had
 */
export function createJwtVerifier(
  findIssuer: FindIssuer,
  expected: AccessTokenExpectations,
): (token: string, decoded: DecodedJwt) => Verdict | Promise<Verdict> {
  return (token, decoded) => {
    const refusal = judgeAccessToken(decoded, expected)
    if (refusal) return refusal
    const { iss } = decoded.payload
    if (typeof iss !== 'string') return { message: 'iss is missing or not a string', claim: 'iss' }
    const issuer = findIssuer(iss)
    if (issuer instanceof Promise) return issuer.then((found) => verify(token, decoded, found, expected))
    return verify(token, decoded, issuer, expected)
  }
}

function verify(
  token: string,
  decoded: DecodedJwt,
  issuer: TrustedIssuer | undefined,
  expected: AccessTokenExpectations,
): Verdict | Promise<Verdict> {
  const { header, payload } = decoded
  if (!issuer) return { message: 'iss is no trusted issuer', claim: 'iss', actual: payload.iss }
  const { alg, kid } = header
  if (typeof alg !== 'string' || !issuer.algorithms.includes(alg)) {
    return { message: 'alg is none of those accepted', claim: 'alg', expected: issuer.algorithms, actual: alg }
  }
  if (kid !== undefined && typeof kid !== 'string') return { message: 'kid is not a string', claim: 'kid' }
  const keys = issuer.keysFor({ alg, kid })
  if (keys instanceof Promise) return keys.then((found) => verifySignature(token, decoded, alg, found, expected))
  if (keys.length === 0) return noKey(decoded)
  return verifySignature(token, decoded, alg, keys, expected)
}

async function verifySignature(
  token: string,
  decoded: DecodedJwt,
  alg: string,
  keys: readonly VerificationKey[],
  expected: AccessTokenExpectations,
): Promise<Verdict> {
  if (keys.length === 0) return noKey(decoded)
  try {
    for (const key of keys) {
      if (await verifyWithKey(token, alg, key.key)) return verified(decoded.payload, expected, key)
    }
  } catch (error) {
    if (error instanceof JwtError) return { message: error.message, claim: error.claim }
    throw error
  }
  return { message: 'the signature does not verify', claim: 'signature' }
}

function noKey({ header }: DecodedJwt): Refusal {
  return { message: 'no key of the issuer fits the token', claim: 'kid', actual: header.kid }
}

/** Makes a verified token of claims that have been judged. */
export function verified(
  claims: Readonly<Record<string, unknown>>,
  expected: AccessTokenExpectations,
  key?: VerificationKey,
): VerifiedToken {
  const { exp = Infinity, iat, iss } = claims as { exp?: number; iat?: number; iss: string }
  const { maxTokenAge } = expected
  const oldest = maxTokenAge === undefined || iat === undefined ? Infinity : iat + maxTokenAge
  return Object.freeze({
    claims: deepFreeze(claims),
    scopes: readScopes(claims, expected),
    issuer: iss,
    expiresAt: Math.min(exp, oldest),
    ...(key ? { key } : {}),
  })
}

/** Freezes a JSON value with all that is in it. It takes no more stack for a deeper one. */
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
