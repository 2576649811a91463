import type { NextFunction, Request, Response } from 'express'
import { RelyingPartyError } from '../errors.js'
import type { Config } from './config.js'
import { hasErrorHandler } from './errorHandlers.js'
import { acceptsAnswer, answerError, rememberReport } from './errorPage.js'

/** Passes an error to `onError` if it is set. Errors that `onError` throws itself are passed to the error handlers. */
export function fail(config: Config, error: unknown, req: Request, res: Response, next: NextFunction): void {
  const { onError } = config
  if (onError && error instanceof RelyingPartyError) {
    new Promise<void>((resolve) => resolve(onError(error, req, res, next))).catch(next)
  } else {
    answerUnlessHandled(config, error, req, res, next)
  }
}

/**
 * Passes an error to the error handlers of the application. If it has none, browsers get the error page, clients that accept
 * JSON get JSON, and Express answers all others.
 *
 * @param config - absent if `relyingParty` was not reached
 */
export function answerUnlessHandled(
  config: Config | undefined,
  error: unknown,
  req: Request,
  res: Response,
  next: NextFunction,
): void {
  const isOwn = error instanceof RelyingPartyError
  if (isOwn && config) rememberReport(error, config)
  if (isOwn && acceptsAnswer(req, res) && !hasErrorHandler(req)) {
    // Express does so for errors that no handler answers.
    if (req.app.get('env') !== 'test') console.error(error.stack)
    answerError(config, error, req, res).catch(next)
  } else {
    next(error)
  }
}
