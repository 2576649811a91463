import { createSecretKey, type KeyObject } from 'node:crypto'
import type { CryptoKey } from 'jose'
import { decodeProtectedHeader } from 'jose/decode/protected_header'
import { JOSEError, JWSSignatureVerificationFailed } from 'jose/errors'
import { compactVerify } from 'jose/jws/compact/verify'

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
    const payload = await verifyWithKey(token, header.alg, key)
    if (payload) return { header, payload: parsePayload(payload) }
  }
  if (keys.length === 0) {
    throw new JwtError('no key of the issuer fits the token', 'kid', { actual: header.kid })
  }
  throw new JwtError('the signature does not verify', 'signature')
}

/**
 * Verifies the signature of a compact JWS with one key.
 *
 * @returns the payload, or `undefined` where the signature is not by this key
 * @throws {JwtError} When the token is no JWS that can be verified, such as one with an unknown `crit`.
 */
export async function verifyWithKey(
  token: string,
  alg: string,
  key: CryptoKey | KeyObject,
): Promise<Uint8Array | undefined> {
  try {
    const { payload, protectedHeader } = await compactVerify(token, key)
    return protectedHeader.alg === alg ? payload : undefined
  } catch (error) {
    if (error instanceof JWSSignatureVerificationFailed) return undefined
    if (error instanceof JOSEError || error instanceof TypeError) {
      throw new JwtError(`the token cannot be verified: ${error.message}`, 'signature')
    }
    throw error
  }
}

/** A JWT taken apart. Its signature is not verified: nothing in it can be trusted. */
export interface DecodedJwt {
  readonly header: Readonly<Record<string, unknown>>
  readonly payload: Readonly<Record<string, unknown>>
}

/** Makes the function that takes compact JWTs apart; it gives `undefined` for what is none. Unverified. */
export function createDecoder(): (token: string) => DecodedJwt | undefined {
  // Tokens by one key have the same header: it is parsed once as long as it stays the same.
  let encoded = ''
  let header: Record<string, unknown> | undefined

  return (token) => {
    const first = token.indexOf('.')
    const second = token.indexOf('.', first + 1)
    if (first <= 0 || second <= first + 1 || !COMPACT.test(token)) return undefined
    if (!isCanonical(token, 0, first) || !isCanonical(token, first + 1, second)) return undefined
    if (!isCanonical(token, second + 1, token.length)) return undefined
    if (encoded.length !== first || !token.startsWith(encoded)) {
      encoded = token.slice(0, first)
      header = parseObject(encoded)
    }
    const payload = header && parseObject(token.slice(first + 1, second))
    return header && payload && { header, payload }
  }
}

/** Takes a compact JWT apart, or gives `undefined` if it is none. Unverified. */
export function decodeJwt(token: string): DecodedJwt | undefined {
  return createDecoder()(token)
}

/** Three parts of base64url; the last may be empty. */
const COMPACT = /^[\w-]+\.[\w-]+\.[\w-]*$/

/** Tells whether a part ends as RFC 4648 §3.5 wants: bits that stand for nothing are zero. */
function isCanonical(token: string, start: number, end: number): boolean {
  switch ((end - start) % 4) {
    case 0:
      return true
    case 2:
      return 'AQgw'.includes(token.charAt(end - 1))
    case 3:
      return 'AEIMQUYcgkosw048'.includes(token.charAt(end - 1))
    default:
      return false
  }
}

function parseObject(encoded: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(encoded, 'base64url').toString('utf8'))
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}

/** HMAC with a secret that both sides know, where an issuer signs so. */
export const SECRET_ALGORITHMS: readonly string[] = ['HS256', 'HS384', 'HS512']

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
