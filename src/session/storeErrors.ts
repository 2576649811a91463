import type { ErrorRequestHandler } from 'express'
import { storeError } from '../errors.js'
import { assertNotMounted } from '../lib/check.js'
import { hasSessionContext } from './sessionCaller.js'

/**
 * Turns the failure of a session store, which express-session hands on as the store gave it, into
 * `ERR_STORE_UNAVAILABLE`: 503 with `Retry-After`, instead of 500. Nobody is signed out by it, and no cookie is changed.
 *
 * Mount it after `relyingParty`, before the application's own error handlers. Other errors pass through.
 *
 * @example
 * ```ts
 * app.use(session({ store, secret, resave: false, saveUninitialized: false, cookie: { secure: 'auto', sameSite: 'lax' } }))
 * app.use(relyingParty({ … }))
 * app.use(storeErrors())
 * ```
 */
export function storeErrors(): ErrorRequestHandler
export function storeErrors(mounted?: unknown): ErrorRequestHandler {
  assertNotMounted('storeErrors', mounted)
  return (error: unknown, req, _res, next) => {
    // express-session names its store on the request before it asks it, and sets the session after. A request that has
    // come further may have destroyed its session since.
    const duringLoad = req.sessionStore !== undefined && req.session === undefined && !hasSessionContext(req)
    next(duringLoad ? storeError(error) : error)
  }
}
