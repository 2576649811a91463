import type { NextFunction, Request, Response } from 'express'
import type { Claims } from '../auth.js'
import type { RelyingPartyError } from '../errors.js'
import type { RelyingPartyEvent } from '../events.js'
import type { HttpOptions } from '../lib/http/httpOptions.js'
import type { PagesOptions } from '../pages/options.js'
import type { ProviderOptions } from '../provider/providerOptions.js'
import type { AuthStore } from '../records/authStore.js'

/**
 * Names the provider of a request that another site or the provider sends, and that may come without the session's
 * cookie.
 */
export interface ProviderHint {
  /** The `name` (or else issuer) of the provider at which the login began that this request finishes. Verified. */
  readonly name?: string
  /** The issuer that a provider-initiated logout or third-party-initiated login names. Unverified. */
  readonly issuer?: string
  /** The client identifiers in the `aud` of a logout token, one of which is this application's. Unverified. */
  readonly clientIds?: readonly string[]
}

/**
 * Returns the provider of a request, for applications whose tenants have their own providers.
 *
 * A `hint` takes precedence over the session. Look it up among the tenants' providers: it may name one that is not among
 * them. A provider that does not match the hint is refused.
 */
export type ProviderResolver = (req: Request, hint?: ProviderHint) => ProviderOptions | Promise<ProviderOptions>

/** A login that has passed every check. Nothing is stored yet. */
export interface Login {
  /**
   * The claims of the ID token, of UserInfo if `userInfo` is set, and of the provider's `profile`. Verified. `iss` and `sub`
   * together identify the account.
   */
  readonly claims: Claims & { readonly iss: string; readonly sub: string }
  /** The granted scopes. */
  readonly scopes: readonly string[]
  /** The provider's name. */
  readonly provider: string
  /** The public identifier of this login, as in events. */
  readonly transaction: string
  /** The access token, for API calls that `onLogin` needs. `undefined` with `responseType: 'id_token'`. */
  readonly accessToken: string | undefined
  /** The ID token. `undefined` for an OAuth 2.0 provider. */
  readonly idToken: string | undefined
  /** All claims of the ID token. Verified. `undefined` for an OAuth 2.0 provider. */
  readonly idTokenClaims: Claims | undefined
  /** The user's profile as the provider's API returned it, or UserInfo if `userInfo` is set; otherwise `undefined`. */
  readonly profile: unknown
  /** The members of the token response except its tokens, such as `instance_url` or `patient`. Unverified. */
  readonly tokenResponse: Readonly<Record<string, unknown>>
  /** Where the user goes after the login. Assign another path of this application to change it. */
  returnTo: string
}

/** A refresh of a session. Its new tokens are stored. */
export interface Refresh {
  /** The claims of the session, as `onLogin` or the last `onRefresh` left them. */
  readonly claims: Claims
  /** All claims of the refreshed ID token. Verified. `undefined` if the provider sent none. */
  readonly idTokenClaims: Claims | undefined
  /** The scopes that are granted now. */
  readonly scopes: readonly string[]
  /** The provider's name. */
  readonly provider: string
  /** The new access token. */
  readonly accessToken: string | undefined
}

/** Options of signed-in sessions. */
export interface SessionOptions {
  /**
   * How long a session lasts from login, however active the user is. The ID token's `session_expiry` may end it earlier.
   * In seconds. Default is `604800` (7 days).
   */
  absoluteLifetime?: number
  /**
   * How long before its expiry an access token is refreshed; half its lifetime if that is less. Up to half as much is
   * added, differently for each session, so that those that began together are not refreshed together. In seconds.
   * Default is `60`, limit `3600`.
   */
  refreshBefore?: number
  /**
   * How long a request waits for a refresh once the access token has expired. Then it fails with 503, and the refresh goes
   * on. While the access token is valid, a request waits for two seconds at most, and uses it. In seconds. Default is `10`,
   * limit `60`.
   */
  refreshWait?: number
  /**
   * How long a provider may take to answer a refresh, in place of `http.timeout`. The answer holds the only valid refresh
   * token, so it is waited for long after those who need it have given up. In seconds. Default is `60`, limit `120`.
   */
  refreshTimeout?: number
  /**
   * How many refreshes of one provider may be in progress at once in a process. Others wait their turn, first come, first
   * served. Default is `20`, limit `500`.
   */
  maxRefreshes?: number
  /**
   * When sessions are refreshed. `'always'`: by guards too, so that a session ends with its grant. `'on-demand'`: only
   * when an access token is requested, for applications whose pages need none. Default is `'always'`.
   */
  refresh?: 'always' | 'on-demand'
  /**
   * How long guards let a session pass after its access token has expired while the provider is down, or something else
   * answers in its place, such as a maintenance page. Requests that need the token fail. In seconds. Default is `3600` (1 hour), limit `86400`; `0` turns it off.
   */
  outageGrace?: number
  /**
   * How many sessions a user may have from one provider, on all devices. A login beyond that ends the oldest. Default and
   * limit are `1000`.
   */
  maxPerSubject?: number
  /**
   * The property of `req.session` that holds the signed-in mark. In an application with several relying parties, those
   * with the same provider, client and key share their sessions; give each its own key to keep them apart. Default is
   * `'auth'`.
   */
  key?: string
}

