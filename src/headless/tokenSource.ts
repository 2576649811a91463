import { RelyingPartyError } from '../errors.js'
import { type BearerFetchOptions, type BearerTokens, bearerFetch } from '../protocol/bearerFetch.js'
import { DEFAULT_LIFETIME } from '../protocol/tokens.js'

/** A source of access tokens for a client without a browser. */
export interface AccessTokenSource {
  /**
   * Returns an access token that does not expire soon. Requests a new one if necessary: concurrent calls share one token
   * request, and a failure is not cached.
   *
   * @throws `ERR_TOKEN_REQUEST_REFUSED`, `ERR_CLIENT_REFUSED`, `ERR_TOKEN_RESPONSE_INVALID`, `ERR_PROVIDER_UNAVAILABLE`
   */
  getAccessToken(): Promise<string>
  /**
   * Calls an API with the access token in the `Authorization` header, over https or to a loopback host only. After a 401
   * the call is repeated once with a new token, unless its body is a stream, which can only be read once.
   *
   * @throws as {@link AccessTokenSource.getAccessToken}, and what `fetch` throws
   */
  fetch(url: string | URL, init?: RequestInit): Promise<Response>
}

/** A token, and how long it is used. All times in seconds since the epoch. */
export interface HeldToken {
  readonly accessToken: string
  readonly expiresAt: number
  /** When a new token is requested, although this one is still valid. */
  readonly refreshAt: number
}

/** Where a token is stored outside this process. */
export interface TokenStorage {
  read(): Promise<HeldToken | undefined>
  write(token: HeldToken): Promise<void>
}

/** Sets when a token is refreshed: `before` seconds before it expires, or after half its lifetime if that is short. */
export function hold(token: { accessToken: string; expiresIn?: number }, before: number): HeldToken {
  const now = Date.now() / 1000
  const lifetime = token.expiresIn ?? DEFAULT_LIFETIME
  const margin = Math.min(before, lifetime / 2)
  return { accessToken: token.accessToken, expiresAt: now + lifetime, refreshAt: now + lifetime - margin }
}

/** Creates an {@link AccessTokenSource} over a token request. */
export class TokenSource implements AccessTokenSource, BearerTokens {
  readonly #request: () => Promise<HeldToken>
  readonly #storage: TokenStorage | undefined
  readonly #options: BearerFetchOptions
  #held: HeldToken | undefined
  /** A token that an API refused. It is not read from storage again. */
  #refused: string | undefined
  #refreshing: Promise<HeldToken> | undefined

  constructor(
    request: () => Promise<HeldToken>,
    options: BearerFetchOptions & { held?: HeldToken; storage?: TokenStorage },
  ) {
    this.#request = request
    this.#storage = options.storage
    this.#held = options.held
    this.#options = options
  }

  async getAccessToken(): Promise<string> {
    const held = this.#held
    if (held && Date.now() / 1000 < held.refreshAt) return held.accessToken
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined
    })
    return (await this.#refreshing).accessToken
  }

  async fetch(url: string | URL, init: RequestInit = {}): Promise<Response> {
    return bearerFetch(url, init, this, this.#options)
  }

  async replaceAccessToken(refused: string): Promise<string> {
    if (this.#held?.accessToken === refused) {
      this.#held = undefined
      this.#refused = refused
    }
    return this.getAccessToken()
  }

  async #refresh(): Promise<HeldToken> {
    const stored = await this.#storage?.read()
    if (stored && Date.now() / 1000 < stored.refreshAt && stored.accessToken !== this.#refused) {
      this.#held = stored
      return stored
    }
    try {
      this.#held = await this.#request()
    } catch (error) {
      return this.#whileValid(error)
    }
    await this.#storage?.write(this.#held)
    return this.#held
  }

  /** During a provider outage a token is used until it expires. */
  #whileValid(error: unknown): HeldToken {
    const isOutage = error instanceof RelyingPartyError && error.code === 'ERR_PROVIDER_UNAVAILABLE'
    if (isOutage && this.#held && Date.now() / 1000 < this.#held.expiresAt) return this.#held
    throw error
  }
}
