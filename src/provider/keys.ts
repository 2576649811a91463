import { type CryptoKey, importJWK, type JWK } from 'jose'
import type { CustomFetch } from 'openid-client'
import { RelyingPartyError } from '../errors.js'
import { type Freshness, RemoteCache } from './remoteCache.js'

/** The part of a JWS header that selects a key. `jku`, `jwk`, `x5u` and `x5c` are never looked at. */
export interface KeyHeader {
  readonly alg: string
  readonly kid?: string | undefined
}

interface KeySet {
  readonly keys: readonly JWK[]
  /** Imported keys by algorithm; `undefined` for a key that cannot be used. */
  readonly imported: Map<JWK, Map<string, Promise<CryptoKey | undefined>>>
}

const KEY_TYPES: ReadonlyMap<string, readonly [kty: string, crv?: string]> = new Map([
  ['RS256', ['RSA']],
  ['RS384', ['RSA']],
  ['RS512', ['RSA']],
  ['PS256', ['RSA']],
  ['PS384', ['RSA']],
  ['PS512', ['RSA']],
  ['ES256', ['EC', 'P-256']],
  ['ES384', ['EC', 'P-384']],
  ['ES512', ['EC', 'P-521']],
  ['EdDSA', ['OKP', 'Ed25519']],
  ['Ed25519', ['OKP', 'Ed25519']],
])

/** The signature algorithms with a public key that can be verified. */
export const PUBLIC_KEY_ALGORITHMS: readonly string[] = [...KEY_TYPES.keys()]

/** The smallest RSA modulus accepted, in bits (RFC 7518 §3.3). */
const MIN_RSA_BITS = 2048

/** The largest RSA modulus accepted, in base64url characters: 4,096 bits. A larger one only makes verifying slow. */
const MAX_RSA_MODULUS = Math.ceil((4096 / 8) * (4 / 3))

/** How many keys are tried for a token without `kid`. */
const MAX_CANDIDATES = 8

/**
 * Caches the public keys of providers by their `jwks_uri`. One cache serves every kind of token.
 *
 * Keys are fresh for 10 minutes. A `kid` that is not among them has them fetched again at once, then not again for 30
 * seconds. While the endpoint fails, keys in hand serve for 24 hours. Keys that cannot be used are skipped.
 */
export class KeyCache {
  readonly #sets: RemoteCache<KeySet>
  readonly #fetch: CustomFetch
  readonly #onFetched: ((jwksUri: string, count: number) => void) | undefined

  constructor(options: {
    fetch: CustomFetch
    max?: number
    freshness?: Freshness
    onFetched?: (jwksUri: string, count: number) => void
  }) {
    this.#fetch = options.fetch
    this.#onFetched = options.onFetched
    this.#sets = new RemoteCache({
      max: options.max ?? 1000,
      ...(options.freshness ? { freshness: options.freshness } : {}),
    })
  }

  /**
   * Finds the keys that fit a token's header; empty if there is none.
   *
   * @throws `ERR_PROVIDER_UNAVAILABLE` when there are no keys in hand and none can be fetched.
   */
  async find(jwksUri: string, header: KeyHeader): Promise<CryptoKey[]> {
    const load = () => this.#load(jwksUri)
    const keys = await usableKeys(await this.#sets.get(jwksUri, load), header)
    if (keys.length > 0) return keys
    const reloaded = await this.#sets.refetch(jwksUri, load)
    return reloaded ? usableKeys(reloaded, header) : []
  }

  async #load(jwksUri: string): Promise<KeySet> {
    const response = await this.#fetch(jwksUri, {
      method: 'GET',
      headers: { accept: 'application/json, application/jwk-set+json' },
      body: undefined,
      redirect: 'manual',
    })
    const keys = response.status === 200 ? parseKeys(await response.text()) : undefined
    if (!keys) {
      throw new RelyingPartyError(
        'ERR_METADATA_INVALID',
        `${jwksUri} did not answer with a JSON Web Key Set (status ${response.status})`,
      )
    }
    this.#onFetched?.(jwksUri, keys.length)
    return { keys, imported: new Map() }
  }
}

function parseKeys(text: string): JWK[] | undefined {
  try {
    const { keys } = JSON.parse(text) as { keys?: unknown }
    if (!Array.isArray(keys)) return undefined
    return keys.filter((key): key is JWK => typeof key === 'object' && key !== null && !Array.isArray(key))
  } catch {
    return undefined
  }
}

async function usableKeys(set: KeySet, header: KeyHeader): Promise<CryptoKey[]> {
  const candidates = set.keys.filter((jwk) => fits(jwk, header)).slice(0, MAX_CANDIDATES)
  const keys = await Promise.all(candidates.map((jwk) => imported(set, jwk, header.alg)))
  return keys.filter((key) => key !== undefined)
}

function fits(jwk: JWK, { alg, kid }: KeyHeader): boolean {
  const [kty, crv] = KEY_TYPES.get(alg) ?? []
  return (
    kty !== undefined &&
    jwk.kty === kty &&
    (crv === undefined || jwk.crv === crv) &&
    (kid === undefined || jwk.kid === kid) &&
    (jwk.alg === undefined || jwk.alg === alg) &&
    (jwk.use === undefined || jwk.use === 'sig') &&
    (jwk.key_ops === undefined || (Array.isArray(jwk.key_ops) && jwk.key_ops.includes('verify')))
  )
}

function imported(set: KeySet, jwk: JWK, alg: string): Promise<CryptoKey | undefined> {
  let byAlg = set.imported.get(jwk)
  if (!byAlg) {
    byAlg = new Map()
    set.imported.set(jwk, byAlg)
  }
  let key = byAlg.get(alg)
  if (!key) {
    key = importPublic(jwk, alg)
    byAlg.set(alg, key)
  }
  return key
}

async function importPublic(jwk: JWK, alg: string): Promise<CryptoKey | undefined> {
  if (jwk.kty === 'RSA' && (typeof jwk.n !== 'string' || jwk.n.length > MAX_RSA_MODULUS)) return undefined
  try {
    // Only the public members, so that a key set that leaks a private part still gives a public key.
    const { kty, crv, x, y, n, e } = jwk
    const key = (await importJWK(defined({ kty, crv, x, y, n, e }), alg)) as CryptoKey
    const { modulusLength = MIN_RSA_BITS } = key.algorithm as { modulusLength?: number }
    return modulusLength < MIN_RSA_BITS ? undefined : key
  } catch {
    return undefined
  }
}

function defined(jwk: Record<string, string | undefined>): JWK {
  return Object.fromEntries(Object.entries(jwk).filter(([, value]) => value !== undefined)) as JWK
}
