import { JwtError, verifySignature } from '../../jwt/jws.js'
import { checkJwtTimes, isOlderThan } from '../../jwt/times.js'
import { defined } from '../../lib/defined.js'
import type { Provider } from '../../provider/provider.js'
import { assertIssuer } from '../idToken.js'

type Claims = Readonly<Record<string, unknown>>

/** What a token that the provider's server sends is checked against. */
interface Expectations {
  /** The accepted values of `typ`, which keep other tokens of the provider from being taken for this kind. */
  readonly types: readonly [string, ...string[]]
  /** Whether `typ` may be absent. Default is `false`. */
  readonly isTypeOptional?: boolean
  /** Of which `aud` must have one. */
  readonly audiences: readonly string[]
  /** What to do if `aud` is another. */
  readonly audienceHint?: string
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
  expected: Expectations,
): Promise<ReceivedToken> {
  const { clockTolerance } = provider
  const { issuer } = await provider.issuers()
  const { header, payload } = await verifySignature(token, {
    algorithms: [provider.options.idTokenSigningAlg],
    algorithmsOption: 'idTokenSigningAlg',
    keys: provider.keySource,
  })
  assertType(header, expected)
  assertIssuer(payload, { issuer })
  assertAudience(payload, expected)
  const { iat, exp } = readTimes(payload, expected, clockTolerance)
  return {
    claims: payload,
    jti: readJti(payload),
    issuedAt: iat,
    usableUntil: Math.min(exp, iat + expected.maxAge) + clockTolerance,
  }
}

/** @see [RFC 8725 §3.11](https://www.rfc-editor.org/rfc/rfc8725#section-3.11) */
function assertType({ typ }: Claims, { types, isTypeOptional = false }: Expectations): void {
  if (typ === undefined && isTypeOptional) return
  const type = typeof typ === 'string' ? typ.toLowerCase().replace(/^application\//, '') : undefined
  if (type !== undefined && types.includes(type)) return
  throw new JwtError('typ is that of another kind of token', 'typ', { expected: types[0], actual: typ })
}

function assertAudience({ aud }: Claims, { audiences, audienceHint: hint }: Expectations): void {
  if ([aud].flat().some((one) => audiences.includes(one as string))) return
  const expected = audiences.length === 1 ? audiences[0] : audiences
  throw new JwtError('aud is another receiver', 'aud', { expected, actual: aud, ...defined({ hint }) })
}

/** Returns `iat`, and `exp` or `Infinity`. */
function readTimes(claims: Claims, expected: Expectations, clockTolerance: number): { iat: number; exp: number } {
  const problem = checkJwtTimes(claims, { clockTolerance, required: ['iat', ...expected.required] })
  if (problem) throw new JwtError(problem.message, problem.claim, problem)
  const { iat, exp = Infinity } = claims as { iat: number; exp?: number }
  if (!isOlderThan(iat, expected.maxAge, clockTolerance)) return { iat, exp }
  throw new JwtError('the token is too old', 'iat', { expected: expected.maxAge, actual: iat })
}

function readJti({ jti }: Claims): string {
  if (typeof jti === 'string' && jti !== '') return jti
  throw new JwtError(jti === undefined ? 'jti is missing' : 'jti is not a string', 'jti')
}
