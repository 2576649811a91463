import type { AccessTokenRequest, Auth, Claims } from '../auth.js'
import { RelyingPartyError } from '../errors.js'
import { bearerFetch } from '../protocol/bearerFetch.js'
import type { TokenScope } from '../protocol/tokens.js'
import { fetchUserInfo } from '../protocol/userInfo.js'
import type { Provider } from '../provider/provider.js'
import type { TokenRecord, Tokens } from '../records/records.js'
import type { Config } from '../setup/config.js'
import { readResourceToken, requireRefreshable, resourceGoal, resourceRenewal, toTokenScope } from './apiTokens.js'
import type { SessionLifetime } from './lifetime.js'
import type { SessionServices } from './stores.js'
import { renewal } from './tokenRefresh.js'

type AccessTokens = Tokens & { readonly accessToken: string }

const NO_CLAIMS: Claims = Object.freeze({})
const NO_SCOPES: readonly string[] = Object.freeze([])

/** How long a record counts as just read, and tokens as just refreshed. In milliseconds. */
const JUST_NOW = 1000

/** The session that a request was recognized by. */
export interface SignedIn {
  readonly record: TokenRecord
  readonly provider: Provider
  readonly lifetime: SessionLifetime
}

/** `req.auth` of a request recognized by its session, or of an anonymous one. */
export class SessionAuth implements Auth {
  readonly #config: Config
  readonly #services: SessionServices
  #signedIn: SignedIn | undefined
  /** In milliseconds since the epoch. */
  #readAt = Date.now()
  /** When this request last got new tokens. In milliseconds since the epoch. */
  #refreshedAt = -Infinity

  constructor(config: Config, services: SessionServices, signedIn: SignedIn | undefined) {
    this.#config = config
    this.#services = services
    this.#signedIn = signedIn
  }

  get isAuthenticated(): boolean {
    return this.#signedIn !== undefined
  }

  get kind(): 'session' | 'anonymous' {
    return this.#signedIn ? 'session' : 'anonymous'
  }

  get subject(): string | undefined {
    return this.#signedIn?.record.subject
  }

  get claims(): Claims {
    return this.#signedIn?.record.claims ?? NO_CLAIMS
  }

  get scopes(): readonly string[] {
    return this.#signedIn?.record.scopes ?? NO_SCOPES
  }

  get provider(): string | undefined {
    return this.#signedIn?.record.provider
  }

  /** The record, for logout. */
  get record(): TokenRecord | undefined {
    return this.#signedIn?.record
  }

  /** The provider the session is of. */
  get sessionProvider(): Provider | undefined {
    return this.#signedIn?.provider
  }

  /**
   * Refreshes a session whose access token is about to expire. Returns nothing when there is nothing to do. When the
   * provider ended the grant, the request becomes anonymous.
   */
  renew(): Promise<void> | undefined {
    const signedIn = this.#signedIn
    if (!signedIn?.record.refreshable || this.#isFresh() || !this.#services.refresher.isDue(signedIn.record)) {
      return undefined
    }
    return this.#refresh(signedIn)
  }

  /** A token that this request has just got is used, however short it lives: once per request is enough. */
  #isFresh(): boolean {
    return Date.now() - this.#refreshedAt < JUST_NOW
  }

  async getAccessToken(request: AccessTokenRequest = {}): Promise<string> {
    const asked = toTokenScope(request)
    return asked ? this.#resourceToken(asked) : (await this.#freshTokens()).accessToken
  }

  async fetch(url: string | URL, init: RequestInit = {}): Promise<Response> {
    const { allowInsecureHttp, http } = this.#config
    return bearerFetch(url, init, () => this.getAccessToken(), { allowInsecureHttp, fetch: http.fetch })
  }

  async fetchUserInfo(): Promise<Claims> {
    const { accessToken } = await this.#freshTokens()
    const { record, provider } = this.#required()
    return fetchUserInfo(provider, accessToken, record.subject)
  }

  async #refresh(signedIn: SignedIn): Promise<void> {
    const { record, provider, lifetime } = signedIn
    const refreshed = await this.#services.refresher.fresh(record, renewal(provider, lifetime.idle))
    if (refreshed && refreshed.stored !== record.stored) this.#refreshedAt = Date.now()
    this.#keep(refreshed, signedIn)
  }

  #keep(record: TokenRecord | undefined, signedIn: SignedIn): void {
    this.#signedIn = record && { ...signedIn, record }
    this.#readAt = Date.now()
  }

  /**
   * Gives the session that a token is wanted of. A response that goes on for long finds out here whether its session has
   * ended meanwhile, and keeps it alive.
   */
  async #inUse(): Promise<SignedIn> {
    const signedIn = this.#required()
    if (Date.now() - this.#readAt < JUST_NOW) return signedIn
    this.#keep(await this.#services.records.read(signedIn.record.id), signedIn)
    const current = this.#signedIn
    if (!current) throw sessionEnded()
    await current.lifetime.prolong(current.record)
    return current
  }

  async #resourceToken(asked: TokenScope): Promise<string> {
    const { records, refresher } = this.#services
    const goal = resourceGoal(records, asked, this.#config.session.refreshBefore)
    // An exchange starts from the session's own access token, which has to be valid.
    if ((await this.#inUse()).provider.options.tokenExchange) await this.#freshTokens()
    const signedIn = this.#required()
    const { record, provider } = signedIn
    if (!provider.options.tokenExchange) requireRefreshable(record, provider, asked)
    const reached = await refresher.reach(record, resourceRenewal(provider, asked), goal)
    this.#keep(reached, signedIn)
    if (!reached) throw sessionEnded()
    return readResourceToken(records, reached, asked)
  }

  async #freshTokens(): Promise<AccessTokens> {
    await this.#inUse()
    await this.renew()
    if (!this.#signedIn) {
      throw sessionEnded()
    }
    const { record } = this.#signedIn
    const { accessTokenExpiresAt: expiresAt = Infinity } = record
    if (expiresAt <= Date.now() / 1000 && !this.#isFresh()) throw cannotRefresh()
    const tokens = await this.#services.refresher.tokens(record)
    if (!tokens) {
      this.#signedIn = undefined
      throw sessionEnded('the tokens were encrypted with a secret that is no longer among relyingParty.secret')
    }
    if (hasAccessToken(tokens)) return tokens
    throw new RelyingPartyError(
      'ERR_NO_ACCESS_TOKEN',
      "the session has no access token, because its login asked for none: write responseType: 'code'",
    )
  }

  #required(): SignedIn {
    if (this.#signedIn) return this.#signedIn
    throw new RelyingPartyError('ERR_AUTHENTICATION_REQUIRED', 'no one is signed in', {
      hint: 'put requireAuth() before the route',
    })
  }
}

function sessionEnded(hint = 'it ended at the provider, or by a logout elsewhere'): RelyingPartyError {
  return new RelyingPartyError('ERR_SESSION_ENDED', 'the session has ended: sign in again', { hint })
}

function cannotRefresh(): RelyingPartyError {
  return new RelyingPartyError('ERR_AUTHENTICATION_REQUIRED', 'the access token is no longer valid: sign in again', {
    hint: 'the provider gave no refresh token to get another one: ask for one, often by the scope offline_access',
  })
}

function hasAccessToken(tokens: Tokens): tokens is AccessTokens {
  return tokens.accessToken !== undefined
}
