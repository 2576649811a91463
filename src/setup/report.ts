import type { NextFunction, Request, Response } from 'express'
import { RelyingPartyError } from '../errors.js'
import type { NewEvent } from '../events.js'
import type { RelyingPartyOptions } from './options.js'

/** Reports an event. */
export type Emit = (event: NewEvent, req?: Request) => void

/** Creates {@link Emit}. Errors that `onEvent` throws, at once or later, are ignored: a listener only watches. */
export function createEmit(onEvent: RelyingPartyOptions['onEvent']): Emit {
  if (!onEvent) return () => {}
  return (event, req) => {
    new Promise<void>((resolve) => resolve(onEvent({ ...event, time: Date.now() }, req))).catch(() => {})
  }
}

/** Passes an error to `onError` if it is set, otherwise to Express, as are errors that `onError` throws itself. */
export function fail(
  { onError }: Pick<RelyingPartyOptions, 'onError'>,
  error: unknown,
  req: Request,
  res: Response,
  next: NextFunction,
): void {
  if (onError && error instanceof RelyingPartyError) {
    new Promise<void>((resolve) => resolve(onError(error, req, res, next))).catch(next)
  } else {
    next(error)
  }
}
