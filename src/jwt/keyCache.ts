import type { CryptoKey, JWK } from 'jose'
import type { CustomFetch } from 'openid-client'
import { RelyingPartyError } from '../errors.js'
import type { VerifyingKey } from './jws.js'
import { type KeyHeader, KeySet, type PublicKey } from './keySet.js'
import { type Freshness, RemoteCache } from './remoteCache.js'

/**
 * Caches the public keys of providers by their `jwks_uri`. One cache serves every kind of token.
 *
 * Keys are fresh for 10 minutes. They are fetched again at once for a `kid` that is not among them, or when those that fit
 * do not verify a token (a new key under an old `kid`); then not again for 30 seconds. While the endpoint fails, keys in
 * hand serve for 24 hours. Keys that cannot be used are skipped.
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
      onEvicted: (set) => set.retire(),
      ...(options.freshness ? { freshness: options.freshness } : {}),
    })
  }

  /**
   * Finds the keys that fit a token's header; empty if there is none.
   *
   * @param tried - keys found before that did not verify the token: only others are returned, fetched again if need be
   * @throws `ERR_PROVIDER_UNAVAILABLE` when none in hand fits and none can be fetched.
   */
  async find(jwksUri: string, header: KeyHeader, tried?: readonly VerifyingKey[]): Promise<CryptoKey[]> {
    return (await this.lookUp(jwksUri, header, tried)).map(({ key }) => key)
  }

  /** Finds keys as {@link KeyCache.find} does, at once if they are in hand. */
  lookUp(
    jwksUri: string,
    header: KeyHeader,
    tried?: readonly VerifyingKey[],
  ): readonly PublicKey[] | Promise<readonly PublicKey[]> {
    if (tried) return this.#findOthers(jwksUri, header, tried)
    const set = this.#current(jwksUri)
    if (set instanceof Promise) return set.then((loaded) => this.#search(loaded, jwksUri, header))
    return this.#search(set, jwksUri, header)
  }

  #current(jwksUri: string): KeySet | Promise<KeySet> {
    return this.#sets.get(jwksUri, (previous) => this.#load(jwksUri, previous))
  }

  #search(set: KeySet, jwksUri: string, header: KeyHeader): readonly PublicKey[] | Promise<readonly PublicKey[]> {
    const found = set.find(header)
    if (!(found instanceof Promise)) return found.length > 0 ? found : this.#searchAgain(jwksUri, header)
    return found.then((keys) => (keys.length > 0 ? keys : this.#searchAgain(jwksUri, header)))
  }

  #searchAgain(jwksUri: string, header: KeyHeader): readonly PublicKey[] | Promise<readonly PublicKey[]> {
    const loading = this.#refetch(jwksUri)
    return loading ? loading.then((reloaded) => reloaded.find(header)) : []
  }

  /** Keys in hand have judged the token already: if they cannot be fetched again, that stands. */
  async #findOthers(jwksUri: string, header: KeyHeader, tried: readonly VerifyingKey[]): Promise<readonly PublicKey[]> {
    try {
      // Without a request the set may have changed too, by one that another token caused in the meantime.
      const set = await (this.#refetch(jwksUri) ?? this.#current(jwksUri))
      return (await set.find(header)).filter(({ key }) => !tried.includes(key))
    } catch (error) {
      if (error instanceof RelyingPartyError) return []
      throw error
    }
  }

  #refetch(jwksUri: string): Promise<KeySet> | undefined {
    return this.#sets.refetch(jwksUri, (previous) => this.#load(jwksUri, previous))
  }

  async #load(jwksUri: string, previous: KeySet | undefined): Promise<KeySet> {
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
    return new KeySet(keys, previous)
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
