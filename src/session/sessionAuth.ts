import type { AccessTokenRequest, Auth, Claims } from '../auth.js'
import { RelyingPartyError } from '../errors.js'
import { bearerFetch } from '../protocol/bearerFetch.js'
import type { TokenScope } from '../protocol/tokens.js'
import { fetchProfile } from '../protocol/user/identity.js'
import { fetchUserInfo, isTokenRefused } from '../protocol/user/userInfo.js'
import type { Provider } from '../provider/provider.js'
import { hasSameTokens, type TokenRecord, type Tokens } from '../records/record.js'
import type { Config } from '../setup/config.js'
import { readResourceToken, requireRefreshable, resourceGoal, resourceTokenRequest, toTokenScope } from './apiTokens.js'
import type { SessionLifetime } from './lifetime.js'
import type { SessionServices } from './stores.js'
import { refreshRequest } from './tokenRefresh.js'

type AccessTokens = Tokens & { readonly accessToken: string }

const NO_CLAIMS: Claims = Object.freeze({})
const NO_SCOPES: readonly string[] = Object.freeze([])

/** How long a record counts as just read, and its tokens as just refreshed. In milliseconds. */
const JUST_NOW = 1000

/** The session that identifies the caller. */
export interface SignedIn {
  readonly record: TokenRecord
  readonly provider: Provider
  readonly lifetime: SessionLifetime
}

/** `req.auth` of a request with a session, or of an anonymous one. */
export class SessionAuth implements Auth {
  readonly #config: Config
  readonly #services: SessionServices
  #signedIn: SignedIn | undefined
  /** In milliseconds since the epoch. */
  #readAt = Date.now()
  /** When this request last received new tokens. In milliseconds since the epoch. */
  #refreshedAt = -Infinity
  /** Why this request could not refresh the session, though a guard let it pass. `at` in milliseconds since the epoch. */
  #outage: { readonly error: RelyingPartyError; readonly at: number } | undefined

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

  /** The provider of the session. */
  get sessionProvider(): Provider | undefined {
    return this.#signedIn?.provider
  }

