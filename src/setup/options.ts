import type { NextFunction, Request, Response } from 'express'
import type { Claims } from '../auth.js'
import type { RelyingPartyError } from '../errors.js'
import type { RelyingPartyEvent } from '../events.js'
import type { HttpOptions } from '../lib/http/httpOptions.js'
import type { ProviderOptions } from '../provider/providerOptions.js'
import type { AuthStore } from '../records/authStore.js'

/**
 * What a request itself names its provider by: one that another site or the provider sends, and that may come without the
 * session's cookie.
 */
export interface ProviderHint {
  /** The `name` of the provider, or its issuer without one, at which the login began that this request finishes. Authentic. */
  readonly name?: string
  /** The issuer that a provider-initiated logout or third-party-initiated login names. From outside, unverified. */
  readonly issuer?: string
  /** The client identifiers that a logout token names (`aud`), one of them this application's. From outside, unverified. */
  readonly clientIds?: readonly string[]
}

/**
 * Finds the provider for a request, for applications whose tenants each have their own.
 *
 * A `hint` counts before the session. Look it up among the tenants' providers: what it names is not necessarily one of
 * them. A provider that fits no hint is refused.
 */
export type ProviderResolver = (req: Request, hint?: ProviderHint) => ProviderOptions | Promise<ProviderOptions>

/** A login that has passed every check, before anything of it is stored. */
export interface Login {
  /** The claims of the ID token, and of UserInfo where it is fetched. Verified. */
  readonly claims: Claims & { readonly sub: string }
  /** The granted scopes. */
  readonly scopes: readonly string[]
  /** The provider's name. */
  readonly provider: string
  /** The public identifier of this login, as in the events. */
  readonly transaction: string
  /** The access token, for calls that the decision needs. `undefined` with `responseType: 'id_token'`. */
  readonly accessToken: string | undefined
}

/** Options of signed-in sessions. */
export interface SessionOptions {
  /** In seconds, from login; however active the user is. Default is `604800` (7 days). */
  absoluteLifetime?: number
  /**
   * An access token is refreshed when it expires within this time, or within half its lifetime if that is less. In
   * seconds. Default is `60`, limit `3600`.
   */
  refreshBefore?: number
  /**
   * When sessions are refreshed. `'always'`: by guards too, so that a session ends with its grant. `'on-demand'`: only
   * where an access token is asked for, for applications whose pages need none. Default is `'always'`.
   */
  refresh?: 'always' | 'on-demand'
  /**
   * How long guards let a session pass while its provider is down, after its access token has expired. What needs a token
   * is answered with 503. In seconds. Default is `3600` (1 hour), limit `86400`; `0` for not at all.
   */
  outageGrace?: number
  /**
   * The property of `req.session` that holds the signed-in mark. Default is `'auth'`. Where one application has several
   * relying parties, those with the same provider, client and key share their sessions: give each a key to tell them
   * apart.
   */
  key?: string
}

/** Options of logins under way. */
export interface TransactionOptions {
  /** In seconds. Default is `600`. */
  lifetime?: number
  /** How many logins one browser may have under way; the oldest give way. Default is `20`, limit `30`. */
  max?: number
}

/** Options of {@link relyingParty}. */
export interface RelyingPartyOptions {
  /** Where users reach the application: scheme, host and port, with a path if it is mounted under one. */
  baseUrl: string
  /** At least 32 characters of chance. Several to rotate: the first seals, all open. */
  secret: string | readonly string[]
  /** The one provider, or a function that finds it for each request. */
  provider?: ProviderOptions | ProviderResolver
  /** Several providers, by the names that `login({ provider })` takes. */
  providers?: Readonly<Record<string, ProviderOptions>>
  /**
   * The path of `callback()`, below `baseUrl`. With `providers` or a function as `provider`, each provider has a path of
   * its own below it, such as `/callback/google`. Default is `'/callback'`.
   */
  callbackPath?: string
  /**
   * Lets several providers share `callbackPath`. All have to name themselves in their responses (`iss`, RFC 9207), which
   * is checked at each login. Default is `false`.
   */
  sharedCallback?: boolean
  /** The path of `login()`, below `baseUrl`. Default is `'/login'`. */
  loginPath?: string
  /** Where the provider sends users after logout, below `baseUrl`. Register it there. Default is `'/'`. */
  postLogoutPath?: string
  /** URLs of other origins that `logout()` may return to, each exactly as it is used. Default is none. */
  postLogoutUrls?: readonly string[]
  /** Allows `http` for a non-loopback host, for `baseUrl` and providers. Anyone on the way can take over accounts. */
  allowInsecureHttp?: boolean
  /** How far clocks may differ. In seconds. Default is `30`, limit `300`. */
  clockTolerance?: number
  http?: HttpOptions
  /** Keeps token records. Default is one over the application's express-session store. */
  store?: AuthStore
  session?: SessionOptions
  transactions?: TransactionOptions
  /**
   * Says whether a granted scope stands for the one that a route needs, beside being the same: for hierarchies, such as
   * `reports:*` for `reports:read`.
   */
  scopeImplies?: (granted: string, needed: string) => boolean
  /**
   * Decides on a login before anything is stored. What it returns replaces the claims (`sub` stays). Throw
   * `LoginRefusedError` to refuse.
   */
  // biome-ignore lint/suspicious/noConfusingVoidType: a hook may return nothing, also when it is async
  onLogin?: (login: Login, req: Request) => Claims | void | Promise<Claims | void>
  /** Told of a logout, after the session has ended. */
  onLogout?: (logout: { subject: string; provider: string }, req: Request) => void | Promise<void>
  /** Takes over the answer to an error of this package. Default is `next(error)`. */
  onError?: (error: RelyingPartyError, req: Request, res: Response, next: NextFunction) => void
  /** Told of every step. What it throws is ignored. */
  onEvent?: (event: RelyingPartyEvent, req?: Request) => void
}
