import type { NextFunction, Request, Response } from 'express'
import type { Auth } from '../auth.js'
import { RelyingPartyError } from '../errors.js'

/**
 * Who calls, and how to answer those who may not: what `relyingParty` and `resourceServer` each give to the middlewares
 * that decide.
 */
export interface AuthContext {
  readonly auth: Auth
  /** Renews what the caller is recognized by, if need be. Returns nothing when there is nothing to do. */
  renew(): Promise<void> | undefined
  /** Answers a request that nobody is recognized by. */
  demandAuthentication(req: Request, res: Response, next: NextFunction, options: DemandOptions): void
  /** Answers a request whose caller may not do it, or of whom that cannot be said just now. */
  refuse(error: unknown, req: Request, res: Response, next: NextFunction): void
}

/** How a route answers those who are not signed in. */
export interface DemandOptions {
  /** `'login'` redirects every request, `'json'` none; `'auto'` redirects navigations. */
  readonly respondWith: 'auto' | 'login' | 'json'
  /** The provider to sign in at. */
  readonly provider?: string | undefined
}

const contexts = new WeakMap<Request, AuthContext>()

/** Makes a context the nearest one of the request. */
export function setAuthContext(req: Request, context: AuthContext): void {
  contexts.set(req, context)
  req.auth = context.auth
}

/** Gives the nearest context. @throws `ERR_CONFIGURATION` when neither middleware is mounted before */
export function authContext(req: Request, caller: string): AuthContext {
  const context = contexts.get(req)
  if (context) return context
  throw new RelyingPartyError(
    'ERR_CONFIGURATION',
    `${caller} needs to know who calls: add app.use(relyingParty({ … })) or app.use(resourceServer({ … })) before it`,
  )
}
