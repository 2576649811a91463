import { isUtf8 } from 'node:buffer'
import { createSecretKey, type KeyObject } from 'node:crypto'
import type { CryptoKey } from 'jose'
import { JOSEError, JWSSignatureVerificationFailed } from 'jose/errors'
import { compactVerify } from 'jose/jws/compact/verify'
import { defined } from '../lib/defined.js'
import { parseObject } from '../lib/json.js'
import { quote } from '../lib/quote.js'

/** Reports why a JWT was refused. */
export class JwtError extends Error {
  override readonly name = 'JwtError'
  /** The claim or header parameter that failed, or `signature`. */
  readonly claim: string
  /** The expected value, if there is one. */
  readonly expected: unknown
  /** The actual value. Never the token. */
  readonly actual: unknown
  /** The likely cause and the fix, for the operator of the application. */
  readonly hint: string | undefined

  constructor(message: string, claim: string, details: { expected?: unknown; actual?: unknown; hint?: string } = {}) {
    super(message)
    this.claim = claim
    this.expected = details.expected
    this.actual = details.actual
    this.hint = details.hint
  }
}

/** A JWT with a verified signature. Its claims are not checked yet. */
interface VerifiedJwt {
  readonly header: Readonly<Record<string, unknown>> & { readonly alg: string; readonly kid?: string }
  readonly payload: Readonly<Record<string, unknown>>
}

/** A key that verifies signatures. */
export type VerifyingKey = CryptoKey | KeyObject

/**
 * Finds the keys for a header, or returns the shared secret for HMAC.
 *
 * If none of them verifies the token, it is called again with those keys as `tried`, and returns the keys that their owner
 * has published since, perhaps with the same `kid`.
 */
export type KeySource = (
  header: { alg: string; kid?: string | undefined },
  tried?: readonly VerifyingKey[],
) => Promise<readonly VerifyingKey[]>

/** The longest accepted JWT. In characters. */
export const MAX_JWT_LENGTH = 65_536

/**
 * Verifies a compact JWS with the keys that fit its header, and parses its payload as a JSON object.
 *
 * @param options.algorithmsOption - the option that lists the algorithms, for the hint
 * @throws {JwtError} if the form, `alg` or signature is wrong
 */
export async function verifySignature(
  token: string,
  options: { algorithms: readonly string[]; keys: KeySource; algorithmsOption?: string },
): Promise<VerifiedJwt> {
  const jwt = token.length > MAX_JWT_LENGTH ? undefined : decodeJwt(token)
  if (!jwt) throw new JwtError('the token is not a JWT, or longer than 64 KiB', 'header')
  const header = assertHeader(jwt.header, options)
  const keys = await options.keys(header)
  if (await isSignedByOne(token, jwt, keys)) return { header, payload: jwt.payload }
  if (keys.length === 0) {
    throw new JwtError('no key of the issuer fits the token', 'kid', { actual: header.kid })
  }
  if (await isSignedByOne(token, jwt, await options.keys(header, keys))) return { header, payload: jwt.payload }
  throw new JwtError('the signature does not verify', 'signature')
}

async function isSignedByOne(token: string, jwt: DecodedJwt, keys: readonly VerifyingKey[]): Promise<boolean> {
  for (const key of keys) {
    if (await verifyWithKey(token, jwt, key)) return true
  }
  return false
}

/**
 * Verifies the signature of a compact JWS with one key and the `alg` of its header.
 *
 * @param jwt - the decoded token: the verified bytes must be those it was decoded from
 * @returns whether this key made the signature
 * @throws {JwtError} if the token is not a JWS that can be verified
 */
