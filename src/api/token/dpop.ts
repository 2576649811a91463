import { createHash } from 'node:crypto'
import type { JWK } from 'jose'
import { calculateJwkThumbprint } from 'jose/jwk/thumbprint'
import { LRUCache } from 'lru-cache'
import { algorithmHint, checkHeader, type DecodedJwt, decodeJwt, JwtError, verifyWithKey } from '../../jwt/jws.js'
import { checkKey, KeySet } from '../../jwt/keySet.js'
import { checkJwtTimes, isOlderThan } from '../../jwt/times.js'
import { quote } from '../../lib/quote.js'
import type { Refusal } from './claims.js'

/** The rules for DPoP proofs at one resource server. All times in seconds. */
interface ProofRules {
  readonly algorithms: readonly string[]
  /** The maximum age of a proof, from its `iat`. */
  readonly maxAge: number
  readonly clockTolerance: number
  /** Checks whether this server issued a nonce. `undefined` if none is required. */
  readonly isNonce: ((nonce: string) => boolean) | undefined
}

/** The request that a proof must be for. */
interface ProvedRequest {
  readonly method: string
  /** The configured URL, without query: no part of it comes from the `Host` header. */
  readonly uri: string
  readonly accessToken: string
  /** The thumbprint that the access token is bound to: `cnf.jkt`. */
  readonly jkt: string
}

/** A proof that passed every check except whether it was used before. */
interface VerifiedProof {
  /** Identifies the proof among those of all clients. */
  readonly id: string
  /** When it is no longer accepted. In seconds since the epoch. */
  readonly expiresAt: number
  readonly nonce: string | undefined
}

/** Why a proof is refused. */
interface ProofRefusal extends Refusal {
  /** Whether only a nonce of this server is missing. */
  readonly nonceRequired?: boolean
}

interface ProofKey {
  readonly jkt: string
  readonly keys: KeySet
}

/** The longest accepted proof. In characters. Leaves room for the largest accepted public key, of 4,096 bits. */
const MAX_PROOF = 4096
const MAX_JTI = 256

/** How many clients' keys are cached, so that they are not imported for each proof. */
const MAX_KEYS = 1000

/**
 * Creates the function that verifies DPoP proofs.
 *
 * @see [RFC 9449 §4.3](https://www.rfc-editor.org/rfc/rfc9449#section-4.3)
 */
export function createProofVerifier(
  rules: ProofRules,
): (proof: string, request: ProvedRequest) => Promise<VerifiedProof | ProofRefusal> {
  const known = new LRUCache<string, ProofKey>({ max: MAX_KEYS })

  async function keyOf(proof: string, jwk: unknown): Promise<ProofKey | undefined> {
    const [header = ''] = proof.split('.', 1)
    let key = known.get(header)
    if (!key && isPublicKey(jwk)) {
      key = { jkt: await calculateJwkThumbprint(jwk).catch(() => ''), keys: new KeySet([jwk]) }
      known.set(header, key)
    }
    return key
  }

  return async (proof, request) => {
    const decoded = proof.length > MAX_PROOF ? undefined : decodeJwt(proof)
    if (!decoded) return { message: 'it is not a JWT', hint: 'or it is longer than 4,096 characters', claim: 'header' }
    const { typ, alg, jwk } = decoded.header
    if (typ !== 'dpop+jwt') {
      return {
        message: 'it is not a DPoP proof',
        hint: `typ is ${quote(typ)}, expected is dpop+jwt`,
        claim: 'typ',
        actual: typ,
      }
    }
    if (typeof alg !== 'string' || !rules.algorithms.includes(alg)) {
      return {
        message: 'it is signed with an algorithm that is not accepted',
        hint: algorithmHint(alg, rules.algorithms, 'resourceServer.dpop.algorithms'),
        claim: 'alg',
        expected: rules.algorithms,
        actual: alg,
      }
    }
    const problem = checkHeader(decoded.header)
    if (problem) return problem
    const refusal = checkClaims(decoded.payload, request, rules)
    if (refusal) return refusal
    const key = await keyOf(proof, jwk)
    if (!key) return { message: 'it has no acceptable public key', hint: 'see jwk in its header', claim: 'jwk' }
    if (key.jkt !== request.jkt) return { message: 'its key is not the one that the token is bound to', claim: 'jkt' }
    if (!(await isSignedBy(proof, decoded, alg, key.keys))) {
      return { message: 'the signature does not verify', claim: 'signature' }
    }
    const { jti, iat, nonce } = decoded.payload as { jti: string; iat: number; nonce?: string }
    return {
      id: digest(`${key.jkt}\0${jti}`),
      expiresAt: iat + rules.maxAge + rules.clockTolerance,
      nonce,
    }
  }
}

