import type { RequestHandler } from 'express'
import { assertOptions, oneOf, type Shape, string } from '../lib/check.js'
import type { DemandOptions } from './caller.js'
import { authenticated } from './guard.js'

/** Options of {@link requireAuth}. */
export interface RequireAuthOptions {
  /**
   * How to answer someone who is not signed in. `'login'`: redirect to the login. `'json'`: 401. Default is `'auto'`:
   * navigations of a browser are redirected, everything else gets 401.
   */
  respondWith?: 'auto' | 'login' | 'json'
  /**
   * The provider to be signed in at, where there are several: its name, or the issuer of an access token. Whoever is signed
   * in at another one is answered as if not signed in. Default is any.
   */
  provider?: string
}

const SHAPE: Shape<RequireAuthOptions> = { respondWith: oneOf('auto', 'login', 'json'), provider: string }

/**
 * Lets only authenticated requests through.
 *
 * A navigation is sent to the login and comes back to the same URL. Everything else (fetch, XHR, other methods than GET,
 * no HTML accepted) gets 401 with `{ error, loginUrl }`. A session whose access token has expired is refreshed first, so
 * that it lives as long as its grant.
 *
 * @throws `ERR_CONFIGURATION`; at a request `ERR_PROVIDER_UNAVAILABLE`, `ERR_STORE_UNAVAILABLE`
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
  return authenticated('requireAuth()', demand, (context, req, res, next) => {
    if (provider === undefined || context.auth.provider === provider) next()
    else context.demandAuthentication(req, res, next, demand)
  })
}