  /**
   * Refreshes a session whose access token is about to expire, for a guard. Returns nothing if there is nothing to do.
   * If the provider has ended the grant, the request becomes anonymous. While the provider is down, the session passes for
   * up to `session.outageGrace`.
   */
  refreshForGuard(): Promise<void> | undefined {
    if (this.#config.session.refresh === 'on-demand') return undefined
    return this.refreshIfDue()?.catch((error: unknown) => this.#bridge(error))
  }

  /** Refreshes a session whose access token is about to expire. Returns nothing if there is nothing to do. */
  refreshIfDue(): Promise<void> | undefined {
    const signedIn = this.#signedIn
    if (!signedIn?.record.refreshable || this.#isJustRefreshed() || !this.#services.refresher.isDue(signedIn.record)) {
      return undefined
    }
    if (this.#outage && Date.now() - this.#outage.at < JUST_NOW) return Promise.reject(this.#outage.error)
    return this.#refresh(signedIn)
  }

  /** Lets the session pass without a valid access token while its provider is down, up to `session.outageGrace`. */
  #bridge(error: unknown): void {
    const expiresAt = this.#signedIn?.record.accessTokenExpiresAt ?? Infinity
    const lastsUntil = expiresAt + this.#config.session.outageGrace
    if (!isOutage(error) || lastsUntil <= Date.now() / 1000) throw error
    this.#outage = { error, at: Date.now() }
  }

  /** A token that was just received is used, however short its lifetime: one refresh per request is enough. */
  #isJustRefreshed(): boolean {
    return Date.now() - this.#refreshedAt < JUST_NOW
  }

  async getAccessToken(request: AccessTokenRequest = {}): Promise<string> {
    const asked = toTokenScope(request)
    const { forceRefresh = false } = request
    return asked ? this.#resourceToken(asked, forceRefresh) : (await this.#validTokens(forceRefresh)).accessToken
  }

  async fetch(url: string | URL, init: RequestInit = {}): Promise<Response> {
    const { allowInsecureHttp, http } = this.#config
    const tokens = {
      getAccessToken: () => this.getAccessToken(),
      replaceAccessToken: (refused: string) => this.#replaceToken(refused),
    }
    return bearerFetch(url, init, tokens, { allowInsecureHttp, fetch: http.fetch })
  }

  async fetchUserInfo(): Promise<Claims> {
    const { accessToken } = await this.#validTokens()
    const { record, provider } = this.#required()
    const ask = provider.hasIdTokens ? fetchUserInfo : fetchProfile
    try {
      return await ask(provider, accessToken, record.subject)
    } catch (error) {
      const other = isTokenRefused(error) ? await this.#replaceToken(accessToken) : undefined
      if (other === undefined) throw error
      return ask(provider, other, record.subject)
    }
  }

  async #replaceToken(refused: string): Promise<string | undefined> {
    const { accessToken } = await this.#validTokens()
    if (accessToken !== refused) return accessToken
    // An API that refuses a token this new would refuse the next one too.
    if (this.#isJustRefreshed() || !this.#signedIn?.record.refreshable) return undefined
    try {
      return (await this.#validTokens(true)).accessToken
    } catch (error) {
      if (isOutage(error)) return undefined
      throw error
    }
  }

  async #refresh(signedIn: SignedIn, force = false): Promise<void> {
    const { record, provider, lifetime } = signedIn
    const { refresher } = this.#services
    const request = refreshRequest(provider, lifetime.idle, this.#config.onRefresh)
    const refreshed = await (force ? refresher.replaceToken(record, request) : refresher.refresh(record, request))
    if (refreshed && !hasSameTokens(refreshed, record)) this.#refreshedAt = Date.now()
    this.#keep(refreshed, signedIn)
  }

  #keep(record: TokenRecord | undefined, signedIn: SignedIn): void {
    this.#signedIn = record && { ...signedIn, record }
    this.#readAt = Date.now()
  }

  /**
   * Returns the session that a token is needed for. A long response finds out here whether its session has ended, and
   * keeps it alive.
   */
  async #inUse(): Promise<SignedIn> {
    const signedIn = this.#required()
    if (Date.now() - this.#readAt < JUST_NOW) return signedIn
    this.#keep(await this.#services.records.read(signedIn.record.id), signedIn)
    const current = this.#signedIn
    if (!current) throw sessionEnded()
    const record = await current.lifetime.prolong(current.record)
    this.#keep(record, current)
    return { ...current, record }
  }

  async #resourceToken(asked: TokenScope, force: boolean): Promise<string> {
    const { records, refresher } = this.#services
    // An exchange sends the session's own access token, which must be valid.
    if ((await this.#inUse()).provider.options.tokenExchange) await this.#validTokens()
    const signedIn = this.#required()
    const { record, provider } = signedIn
    const goal = resourceGoal(records, asked, this.#config.session.refreshBefore, force ? record : undefined)
    if (!provider.options.tokenExchange) requireRefreshable(record, provider, asked)
    const refreshed = await refresher.refresh(record, resourceTokenRequest(provider, asked), goal)
    this.#keep(refreshed, signedIn)
    if (!refreshed) throw sessionEnded()
    return readResourceToken(records, refreshed, asked)
  }

  async #validTokens(force = false): Promise<AccessTokens> {
    const signedIn = await this.#inUse()
    if (force && !signedIn.record.refreshable) throw cannotRefresh()
    await (force ? this.#refresh(signedIn, true) : this.refreshIfDue())
    if (!this.#signedIn) {
      throw sessionEnded()
    }
    const { record } = this.#signedIn
    const { accessTokenExpiresAt: expiresAt = Infinity } = record
    if (expiresAt <= Date.now() / 1000 && !this.#isJustRefreshed()) throw cannotRefresh()
    const tokens = await this.#services.refresher.tokens(record)
    if (!tokens) {
      this.#signedIn = undefined
      throw sessionEnded('the tokens were encrypted with a secret that is no longer among relyingParty.secret')
    }
    if (hasAccessToken(tokens)) return tokens
    throw new RelyingPartyError(
      'ERR_NO_ACCESS_TOKEN',
      'the session has no access token, because its login requested none',
      { hint: "set responseType: 'code'" },
    )
  }

  #required(): SignedIn {
    if (this.#signedIn) return this.#signedIn
    throw new RelyingPartyError('ERR_AUTHENTICATION_REQUIRED', 'no one is signed in', {
      hint: 'put requireAuth() before the route',
    })
  }
}

/** The provider is down, or something else answers in its place, such as a maintenance page. */
const OUTAGES: ReadonlySet<string> = new Set([
  'ERR_PROVIDER_UNAVAILABLE',
  'ERR_TOKEN_RESPONSE_INVALID',
  'ERR_METADATA_INVALID',
])

/** A refresh that backs off after another kind of failure, such as refused credentials, is not an outage. */
function isOutage(error: unknown): error is RelyingPartyError {
  if (!(error instanceof RelyingPartyError)) return false
  const { failedWith = error.code } = (error.cause ?? {}) as { failedWith?: string }
  return OUTAGES.has(error.code) && OUTAGES.has(failedWith)
}

function sessionEnded(hint = 'it was ended at the provider, or by a logout elsewhere'): RelyingPartyError {
  return new RelyingPartyError('ERR_SESSION_ENDED', 'the session has ended: sign in again', { hint })
}

function cannotRefresh(): RelyingPartyError {
  return new RelyingPartyError('ERR_AUTHENTICATION_REQUIRED', 'the access token is no longer valid: sign in again', {
    hint: 'there is no refresh token to get another one: request one, often with the scope offline_access',
  })
}

function hasAccessToken(tokens: Tokens): tokens is AccessTokens {
  return tokens.accessToken !== undefined
}
