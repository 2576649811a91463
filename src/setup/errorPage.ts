import { STATUS_CODES } from 'node:http'
import type { ErrorRequestHandler, Request, Response } from 'express'
import { RelyingPartyError } from '../errors.js'
import { assertNotMounted } from '../lib/check.js'
import { type Remedies, sendErrorPage } from '../pages/errorPage.js'
import { type Pages, resolvePages } from '../pages/options.js'
import { asksForPage, isSafe } from '../request/navigation.js'
import { safeReturnTo } from '../request/returnTo.js'
import { publicUrl } from '../request/url.js'
import type { Config } from './config.js'
import { markAsOwn } from './errorHandlers.js'
import { loginUrl } from './urls.js'

/** Where an error was reported. */
const reportedAt = new WeakMap<RelyingPartyError, Config>()

/** Remembers which `relyingParty` reported an error, for {@link errorPage}. */
export function rememberReport(error: RelyingPartyError, config: Config): void {
  reportedAt.set(error, config)
}

/**
 * Answers errors of this package: with a page if a browser opened the route, with JSON (`error`, `message`) if the client
 * accepts it. All other errors and clients are passed on.
 *
 * `relyingParty` does the same by default, unless the application has error handlers. Mount this one after those that only
 * log. The page says what happened and what to do in the user's language, and shows no message of a provider; its look and
 * texts are those of the option `pages`.
 *
 * @example
 * ```ts
 * app.use(logErrors)
 * app.use(errorPage())
 * ```
 */
export function errorPage(): ErrorRequestHandler
export function errorPage(mounted?: unknown): ErrorRequestHandler {
  assertNotMounted('errorPage', mounted)
  const handler: ErrorRequestHandler = (error: unknown, req, res, next) => {
    if (error instanceof RelyingPartyError && acceptsAnswer(req, res)) {
      answerError(reportedAt.get(error), error, req, res).catch(next)
    } else {
      next(error)
    }
  }
  return markAsOwn(handler)
}

/** Checks whether a client accepts a page or JSON, and can still get it. */
export function acceptsAnswer(req: Request, res: Response): boolean {
  return !res.headersSent && (asksForPage(req) || asksForJson(req))
}

/**
 * Sends the page of an error, or JSON.
 *
 * @param config - absent if `relyingParty` was not reached
 */
export async function answerError(
  config: Config | undefined,
  error: RelyingPartyError,
  req: Request,
  res: Response,
): Promise<void> {
  if (asksForPage(req))
    return sendErrorPage(config?.pages ?? plainPages(), req, res, error, remediesFor(config, error, req))
  const message = error.expose ? error.message : STATUS_CODES[error.status]
  res.vary('Accept').set('Cache-Control', 'no-store')
  res.status(error.status).set(error.headers).json({ error: error.code, message })
}

function asksForJson(req: Request): boolean {
  return /\bapplication\/json\b/i.test(req.get('Accept') ?? '')
}

function plainPages(): Pages {
  return resolvePages({}, { start: '/', login: undefined, hasChoice: false })
}

function remediesFor(config: Config | undefined, error: RelyingPartyError, req: Request): Remedies {
  if (!config) return { retryUrl: undefined, signInUrl: undefined, chooseUrl: undefined }
  const own = isSafe(req) ? safeReturnTo(publicUrl(config, req), config.origin) : undefined
  const returnTo = error.returnTo ?? own
  return {
    // Reloading a failed callback cannot help, so it always has a retryUrl.
    retryUrl: error.retryUrl ?? (error.status === 503 ? own : undefined),
    signInUrl: loginUrl(config, returnTo),
    chooseUrl: config.pages.links.hasChoice ? loginUrl(config, returnTo) : undefined,
  }
}
