import type { Request, RequestHandler } from 'express'
import type { Auth } from '../auth.js'
import type { RelyingPartyError } from '../errors.js'
import { authContext, type DemandOptions } from './context.js'

/**
 * Makes a middleware that lets a request through only if it is authenticated and `judge` finds nothing wrong. It calls
 * `next()` at once where nothing has to be renewed.
 *
 * @param judge - returns the error to refuse with, or nothing
 */
export function guard(
  caller: string,
  demand: DemandOptions,
  judge: (auth: Auth, req: Request) => RelyingPartyError | undefined,
): RequestHandler {
  return (req, res, next) => {
    let context: ReturnType<typeof authContext>
    try {
      context = authContext(req, caller)
    } catch (error) {
      next(error)
      return
    }
    const decide = () => {
      if (!context.auth.isAuthenticated) return context.demandAuthentication(req, res, next, demand)
      const refusal = judge(context.auth, req)
      if (refusal) return context.refuse(refusal, req, res, next)
      next()
    }
    const renewing = context.renew()
    if (!renewing) return decide()
    renewing.then(decide, (error: unknown) => context.refuse(error, req, res, next))
  }
}
