import type { RequestHandler } from 'express'
import { assertOptions, oneOf, type Shape, string } from '../lib/check.js'
import type { DemandOptions } from './caller.js'
import { authenticated } from './guard.js'

/** Options of {@link requireAuth}. */
export interface RequireAuthOptions {
  /**
   * How to answer an anonymous request. `'login'`: redirect to the login. `'json'`: respond with 401. Default is
   * `'auto'`: redirect browser navigations, respond to everything else with 401.
   */
  respondWith?: 'auto' | 'login' | 'json'
  /**
   * The required provider, if there are several: its name, or the issuer of an access token. A user signed in at another
   * one is answered as if anonymous. Default is any.
   */
  provider?: string
}

const SHAPE: Shape<RequireAuthOptions> = { respondWith: oneOf('auto', 'login', 'json'), provider: string }

/**
 * Requires an authenticated request.
 *
 * An anonymous navigation is redirected to the login and returns to the same URL. Everything else (fetch, XHR, methods
 * other than GET, requests that do not accept HTML) gets 401 with `{ error, loginUrl }`. If the session's access token has
 * expired, it is refreshed first, so that the session lives as long as its grant.
 *
 * @throws `ERR_CONFIGURATION`; per request `ERR_PROVIDER_UNAVAILABLE`, `ERR_STORE_UNAVAILABLE`
 *
 * @example
 * ```ts
 * app.get('/profile', requireAuth(), (req, res) => res.json(req.auth.claims))
 * ```
 */
export function requireAuth(options: RequireAuthOptions = {}): RequestHandler {
  assertOptions<RequireAuthOptions>(options, 'requireAuth', SHAPE)
  const demand: DemandOptions = { respondWith: options.respondWith ?? 'auto', provider: options.provider }
  const { provider } = options
  return authenticated('requireAuth()', demand, (caller, req, res, next) => {
    if (provider === undefined || caller.auth.provider === provider) next()
    else caller.demandAuthentication(req, res, next, demand)
  })
}
