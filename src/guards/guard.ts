import type { NextFunction, Request, RequestHandler, Response } from 'express'
import type { RelyingPartyError } from '../errors.js'
import { type AuthContext, authContext, type DemandOptions } from './caller.js'

/** What a guard finds wrong with an authenticated request: the error to refuse it with, or nothing. */
export type Finding = RelyingPartyError | undefined

/**
 * Makes a middleware that lets a request through only if it is authenticated and `judge` finds nothing wrong. It calls
 * `next()` at once where nothing has to be waited for.
 */
export function guard(
  caller: string,
  demand: DemandOptions,
  judge: (context: AuthContext, req: Request) => Finding | Promise<Finding>,
): RequestHandler {
  return authenticated(caller, demand, (context, req, res, next) => {
    const answer = (finding: Finding) => (finding ? context.refuse(finding, req, res, next) : next())
    const finding = judge(context, req)
    if (finding instanceof Promise) finding.then(answer, (error: unknown) => context.refuse(error, req, res, next))
    else answer(finding)
  })
}

/** Makes a middleware that acts on authenticated requests, after their session was renewed if need be. */
export function authenticated(
  caller: string,
  demand: DemandOptions,
  act: (context: AuthContext, req: Request, res: Response, next: NextFunction) => void,
): RequestHandler {
  return (req, res, next) => {
    let context: AuthContext
    try {
      context = authContext(req, caller)
    } catch (error) {
      next(error)
      return
    }
    const decide = () => {
      if (context.auth.isAuthenticated) act(context, req, res, next)
      else context.demandAuthentication(req, res, next, demand)
    }
    const renewing = context.renew()
    if (renewing) renewing.then(decide, (error: unknown) => context.refuse(error, req, res, next))
    else decide()
  }
}
