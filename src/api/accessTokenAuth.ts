import type { Auth, Claims } from '../auth.js'
import { RelyingPartyError } from '../errors.js'
import type { VerifiedToken } from './token/verify.js'

const NO_CLAIMS: Claims = Object.freeze({})
const NO_SCOPES: readonly string[] = Object.freeze([])

/** `req.auth` of a request with a valid access token, or of an anonymous one. */
export class AccessTokenAuth implements Auth {
  readonly #verified: VerifiedToken | undefined
  readonly #token: string | undefined

  constructor(verified?: VerifiedToken, token?: string) {
    this.#verified = verified
    this.#token = token
  }

  get isAuthenticated(): boolean {
    return this.#verified !== undefined
  }

  get kind(): 'access_token' | 'anonymous' {
    return this.#verified ? 'access_token' : 'anonymous'
  }

  get subject(): string | undefined {
    return this.#verified?.claims.sub as string | undefined
  }

  get claims(): Claims {
    return (this.#verified?.claims as Claims | undefined) ?? NO_CLAIMS
  }

  get scopes(): readonly string[] {
    return this.#verified?.scopes ?? NO_SCOPES
  }

  get provider(): string | undefined {
    return this.#verified?.issuer
  }

  async getAccessToken(): Promise<string> {
    if (this.#token !== undefined) return this.#token
    throw new RelyingPartyError('ERR_AUTHENTICATION_REQUIRED', 'the request has no access token')
  }

  async fetch(): Promise<Response> {
    throw notPassedOn('req.auth.fetch()')
  }

  async fetchUserInfo(): Promise<Claims> {
    throw notPassedOn('req.auth.fetchUserInfo()')
  }
}

/** A token for this API is not sent to others: they could use it here. */
function notPassedOn(method: string): RelyingPartyError {
  return new RelyingPartyError('ERR_CONFIGURATION', `${method} needs a session`, {
    hint:
      'an access token that this API received is for this API alone. To call another one, get a token for it, for ' +
      'instance by clientCredentials()',
  })
}
