import type { NextFunction, Request, Response } from 'express'
import type { Auth } from '../auth.js'
import { configurationError, type RelyingPartyError } from '../errors.js'
import { defined } from '../lib/defined.js'
import type { ChallengeParameters } from './challenge.js'

/**
 * Describes who makes a request, and answers it when they may not pass. `relyingParty` and `resourceServer` each set one
 * for the guards.
 */
export interface Caller {
  readonly auth: Auth
  /** How and when the user authenticated, for step-up: `acr` and `auth_time`, verified. */
  readonly authentication: UserAuthentication
  /** The clock skew to allow. In seconds. */
  readonly clockTolerance: number
  /** Whether the `Authorization` header identifies the caller. No browser adds it to a request by itself. */
  readonly byHeader?: boolean
  /** The configured origin of the application, if there is one. */
  readonly origin: string | undefined
  /** Refreshes the session if that is due. Returns nothing if there is nothing to do. */
  refreshIfDue(): Promise<void> | undefined
  /** Checks whether a scope was granted, or is implied by one that was. */
  hasScope(scope: string): boolean
  /** Builds the `WWW-Authenticate` header of a refusal. */
  challenge(parameters: ChallengeParameters): string
  /** Answers an anonymous request. */
  demandAuthentication(req: Request, res: Response, next: NextFunction, options: DemandOptions): void
  /** Answers a request whose user has to authenticate again, or by stronger means. */
  demandStepUp(req: Request, res: Response, next: NextFunction, stepUp: StepUp): void
  /** Answers a request that the caller may not make, or whose check failed. */
  refuse(error: unknown, req: Request, res: Response, next: NextFunction): void
}

/** How and when a user authenticated, from the claims of an ID token or access token. */
export interface UserAuthentication {
  readonly acr?: string
  /** In seconds since the epoch. */
  readonly authTime?: number
}

/** The authentication that a route requires. */
export interface StepUp {
  /** The accepted authentication context classes, best first. Empty for any. */
  readonly acr: readonly string[]
  /** The maximum age of the authentication. In seconds. */
  readonly maxAge: number | undefined
}

/** How a route answers anonymous requests. */
export interface DemandOptions {
  /** `'login'` redirects every request, `'json'` none; `'auto'` redirects navigations. */
  readonly respondWith: 'auto' | 'login' | 'json'
  /** The provider to sign in at. */
  readonly provider?: string | undefined
}

/** The message for a request whose user has to authenticate again. */
export const STEP_UP_NEEDED = 'this needs a more recent or stronger sign-in'

/**
 * Builds the challenge for a request whose user has to authenticate again.
 *
 * @see [RFC 9470 §3](https://www.rfc-editor.org/rfc/rfc9470#section-3)
 */
export function stepUpParameters({ acr, maxAge }: StepUp): ChallengeParameters {
  return defined({
    error: 'insufficient_user_authentication',
    acr_values: acr.length === 0 ? undefined : acr.join(' '),
    max_age: maxAge?.toString(),
  })
}

/** Checks whether a scope is among the granted ones, or implied by one of them. */
export function includesScope(
  granted: readonly string[],
  needed: string,
  implies: ((granted: string, needed: string) => boolean) | undefined,
): boolean {
  return granted.includes(needed) || (implies !== undefined && granted.some((scope) => implies(scope, needed) === true))
}

/** A property of the request: a `WeakMap` costs more for keys as short-lived as a request. */
const CALLER = Symbol('express-relying-party: caller')

interface WithCaller extends Request {
  [CALLER]?: Caller
}

/** Sets the caller of a request, and `req.auth`. Replaces the one that was set before. */
export function setCaller(req: Request, caller: Caller): void {
  const holder: WithCaller = req
  holder[CALLER] = caller
  req.auth = caller.auth
}

/** Returns the caller of a request. @throws `ERR_CONFIGURATION` if no middleware has set one */
export function callerOf(req: Request, middleware: string): Caller {
  const { [CALLER]: caller }: WithCaller = req
  if (caller) return caller
  if (hasOfAnotherCopy(req, CALLER)) throw anotherCopy(middleware)
  throw configurationError(
    middleware,
    'needs relyingParty() or resourceServer() before it',
    'add app.use(relyingParty({ … })) or app.use(resourceServer({ … })) before it',
  )
}

/** Checks whether another copy of this package has set the property that this copy keeps under a symbol. */
export function hasOfAnotherCopy(req: Request, own: symbol): boolean {
  return Object.getOwnPropertySymbols(req).some((symbol) => symbol !== own && symbol.description === own.description)
}

/** Builds the error for a route whose middlewares come from two copies of this package, unknown to each other. */
export function anotherCopy(middleware: string): RelyingPartyError {
  return configurationError(
    middleware,
    'comes from another copy of express-relying-party than relyingParty() or resourceServer() before it',
    'install a single version: see `npm ls express-relying-party`, then run `npm dedupe`, or make it a peerDependency of ' +
      'the package that brings its own',
  )
}