/** Checks whether a proof was refused. */
export function isProofRefusal(verdict: VerifiedProof | ProofRefusal): verdict is ProofRefusal {
  return 'claim' in verdict
}

function checkClaims(
  { htm, htu, iat, jti, ath, nonce }: Readonly<Record<string, unknown>>,
  { method, uri, accessToken }: ProvedRequest,
  { maxAge, clockTolerance, isNonce }: ProofRules,
): ProofRefusal | undefined {
  const now = Date.now() / 1000
  if (htm !== method) {
    const hint = `htm is ${quote(htm)}, the method of the request is ${method}`
    return { message: 'it is for another method', hint, claim: 'htm', expected: method, actual: htm }
  }
  const expected = normalize(uri)
  if (typeof htu !== 'string' || expected === undefined || normalize(htu) !== expected) {
    const hint =
      `htu is ${quote(htu)}, expected is ${quote(uri)}, which starts with the origin of resourceServer.resource: set that ` +
      'to the URL where clients reach this API'
    return { message: 'it is for another URL', hint, claim: 'htu', expected: uri, actual: htu }
  }
  if (typeof jti !== 'string' || jti === '' || jti.length > MAX_JTI) {
    return {
      message: 'its identifier is missing or malformed',
      hint: 'jti is not a string of 1 to 256 characters',
      claim: 'jti',
    }
  }
  const problem = checkJwtTimes({ iat }, { clockTolerance, required: ['iat'] })
  if (problem) return { ...problem, message: 'its time is missing, malformed or in the future' }
  if (isOlderThan(iat as number, maxAge, clockTolerance)) {
    const hint = `iat is ${now - (iat as number)} seconds ago by the clock of this server; dpop.maxAge is ${maxAge}`
    return { message: 'it is too old', hint, claim: 'iat', expected: now, actual: iat }
  }
  if (ath !== digest(accessToken)) {
    return { message: 'it is for another access token', hint: 'ath is not the hash of the access token', claim: 'ath' }
  }
  if (!isNonce || (typeof nonce === 'string' && isNonce(nonce))) return undefined
  return { message: 'it lacks a current nonce of this server', claim: 'nonce', nonceRequired: true }
}

async function isSignedBy(proof: string, decoded: DecodedJwt, alg: string, keys: KeySet): Promise<boolean> {
  const [key] = await keys.find({ alg })
  if (!key) return false
  try {
    return await verifyWithKey(proof, decoded, key.key)
  } catch (error) {
    if (error instanceof JwtError) return false
    throw error
  }
}

/** The members of private and symmetric keys. A proof that contains one has disclosed its key. */
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

/** The client chooses this key, so its exponent must not be one that makes verification slow. */
function isPublicKey(jwk: unknown): jwk is JWK {
  if (checkKey(jwk)) return false
  const { kty, e } = jwk as JWK
  return !PRIVATE_MEMBERS.some((member) => Object.hasOwn(jwk as JWK, member)) && (kty !== 'RSA' || e === 'AQAB')
}

/**
 * Normalizes a URL for comparison, without query and fragment.
 *
 * @see [RFC 3986 §6.2.2](https://www.rfc-editor.org/rfc/rfc3986#section-6.2.2)
 */
function normalize(uri: string): string | undefined {
  const url = URL.canParse(uri) ? new URL(uri) : undefined
  if (!url || url.username || url.password) return undefined
  const path = url.pathname.replace(/%[0-9a-f]{2}/gi, (escaped) => {
    const character = String.fromCharCode(Number.parseInt(escaped.slice(1), 16))
    return /[\w.~-]/.test(character) ? character : escaped.toUpperCase()
  })
  return url.origin + path
}

function digest(value: string): string {
  return createHash('sha256').update(value).digest('base64url')
}
