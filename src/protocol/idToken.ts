import { createHash } from 'node:crypto'
import { JwtError, type KeySource, verifySignature } from '../jwt/jws.js'
import { checkJwtTimes, isOlderThan } from '../jwt/times.js'
import { isEqual } from '../lib/equal.js'
import { assertSessionExpiry } from './sessionExpiry.js'

type Claims = Readonly<Record<string, unknown>>

/** What an ID token is checked against. All times in seconds. */
export interface IdTokenExpectations {
  /** Returns the `iss` that the token must have; `undefined` if none is acceptable. */
  readonly issuer: (claims: Claims) => string | undefined
  readonly clientId: string
  /** Other clients that the token may be issued for, if the option is set. */
  readonly trustedAudiences?: readonly string[] | undefined
  /** The one algorithm the client is registered for. */
  readonly algorithm: string
  readonly keys: KeySource
  readonly clockTolerance: number
  /** The nonce that was sent; `null` if none was, so that the token must have none. Absent if it is not checked. */
  readonly nonce?: string | null | undefined
  readonly maxAge?: number | undefined
  /** The acceptable values of `acr`. */
  readonly acr?: readonly string[] | undefined
  /** The values that arrived with the token, for its hash claims. */
  readonly hashes?: readonly HashExpectation[]
}

/** A value whose hash an ID token contains, which binds the two. */
export interface HashExpectation {
  readonly claim: 'at_hash' | 'c_hash' | 's_hash'
  readonly value: string
  /** Whether the claim must be present. Otherwise it is checked only if it is. */
  readonly required: boolean
}

/** The claims of an ID token, verified. */
export interface IdTokenClaims {
  readonly [claim: string]: unknown
  readonly iss: string
  readonly sub: string
  readonly aud: string | readonly string[]
  readonly exp: number
  readonly iat: number
}

/**
 * Verifies an ID token: signature, then `iss`, `aud`, `azp`, times, `sub`, then what this login requested.
 *
 * @throws {JwtError} with the claim that failed
 * @see [OpenID Connect Core §3.1.3.7](https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation)
 */
export async function verifyIdToken(token: string, expected: IdTokenExpectations): Promise<IdTokenClaims> {
  const { header, payload } = await verifySignature(token, {
    algorithms: [expected.algorithm],
    algorithmsOption: 'idTokenSigningAlg',
    keys: expected.keys,
  })
  const claims = payload as Record<string, unknown>
  assertIssuer(claims, expected)
  assertAudience(claims, expected)
  assertTimes(claims, expected)
  assertSubject(claims)
  assertNonce(claims, expected)
  assertAuthTime(claims, expected)
  assertAcr(claims, expected)
  assertSessionExpiry(claims)
  for (const hash of expected.hashes ?? []) assertHash(claims, hash, header.alg)
  return claims as IdTokenClaims
}

/** Throws unless `iss` is the provider. */
export function assertIssuer(claims: Claims, { issuer }: Pick<IdTokenExpectations, 'issuer'>): void {
  const expected = issuer(claims)
  if (expected !== undefined && claims.iss === expected) return
  const unknown =
    expected === undefined ? { hint: 'the issuer depends on the claim tid, which is missing or malformed' } : {}
  throw new JwtError('iss is another issuer', 'iss', { expected, actual: claims.iss, ...unknown })
}

function assertAudience({ aud, azp }: Claims, { clientId, trustedAudiences }: IdTokenExpectations): void {
  const audience: unknown[] = Array.isArray(aud) ? aud : [aud]
  if (!audience.includes(clientId)) {
    throw new JwtError('aud is not this client', 'aud', { expected: clientId, actual: aud })
  }
  if (trustedAudiences) {
    const trusted: readonly unknown[] = [clientId, ...trustedAudiences]
    if (!audience.every((one) => trusted.includes(one))) {
      throw new JwtError('aud contains a client that is not trusted', 'aud', { expected: clientId, actual: aud })
    }
    if (azp !== undefined && !trusted.includes(azp)) {
      throw new JwtError('azp is a client that is not trusted', 'azp', { expected: clientId, actual: azp })
    }
    return
  }
  if (audience.length > 1 && azp === undefined) {
    throw new JwtError('aud lists several clients, and azp is missing', 'azp', { expected: clientId })
  }
  if (azp !== undefined && azp !== clientId) {
    throw new JwtError('azp is another client', 'azp', { expected: clientId, actual: azp })
  }
}

/** Throws unless `exp`, `iat`, `nbf` and `auth_time` are acceptable. */
export function assertTimes(claims: Claims, { clockTolerance }: Pick<IdTokenExpectations, 'clockTolerance'>): void {
  const problem = checkJwtTimes(claims, { clockTolerance, required: ['exp', 'iat'] })
  if (problem) throw new JwtError(problem.message, problem.claim, problem)
}

function assertSubject({ sub }: Claims): void {
  if (typeof sub !== 'string' || sub === '') throw new JwtError('sub is missing or not a string', 'sub')
}

function assertNonce({ nonce }: Claims, expected: IdTokenExpectations): void {
  if (expected.nonce === undefined) return
  if (expected.nonce === null) {
    if (nonce !== undefined) throw new JwtError('nonce is that of another login: none was sent', 'nonce')
    return
  }
  if (nonce !== expected.nonce) throw new JwtError('nonce is missing, or not that of this login', 'nonce')
}

function assertAuthTime({ auth_time }: Claims, { maxAge, clockTolerance }: IdTokenExpectations): void {
  if (maxAge === undefined) return
  if (auth_time === undefined) throw new JwtError('auth_time is missing, though max_age was sent', 'auth_time')
  if (isOlderThan(auth_time as number, maxAge, clockTolerance)) {
    throw new JwtError('the user signed in longer ago than max_age', 'auth_time', {
      expected: maxAge,
      actual: auth_time,
    })
  }
}

function assertAcr({ acr }: Claims, expected: IdTokenExpectations): void {
  if (expected.acr === undefined) return
  if (typeof acr !== 'string' || !expected.acr.includes(acr)) {
    throw new JwtError('acr is not one of the requested values', 'acr', { expected: expected.acr, actual: acr })
  }
}

/**
 * Throws unless a hash claim matches: the left half of the value's hash, with the hash function of `alg`.
 *
 * @see [OpenID Connect Core §3.1.3.6](https://openid.net/specs/openid-connect-core-1_0.html#CodeIDToken)
 * @see [OpenID Connect Core §3.3.2.11](https://openid.net/specs/openid-connect-core-1_0.html#HybridIDToken)
 */
function assertHash(claims: Claims, { claim, value, required }: HashExpectation, alg: string): void {
  const actual = claims[claim]
  if (actual === undefined && !required) return
  if (actual === undefined) throw new JwtError(`${claim} is missing`, claim)
  const hash = alg.startsWith('Ed') ? 'sha512' : `sha${alg.slice(2)}`
  const digest = createHash(hash).update(value).digest()
  const expected = digest.subarray(0, digest.length / 2).toString('base64url')
  if (typeof actual !== 'string' || !isEqual(expected, actual)) throw new JwtError(`${claim} does not match`, claim)
}
