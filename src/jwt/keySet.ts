import type { CryptoKey, JWK } from 'jose'
import { importJWK } from 'jose/key/import'
import { defined } from '../lib/defined.js'
import { isObject } from '../lib/json.js'
import { KEY_TYPES } from './algorithms.js'

/** The part of a JWS header that selects a key. `jku`, `jwk`, `x5u` and `x5c` are ignored. */
export interface KeyHeader {
  readonly alg: string
  readonly kid?: string | undefined
}

/** A public key, imported for one algorithm. */
export interface PublicKey {
  readonly key: CryptoKey
  /** Whether its owner still publishes it: `false` once a fetched key set lacks or changes it. */
  readonly current: boolean
}

/** The smallest accepted RSA modulus. In bits (RFC 7518 §3.3). */
const MIN_RSA_BITS = 2048

/** The largest accepted RSA modulus, 4,096 bits. In base64url characters. A larger one only slows verification. */
const MAX_RSA_MODULUS = Math.ceil((4096 / 8) * (4 / 3))

/** How many keys are tried for a token without `kid`. */
const MAX_CANDIDATES = 8

interface Imported {
  readonly alg: string
  key: PublicKey | undefined | Promise<PublicKey | undefined>
}

/** One key of a key set, imported once for each requested algorithm. */
class SetKey {
  readonly jwk: JWK
  current = true
  readonly #imported: Imported[] = []

  /** Keeps only the selecting and public members, so that a key with a private part or a certificate stays small. */
  constructor({ kty, crv, x, y, n, e, alg, use, kid, key_ops }: JWK) {
    this.jwk = defined({ kty, crv, x, y, n, e, alg, use, kid, key_ops })
  }

  /** Returns the key for an algorithm, or `undefined` if it cannot be used. */
  for(alg: string): PublicKey | undefined | Promise<PublicKey | undefined> {
    const known = this.#imported.find((imported) => imported.alg === alg)
    if (known) return known.key
    const entry: Imported = { alg, key: undefined }
    entry.key = importPublic(this.jwk, alg).then((key) => {
      entry.key = key && new ImportedKey(this, key)
      return entry.key
    })
    this.#imported.push(entry)
    return entry.key
  }
}

class ImportedKey implements PublicKey {
  readonly key: CryptoKey
  readonly #owner: SetKey

  constructor(owner: SetKey, key: CryptoKey) {
    this.#owner = owner
    this.key = key
  }

  get current(): boolean {
    return this.#owner.current
  }
}

/** The public keys of one owner: a JSON Web Key Set. Unusable keys are skipped. */
export class KeySet {
  readonly #keys: readonly SetKey[]

  /** @param previous - the set that this one replaces: keys in both stay the same, the others are retired */
  constructor(keys: readonly JWK[], previous?: KeySet) {
    const replaced = previous ? previous.#keys : []
    const known = new Map(replaced.map((key) => [identity(key.jwk), key]))
    this.#keys = keys.filter(isWellFormed).map((jwk) => {
      const same = known.get(identity(jwk))
      return same?.current ? same : new SetKey(jwk)
    })
    const kept = new Set(this.#keys)
    for (const key of replaced) key.current = kept.has(key)
  }

  /** Marks every key as no longer current. */
  retire(): void {
    for (const key of this.#keys) key.current = false
  }

  /** Finds the keys that fit a token's header, synchronously if they are already imported. */
  find(header: KeyHeader): readonly PublicKey[] | Promise<readonly PublicKey[]> {
    const candidates: (PublicKey | undefined | Promise<PublicKey | undefined>)[] = []
    for (const key of this.#keys) {
      if (candidates.length < MAX_CANDIDATES && fits(key.jwk, header)) candidates.push(key.for(header.alg))
    }
    return candidates.some((candidate) => candidate instanceof Promise)
      ? Promise.all(candidates.map(async (candidate) => candidate)).then(usable)
      : usable(candidates as (PublicKey | undefined)[])
  }
}

function usable(keys: readonly (PublicKey | undefined)[]): readonly PublicKey[] {
  return keys.filter((key) => key !== undefined)
}

const STRINGS = ['kty', 'crv', 'x', 'y', 'n', 'e', 'alg', 'use', 'kid'] as const

/** Checks the types of the members that are used (RFC 7517 §4, RFC 7518 §6). */
function isWellFormed(jwk: JWK): boolean {
  const { key_ops: operations = [] } = jwk as { key_ops?: unknown }
  return (
    STRINGS.every((name) => jwk[name] === undefined || typeof jwk[name] === 'string') &&
    Array.isArray(operations) &&
    operations.every((operation) => typeof operation === 'string')
  )
}

/** Identifies a key by everything that selects it or verifies with it. */
function identity({ kty, crv, x, y, n, e, alg, use, kid, key_ops }: JWK): string {
  return JSON.stringify([kty, crv, x, y, n, e, alg, use, kid, key_ops])
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
    (jwk.key_ops === undefined || jwk.key_ops.includes('verify'))
  )
}

/** Checks a JWK for reasons that make it unusable, before importing it. */
export function checkKey(jwk: unknown): string | undefined {
  if (!isObject(jwk)) return 'is not a JWK'
  const { kty, n } = jwk
  if (![...KEY_TYPES.values()].some(([type]) => type === kty)) return 'is not an RSA, EC or OKP key'
  if (kty !== 'RSA') return undefined
  return typeof n === 'string' && n.length <= MAX_RSA_MODULUS ? undefined : 'has more than 4096 bits'
}

async function importPublic(jwk: JWK, alg: string): Promise<CryptoKey | undefined> {
  if (checkKey(jwk)) return undefined
  try {
    const { kty, crv, x, y, n, e } = jwk
    const key = (await importJWK(defined({ kty, crv, x, y, n, e }), alg)) as CryptoKey
    const { modulusLength = MIN_RSA_BITS } = key.algorithm as { modulusLength?: number }
    return modulusLength < MIN_RSA_BITS ? undefined : key
  } catch {
    return undefined
  }
}
