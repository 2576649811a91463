import { createSecretKey, type KeyObject } from 'node:crypto'
import { type CryptoKey, compactVerify, decodeProtectedHeader, errors } from 'jose'

/** Why a JWT was refused. `claim` names the claim or header parameter that failed. */
export class JwtError extends Error {
  override readonly name = 'JwtError'
  /** The claim or header parameter that failed, or `signature`. */
  readonly claim: string
  /** What was expected, where that can be said. */
  readonly expected: unknown
  /** What was found. Never the token. */
  readonly actual: unknown

  constructor(message: string, claim: string, comparison: { expected?: unknown; actual?: unknown } = {}) {
    super(message)
    this.claim = claim
    this.expected = comparison.expected
    this.actual = comparison.actual
  }
}

/** A JWT whose signature is verified; its claims are not judged yet. */
export interface VerifiedJwt {
  readonly header: Readonly<Record<string, unknown>> & { readonly alg: string; readonly kid?: string }
  readonly payload: Readonly<Record<string, unknown>>
}

/** Finds the keys for a header, or gives the shared secret for HMAC. */
export type KeySource = (header: {
  alg: string
  kid?: string | undefined
}) => Promise<readonly (CryptoKey | KeyObject)[]>

/**
 * Verifies a compact JWS with the keys that fit it, and parses its payload as a JSON object.
 *
 * @throws {JwtError} When the form, `alg` or signature is wrong.
 */
export async function verifySignature(
  token: string,
  options: { algorithms: readonly string[]; keys: KeySource },
): Promise<VerifiedJwt> {
  const header = readHeader(token, options.algorithms)
  const keys = await options.keys(header)
  for (const key of keys) {
    try {
      const { payload } = await compactVerify(token, key, { algorithms: [header.alg] })
      return { header, payload: parsePayload(payload) }
    } catch (error) {
      if (error instanceof JwtError) throw error
      if (error instanceof errors.JWSSignatureVerificationFailed) continue
      if (error instanceof errors.JOSEError || error instanceof TypeError) {
        throw new JwtError(`the token cannot be verified: ${error.message}`, 'signature')
      }
      throw error
    }
  }
  if (keys.length === 0) {
    throw new JwtError('no key of the issuer fits the token', 'kid', { actual: header.kid })
  }
  throw new JwtError('the signature does not verify', 'signature')
}

/** Gives the secret as the key for HMAC algorithms. */
export function secretKey(secret: string): KeyObject {
  return createSecretKey(Buffer.from(secret, 'utf8'))
}

function readHeader(token: string, algorithms: readonly string[]): { alg: string; kid?: string } {
  let header: ReturnType<typeof decodeProtectedHeader>
  try {
    header = decodeProtectedHeader(token)
  } catch {
    throw new JwtError('the token is not a JWT', 'header')
  }
  const { alg, kid } = header
  if (typeof alg !== 'string' || !algorithms.includes(alg)) {
    throw new JwtError('the token is signed with another algorithm than the registered one', 'alg', {
      expected: algorithms,
      actual: alg,
    })
  }
  if (kid !== undefined && typeof kid !== 'string') throw new JwtError('kid is not a string', 'kid')
  return { ...header, alg } as { alg: string; kid?: string }
}

function parsePayload(bytes: Uint8Array): Record<string, unknown> {
  let payload: unknown
  try {
    payload = JSON.parse(Buffer.from(bytes).toString('utf8'))
  } catch {
    payload = undefined
  }
  if (typeof payload !== 'object' || payload === null || Array.isArray(payload)) {
    throw new JwtError('the payload is not a JSON object', 'payload')
  }
  return payload as Record<string, unknown>
}
