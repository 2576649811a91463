import { JwtError, verifySignature } from '../jwt/jws.js'
import { checkJwtTimes, isOlderThan } from '../jwt/times.js'
import type { Provider } from '../provider/provider.js'
import { assertIssuer } from './idToken.js'

type Claims = Readonly<Record<string, unknown>>

/** What a token that the provider's server sends is checked against. */
interface Expectations {
  /** The `typ`, which keeps other tokens of the provider from being taken for this kind. */
  readonly type: string
  /** Of which `aud` must have one. */
  readonly audiences: readonly string[]
  /** What to do if `aud` is another. */
  readonly audienceHint: string
  /** How old a token may be. In seconds. */
  readonly maxAge: number
  readonly required: readonly ('exp' | 'iat')[]
}

/** A token that the provider's server sent, verified. */
export interface ReceivedToken {
  readonly claims: Claims
  /** The token's unique identifier. */
  readonly jti: string
  /** When the provider issued the token, by its clock. In seconds since the epoch. */
  readonly issuedAt: number
  /** When the token is no longer accepted. In seconds since the epoch. */
  readonly usableUntil: number
}

/**
 * Verifies a token that the provider's server sends: signature, type, `iss`, `aud`, times, `jti`. The caller checks whether
 * it was used before.
 *
 * @throws `JwtError`, and what loading metadata and keys throws
 */
export async function verifyReceived(
  provider: Provider,
  token: string,
  { type, audiences, audienceHint, maxAge, required }: Expectations,
): Promise<ReceivedToken> {
  const { clockTolerance } = provider
  const { issuer } = await provider.issuers()
  const { header, payload } = await verifySignature(token, {
    algorithms: [provider.options.idTokenSigningAlg],
    algorithmsOption: 'idTokenSigningAlg',
    keys: provider.keySource,
  })
  assertType(header, type)
  assertIssuer(payload, { issuer })
  const { aud, jti } = payload
  if (![aud].flat().some((one) => audiences.includes(one as string))) {
    throw new JwtError('aud is another receiver', 'aud', { expected: audiences, actual: aud, hint: audienceHint })
  }
  const problem = checkJwtTimes(payload, { clockTolerance, required: ['iat', ...required] })
  if (problem) throw new JwtError(problem.message, problem.claim, problem)
  const issuedAt = payload.iat as number
  if (isOlderThan(issuedAt, maxAge, clockTolerance)) {
    throw new JwtError('the token is too old', 'iat', { expected: maxAge, actual: issuedAt })
  }
  if (typeof jti !== 'string' || jti === '') throw new JwtError('jti is missing', 'jti')
  return { claims: payload, jti, issuedAt, usableUntil: issuedAt + maxAge + clockTolerance }
}

/** @see [RFC 8725 §3.11](https://www.rfc-editor.org/rfc/rfc8725#section-3.11) */
function assertType({ typ }: Claims, expected: string): void {
  const type = typeof typ === 'string' ? typ.toLowerCase().replace(/^application\//, '') : undefined
  if (type !== expected) throw new JwtError('typ is that of another kind of token', 'typ', { expected, actual: typ })
}
