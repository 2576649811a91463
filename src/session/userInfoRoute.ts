import type { RequestHandler } from 'express'
import type { Claims } from '../auth.js'
import { assertOptions, path, type Shape, stringOrStrings } from '../lib/check.js'
import { assertSameOrigin } from '../request/refusals.js'
import { sessionMiddleware } from './sessionCaller.js'

/** Options of {@link userInfoRoute}. */
export interface UserInfoRouteOptions {
  /** The claims to send to the page. Default is all except those about the ID token itself. */
  claims?: readonly string[]
  /** The path of `logout()`, below `baseUrl`. Default is `'/logout'`. */
  logoutPath?: string
}

const SHAPE: Shape<UserInfoRouteOptions> = {
  claims: (value) => (Array.isArray(value) ? stringOrStrings(value) : "must be an array of names, as in ['name']"),
  logoutPath: path,
}

/** Claims about an ID token or session, not about the user. */
const TOKEN_CLAIMS = new Set([
  'iss',
  'aud',
  'azp',
  'exp',
  'iat',
  'nbf',
  'jti',
  'nonce',
  'at_hash',
  'c_hash',
  's_hash',
  'sid',
  'session_expiry',
])

/**
 * Sends the signed-in user to the scripts of a single-page application on this origin, as JSON:
 * `{ isAuthenticated, claims, scopes, sessionEndsAt, loginUrl, logoutUrl }`. It contains no token.
 *
 * `sessionEndsAt` is in seconds since the epoch. Scripts navigate to `loginUrl`, with a `returnTo` of their own, and
 * POST to `logoutUrl`. Requests from other sites are refused, and the response is never cached.
 *
 * @throws `ERR_CONFIGURATION` at construction; at a request `ERR_CROSS_SITE_REQUEST`, `ERR_STORE_UNAVAILABLE`
 * @see [OAuth 2.0 for Browser-Based Applications §6.1](https://datatracker.ietf.org/doc/html/draft-ietf-oauth-browser-based-apps#section-6.1)
 *
 * @example
 * ```ts
 * app.get('/user', userInfoRoute({ claims: ['name', 'picture'] }))
 * ```
 */
export function userInfoRoute(options: UserInfoRouteOptions = {}): RequestHandler {
  assertOptions<UserInfoRouteOptions>(options, 'userInfoRoute', SHAPE)
  const { claims: chosen, logoutPath = '/logout' } = options

  return sessionMiddleware('userInfoRoute()', async (context, req, res) => {
    const { config, auth } = context
    res.set('Cache-Control', 'no-store')
    assertSameOrigin(req, config.origin)
    await auth.refreshForGuard()
    const urls = { loginUrl: config.paths.login, logoutUrl: config.basePath + logoutPath }
    if (!auth.record) return void res.json({ isAuthenticated: false, ...urls })
    const sessionEndsAt = Math.floor(auth.record.endsAt)
    const claims = pick(auth.claims, chosen)
    res.json({ isAuthenticated: true, claims, scopes: auth.scopes, sessionEndsAt, ...urls })
  })
}

function pick(claims: Claims, chosen: readonly string[] | undefined): Claims {
  const shown = Object.entries(claims).filter(([name]) => chosen?.includes(name) ?? !TOKEN_CLAIMS.has(name))
  return Object.fromEntries(shown)
}