export async function verifyWithKey(token: string, jwt: DecodedJwt, key: VerifyingKey): Promise<boolean> {
  const problem = checkHeader(jwt.header)
  if (problem) throw new JwtError(problem.message, problem.claim)
  try {
    const { payload, protectedHeader } = await compactVerify(token, key)
    if (protectedHeader.alg !== jwt.header.alg) return false
    if (!jwt.bytes.equals(payload)) throw new JwtError('the signature is for other claims', 'signature')
    return true
  } catch (error) {
    if (error instanceof JWSSignatureVerificationFailed) return false
    if (error instanceof JOSEError || error instanceof TypeError) {
      throw new JwtError('the token cannot be verified', 'signature', { hint: error.message })
    }
    throw error
  }
}

/** A decoded JWT. Unverified: nothing in it can be trusted. */
export interface DecodedJwt {
  readonly header: Readonly<Record<string, unknown>>
  readonly payload: Readonly<Record<string, unknown>>
  /** The bytes that the payload was parsed from. */
  readonly bytes: Buffer
}

/**
 * Checks a JWS header for extensions that no JWT may use, whoever signed it: critical ones, and those that change how the
 * payload is read.
 *
 * @see [RFC 7515 §4.1.11](https://www.rfc-editor.org/rfc/rfc7515#section-4.1.11)
 * @see [RFC 7797 §7](https://www.rfc-editor.org/rfc/rfc7797#section-7)
 */
export function checkHeader(header: DecodedJwt['header']): { message: string; claim: string } | undefined {
  const claim = ['crit', 'b64', 'zip'].find((name) => Object.hasOwn(header, name))
  return claim === undefined ? undefined : { message: 'the token uses an extension that is not accepted', claim }
}

/** Creates the function that decodes compact JWTs, unverified. It returns `undefined` for anything else. */
export function createDecoder(): (token: string) => DecodedJwt | undefined {
  // Tokens signed with the same key have the same header, so the last one is kept parsed.
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
      header = parseUtf8(Buffer.from(encoded, 'base64url'))
    }
    if (!header) return undefined
    const bytes = Buffer.from(token.slice(first + 1, second), 'base64url')
    const payload = parseUtf8(bytes)
    return payload && { header, payload, bytes }
  }
}

/** Decodes a compact JWT, unverified. Returns `undefined` for anything else. */
export function decodeJwt(token: string): DecodedJwt | undefined {
  return createDecoder()(token)
}

/** Three base64url parts, of which the last may be empty. */
const COMPACT = /^[\w-]+\.[\w-]+\.[\w-]*$/

/** Checks that the unused bits at the end of a part are zero (RFC 4648 §3.5). */
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

function parseUtf8(bytes: Buffer): Record<string, unknown> | undefined {
  return isUtf8(bytes) ? parseObject(bytes.toString('utf8')) : undefined
}

/** Returns the secret as the key for HMAC algorithms. */
export function secretKey(secret: string): KeyObject {
  return createSecretKey(Buffer.from(secret, 'utf8'))
}

function assertHeader(
  header: DecodedJwt['header'],
  { algorithms, algorithmsOption }: { algorithms: readonly string[]; algorithmsOption?: string },
): VerifiedJwt['header'] {
  const { alg, kid } = header
  if (typeof alg !== 'string' || !algorithms.includes(alg)) {
    const hint = algorithmHint(alg, algorithms, algorithmsOption)
    throw new JwtError('the token is signed with an algorithm that is not accepted', 'alg', {
      expected: algorithms,
      actual: alg,
      hint,
    })
  }
  const problem = checkHeader(header)
  if (problem) throw new JwtError(problem.message, problem.claim)
  if (kid !== undefined && typeof kid !== 'string') throw new JwtError('kid is not a string', 'kid')
  return { ...header, alg, ...defined({ kid }) }
}

/** Explains a refused `alg`, with the actual and accepted algorithms and the option that lists them. */
export function algorithmHint(actual: unknown, expected: readonly string[], option?: string): string {
  const cause = `the token has alg ${quote(actual)}, accepted is ${expected.join(', ')}.`
  if (actual === 'none') return `${cause} An unsigned token is never accepted`
  return option ? `${cause} If the issuer is meant to sign with that one, set ${option}` : cause
}
