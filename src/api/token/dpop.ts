import { createHash } from 'node:crypto'
import type { JWK } from 'jose'
import { calculateJwkThumbprint } from 'jose/jwk/thumbprint'
import { LRUCache } from 'lru-cache'
import { algorithmHint, type DecodedJwt, decodeJwt, headerProblem, JwtError, verifyWithKey } from '../../jwt/jws.js'
import { KeySet, unusableKey } from '../../jwt/keySet.js'
import { checkJwtTimes, isOlderThan } from '../../jwt/times.js'
import { quote } from '../../lib/quote.js'
import type { Refusal } from './claims.js'

/** How DPoP proofs are judged at one resource server. All times in seconds. */
export interface ProofRules {
  readonly algorithms: readonly string[]
  /** The greatest age of a proof, by `iat`. */
  readonly maxAge: number
  readonly clockTolerance: number
  /** Checks whether a nonce is one of this server; `undefined` if none is required. */
  readonly isNonce: ((nonce: string) => boolean) | undefined
}

/** The request that a proof has to fit. */
export interface ProvedRequest {
  readonly method: string
  /** The URL by configuration, without query: nothing of it comes from the `Host` header. */
  readonly uri: string
  readonly accessToken: string
  /** The thumbprint that the access token is bound to: `cnf.jkt`. */
  readonly jkt: string
}

/** A proof that has passed every check but one: that it was not used before. */
export interface JudgedProof {
  /** Identifies the proof among all proofs of all clients. */
  readonly id: string
  /** When it stops being accepted. In seconds since the epoch. */
  readonly expiresAt: number
  readonly nonce: string | undefined
}

/** Why a proof is refused. */
export interface ProofRefusal extends Refusal {
  /** Whether all that is missing is a nonce of this server. */
  readonly nonceRequired?: boolean
}

interface ProofKey {
  readonly jkt: string
  readonly keys: KeySet
}

/** In characters. A proof holds a public key; the largest accepted, of 4,096 bits, leaves room enough. */
const MAX_PROOF = 4096
const MAX_JTI = 256

/** How many clients' keys are held, so that they are not imported for each proof. */
const MAX_KEYS = 1000

/**
 * Creates the function that judges DPoP proofs.
 *
 * @see [RFC 9449 §4.3](https://www.rfc-editor.org/rfc/rfc9449#section-4.3)
 */
export function createProofJudge(
  rules: ProofRules,
): (proof: string, request: ProvedRequest) => Promise<JudgedProof | ProofRefusal> {
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
    if (!decoded) return { message: 'it is no JWT', hint: 'or longer than 4,096 characters', claim: 'header' }
    const { typ, alg, jwk } = decoded.header
    if (typ !== 'dpop+jwt') {
      return {
        message: 'it is no DPoP proof',
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
    const problem = headerProblem(decoded.header)
    if (problem) return problem
    const refusal = judgeClaims(decoded.payload, request, rules)
    if (refusal) return refusal
    const key = await keyOf(proof, jwk)
    if (!key) return { message: 'it has no public key that is accepted', hint: 'see jwk in its header', claim: 'jwk' }
    if (key.jkt !== request.jkt) return { message: 'its key is not the one the token is bound to', claim: 'jkt' }
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
export function isProofRefusal(verdict: JudgedProof | ProofRefusal): verdict is ProofRefusal {
  return 'claim' in verdict
}

function judgeClaims(
  { htm, htu, iat, jti, ath, nonce }: Readonly<Record<string, unknown>>,
  { method, uri, accessToken }: ProvedRequest,
  { maxAge, clockTolerance, isNonce }: ProofRules,
): ProofRefusal | undefined {
  const now = Date.now() / 1000
  if (htm !== method) {
    const hint = `htm is ${quote(htm)}, the request is a ${method}`
    return { message: 'it is for another method', hint, claim: 'htm', expected: method, actual: htm }
  }
  const expected = normalize(uri)
  if (typeof htu !== 'string' || expected === undefined || normalize(htu) !== expected) {
    const hint =
      `htu is ${quote(htu)}, expected is ${quote(uri)}, which begins with the origin of resourceServer.resource: it must ` +
      'be the URL where clients reach this API'
    return { message: 'it is for another URL', hint, claim: 'htu', expected: uri, actual: htu }
  }
  if (typeof jti !== 'string' || jti === '' || jti.length > MAX_JTI) {
    return {
      message: 'its identifier is missing or malformed',
      hint: 'jti is no string of 1 to 256 characters',
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

/** The members of private and symmetric keys. A proof that shows one has given its key away. */
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

/** A client chooses this key itself, so that its exponent must not be one that makes verifying slow. */
function isPublicKey(jwk: unknown): jwk is JWK {
  if (unusableKey(jwk)) return false
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
