import type { ErrorRequestHandler, Request } from 'express'
import { storeError } from '../errors.js'
import { assertNotMounted } from '../lib/check.js'
import { warnOnce } from '../lib/warn.js'
import { markAsOwn } from '../setup/errorHandlers.js'
import { answerUnlessHandled } from '../setup/report.js'
import { hasSessionCaller } from './sessionCaller.js'

let created = false

/**
 * Turns an error of the session store, which express-session passes on unchanged, into `ERR_STORE_UNAVAILABLE`: 503 with
 * `Retry-After` instead of 500. No one is signed out, and no cookie changes.
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
  created = true
  return markAsOwn((error: unknown, req, res, next) => {
    // express-session sets req.sessionStore before it loads the session, and req.session afterwards. A request that has
    // passed relyingParty() may have destroyed its session since.
    const duringLoad = req.sessionStore !== undefined && req.session === undefined && !hasSessionCaller(req)
    if (duringLoad) answerUnlessHandled(undefined, storeError(error), req, res, next)
    else next(error)
  })
}

/** Warns in production if the session store can fail and `storeErrors()` was never called. */
export function warnWithoutStoreErrors({ sessionStore }: Request): void {
  if (created || process.env.NODE_ENV !== 'production' || sessionStore.constructor.name === 'MemoryStore') return
  warnOnce(
    'RP_STORE_ERRORS_NOT_MOUNTED',
    'if the session store fails, requests are answered with 500 instead of 503. Add app.use(storeErrors()) after ' +
      'app.use(relyingParty({ … }))',
  )
}
