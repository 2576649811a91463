import type { CryptoKey, JWK } from 'jose'
import type { CustomFetch } from 'openid-client'
import { RelyingPartyError } from '../errors.js'
import { isObject } from '../lib/json.js'
import type { VerifyingKey } from './jws.js'
import { type KeyHeader, KeySet, type PublicKey } from './keySet.js'
import { type Freshness, RemoteCache } from './remoteCache.js'

/**
 * Caches the public keys of providers by their `jwks_uri`, for every kind of token.
 *
 * Keys are fresh for 10 minutes. An unknown `kid`, or a signature that none of the fitting keys verifies (a new key with an
 * old `kid`), causes an immediate fetch, at most once in 30 seconds. While the endpoint fails, cached keys are used for up
 * to 24 hours. Unusable keys are skipped.
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
   * Finds the keys that fit a token's header.
   *
   * @param tried - keys that did not verify the token: only others are returned, fetched if necessary
   * @throws `ERR_PROVIDER_UNAVAILABLE` if no cached key fits and none can be fetched
   */
  async find(jwksUri: string, header: KeyHeader, tried?: readonly VerifyingKey[]): Promise<CryptoKey[]> {
    return (await this.lookUp(jwksUri, header, tried)).map(({ key }) => key)
  }

  /** Finds keys like {@link KeyCache.find}, synchronously if they are cached. */
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

  /** The cached keys have already refused the token. If the keys cannot be fetched again, that result stands. */
  async #findOthers(jwksUri: string, header: KeyHeader, tried: readonly VerifyingKey[]): Promise<readonly PublicKey[]> {
    try {
      // Even without a request, one that another token caused may have changed the set in the meantime.
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
        { hint: 'check jwks_uri in the metadata of the provider, or the option jwksUri of the issuer' },
      )
    }
    this.#onFetched?.(jwksUri, keys.length)
    return new KeySet(keys, previous)
  }
}

function parseKeys(text: string): JWK[] | undefined {
  try {
    // Not `parseObject`, which would refuse the whole set for one deeply nested key.
    const { keys } = JSON.parse(text) as { keys?: unknown }
    return Array.isArray(keys) ? keys.filter((key): key is JWK => isObject(key)) : undefined
  } catch {
    return undefined
  }
}
