import { RelyingPartyError } from '../errors.js'
import { type BearerFetchOptions, type BearerTokens, bearerFetch } from '../protocol/bearerFetch.js'
import { UNTOLD_LIFETIME } from '../protocol/tokens.js'

/** An access token of a client without a browser, kept until shortly before it expires. */
export interface AccessTokenSource {
  /**
   * Gives an access token that is valid for a while, asking for a new one if need be. Any number of calls at once make
   * one token request; a failure is not kept.
   *
   * @throws `ERR_TOKEN_REQUEST_REFUSED`, `ERR_CLIENT_REFUSED`, `ERR_TOKEN_RESPONSE_INVALID`, `ERR_PROVIDER_UNAVAILABLE`
   */
  getAccessToken(): Promise<string>
  /**
   * Calls an API with the access token in the `Authorization` header, over https or to a loopback host only. Where the API
   * answers 401, the call is repeated once with a new token, unless its body is a stream, which is read once.
   *
   * @throws as {@link AccessTokenSource.getAccessToken}, and what `fetch` throws
   */
  fetch(url: string | URL, init?: RequestInit): Promise<Response>
}

/** A token, and until when it is used. All times in seconds since the epoch. */
export interface HeldToken {
  readonly accessToken: string
  readonly expiresAt: number
  /** From then on a new one is asked for, though this one is still valid. */
  readonly renewAt: number
}

/** Where a token is kept beside this process. */
export interface TokenShelf {
  read(): Promise<HeldToken | undefined>
  write(token: HeldToken): Promise<void>
}

/** Says how long a token is used: until `before` seconds before its end, or for half its life if that is short. */
export function hold(token: { accessToken: string; expiresIn?: number }, before: number): HeldToken {
  const now = Date.now() / 1000
  const lifetime = token.expiresIn ?? UNTOLD_LIFETIME
  const margin = Math.min(before, lifetime / 2)
  return { accessToken: token.accessToken, expiresAt: now + lifetime, renewAt: now + lifetime - margin }
}

/** Creates an {@link AccessTokenSource} over a token request. */
export class TokenSource implements AccessTokenSource, BearerTokens {
  readonly #request: () => Promise<HeldToken>
  readonly #shelf: TokenShelf | undefined
  readonly #options: BearerFetchOptions
  #held: HeldToken | undefined
  /** A token that an API refused: not taken from the shelf again. */
  #refused: string | undefined
  #flight: Promise<HeldToken> | undefined

  constructor(
    request: () => Promise<HeldToken>,
    options: BearerFetchOptions & { held?: HeldToken; shelf?: TokenShelf },
  ) {
    this.#request = request
    this.#shelf = options.shelf
    this.#held = options.held
    this.#options = options
  }

  async getAccessToken(): Promise<string> {
    const held = this.#held
    if (held && Date.now() / 1000 < held.renewAt) return held.accessToken
    this.#flight ??= this.#renew().finally(() => {
      this.#flight = undefined
    })
    return (await this.#flight).accessToken
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

  async #renew(): Promise<HeldToken> {
    const shelved = await this.#shelf?.read()
    if (shelved && Date.now() / 1000 < shelved.renewAt && shelved.accessToken !== this.#refused) {
      this.#held = shelved
      return shelved
    }
    try {
      this.#held = await this.#request()
    } catch (error) {
      return this.#whileValid(error)
    }
    await this.#shelf?.write(this.#held)
    return this.#held
  }

  /** While the provider is down, a token serves to its end. */
  #whileValid(error: unknown): HeldToken {
    const isOutage = error instanceof RelyingPartyError && error.code === 'ERR_PROVIDER_UNAVAILABLE'
    if (isOutage && this.#held && Date.now() / 1000 < this.#held.expiresAt) return this.#held
    throw error
  }
}