/** Options of logins in progress. */
export interface TransactionOptions {
  /** How long a login may take. In seconds. Default is `600`, limit `3600`. */
  lifetime?: number
  /**
   * How many logins one browser may have in progress, each with a cookie of about 36 bytes. The oldest are dropped; if more
   * begin at the same moment, the next request drops them. Default is `20`, limit `30`.
   */
  max?: number
}

/** Options of {@link relyingParty}. */
export interface RelyingPartyOptions {
  /** The URL where users reach the application, including its path if it is mounted under one. */
  baseUrl: string
  /** At least 32 random characters. Pass several to rotate: the first encrypts, all decrypt. */
  secret: string | readonly string[]
  /** The only provider, or a function that returns the provider of each request. */
  provider?: ProviderOptions | ProviderResolver
  /** Several providers, by the names that `login({ provider })` accepts. */
  providers?: Readonly<Record<string, ProviderOptions>>
  /**
   * The path of `callback()`, relative to `baseUrl`. With `providers` or a function as `provider`, each provider has its
   * own path below it, such as `/callback/google`. Default is `'/callback'`.
   */
  callbackPath?: string
  /**
   * Lets several providers share `callbackPath`. Each must identify itself in its responses (`iss`, RFC 9207), which is
   * checked at every login. Default is `false`.
   */
  sharedCallback?: boolean
  /** The path of `login()`, relative to `baseUrl`. Default is `'/login'`. */
  loginPath?: string
  /**
   * The path to which the provider redirects users after logout, relative to `baseUrl`. Register it at the provider.
   * Default is `'/'`.
   */
  postLogoutPath?: string
  /** URLs of other origins that `logout()` may return to, compared character by character. Default is none. */
  postLogoutUrls?: readonly string[]
  /**
   * Allows `http` for `baseUrl` and providers on non-loopback hosts. Anyone on the network path can then take over
   * accounts. Default is `false`.
   */
  allowInsecureHttp?: boolean
  /** How far the clocks of provider and application may differ. In seconds. Default is `30`, limit `300`. */
  clockTolerance?: number
  /** Options of requests to providers. */
  http?: HttpOptions
  /** Stores token records. Default is an `AuthStore` on top of the application's express-session store. */
  store?: AuthStore
  /** Options of signed-in sessions. */
  session?: SessionOptions
  /** Options of logins in progress. */
  transactions?: TransactionOptions
  /** The look and the texts of the built-in pages. */
  pages?: PagesOptions
  /**
   * Checks whether a granted scope includes a different one that a route needs, for hierarchies: `reports:*` may include
   * `reports:read`. Default is that none does.
   */
  scopeImplies?: (granted: string, needed: string) => boolean
  /**
   * Accepts or refuses a login before anything is stored. The claims that it returns replace those of the login, except
   * `sub`. Throw `LoginRefusedError` to refuse.
   */
  // biome-ignore lint/suspicious/noConfusingVoidType: a hook may return nothing, even if it is async
  onLogin?: (login: Login, req: Request) => Claims | void | Promise<Claims | void>
  /**
   * Called after every refresh of a session, once for all processes. The claims that it returns replace those of the
   * session, except `iss` and `sub`; by default they stay as they were at login. Throw `LoginRefusedError` to end the
   * session. If it throws anything else or takes longer than 5 seconds, the claims stay and the event
   * `session.claims_failed` reports it. The new tokens are stored before, so that they cannot get lost.
   */
  // biome-ignore lint/suspicious/noConfusingVoidType: a hook may return nothing, even if it is async
  onRefresh?: (refresh: Refresh) => Claims | void | Promise<Claims | void>
  /** Called for every logout, after the session has ended. */
  onLogout?: (logout: { subject: string; provider: string }, req: Request) => void | Promise<void>
  /** Handles errors of this package. Default is `next(error)`. */
  onError?: (error: RelyingPartyError, req: Request, res: Response, next: NextFunction) => void
  /** Called for every step of logins and sessions. Errors it throws are ignored. */
  onEvent?: (event: RelyingPartyEvent, req?: Request) => void
}
