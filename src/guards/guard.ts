import type { NextFunction, Request, RequestHandler, Response } from 'express'
import type { RelyingPartyError } from '../errors.js'
import { type Caller, callerOf, type DemandOptions } from './caller.js'

/** The error to refuse a request with, or nothing if it may pass. */
export type Finding = RelyingPartyError | undefined

type Act = (caller: Caller, req: Request, res: Response, next: NextFunction) => void

/**
 * Creates a middleware that lets a request pass only if it is authenticated and `check` finds nothing wrong. Calls
 * `next()` synchronously unless there is something to wait for.
 */
export function guard(
  middleware: string,
  demand: DemandOptions,
  check: (caller: Caller, req: Request) => Finding | Promise<Finding>,
): RequestHandler {
  return authenticated(middleware, demand, (caller, req, res, next) => {
    const answer = (finding: Finding) => (finding ? caller.refuse(finding, req, res, next) : next())
    const finding = check(caller, req)
    if (finding instanceof Promise) finding.then(answer, (error: unknown) => caller.refuse(error, req, res, next))
    else answer(finding)
  })
}

/** Creates a middleware that acts on authenticated requests, after refreshing their session if that is due. */
export function authenticated(middleware: string, demand: DemandOptions, act: Act): RequestHandler {
  return withCaller(middleware, (caller, req, res, next) => {
    const proceed = () => {
      if (caller.auth.isAuthenticated) act(caller, req, res, next)
      else caller.demandAuthentication(req, res, next, demand)
    }
    const refreshing = caller.refreshIfDue()
    if (refreshing) refreshing.then(proceed, (error: unknown) => caller.refuse(error, req, res, next))
    else proceed()
  })
}

/** Creates a middleware that needs `relyingParty` or `resourceServer` before it. */
export function withCaller(middleware: string, act: Act): RequestHandler {
  return (req, res, next) => {
    let caller: Caller
    try {
      caller = callerOf(req, middleware)
    } catch (error) {
      next(error)
      return
    }
    act(caller, req, res, next)
  }
}
