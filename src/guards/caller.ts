import type { NextFunction, Request, Response } from 'express'
import type { Auth } from '../auth.js'
import { configurationError, RelyingPartyError } from '../errors.js'
import type { ChallengeParameters } from './challenge.js'

/**
 * Who calls, and how to answer those who may not: what `relyingParty` and `resourceServer` each give to the middlewares
 * that decide.
 */
export interface AuthContext {
  readonly auth: Auth
  /** How and when the user authenticated, for step-up: `acr` and `auth_time`, verified. */
  readonly authentication: UserAuthentication
  /** How far clocks may differ. In seconds. */
  readonly clockTolerance: number
  /** Whether the `Authorization` header identifies the caller: a browser adds it to no request by itself. */
  readonly byHeader?: boolean
  /** The origin of the application, where it is configured. */
  readonly origin: string | undefined
  /** Renews what the caller is recognized by, if need be. Returns nothing when there is nothing to do. */
  renew(): Promise<void> | undefined
  /** Tells whether a scope was granted, or is implied by one that was. */
  hasScope(scope: string): boolean
  /** Builds the `WWW-Authenticate` header of a refusal. */
  challenge(parameters: ChallengeParameters): string
  /** Answers a request that nobody is recognized by. */
  demandAuthentication(req: Request, res: Response, next: NextFunction, options: DemandOptions): void
  /** Answers a request whose user has to authenticate again, or by stronger means. */
  demandStepUp(req: Request, res: Response, next: NextFunction, stepUp: StepUp): void
  /** Answers a request whose caller may not do it, or of whom that cannot be said just now. */
  refuse(error: unknown, req: Request, res: Response, next: NextFunction): void
}

/** How and when a user authenticated, by the claims of an ID token or access token. */
export interface UserAuthentication {
  readonly acr?: string
  /** In seconds since the epoch. */
  readonly authTime?: number
}

/** The authentication that a route needs. */
export interface StepUp {
  /** The authentication context classes that are good enough, best first. Empty for any. */
  readonly acr: readonly string[]
  /** The greatest age of the authentication. In seconds. */
  readonly maxAge: number | undefined
}

/** How a route answers those who are not signed in. */
export interface DemandOptions {
  /** `'login'` redirects every request, `'json'` none; `'auto'` redirects navigations. */
  readonly respondWith: 'auto' | 'login' | 'json'
  /** The provider to sign in at. */
  readonly provider?: string | undefined
}

/** What is said of a request whose user has to authenticate again. */
export const STEP_UP_NEEDED = 'this needs a more recent or stronger sign-in'

/**
 * Gives the challenge for a request whose user has to authenticate again.
 *
 * @see [RFC 9470 §3](https://www.rfc-editor.org/rfc/rfc9470#section-3)
 */
export function stepUpParameters({ acr, maxAge }: StepUp): ChallengeParameters {
  return {
    error: 'insufficient_user_authentication',
    ...(acr.length === 0 ? {} : { acr_values: acr.join(' ') }),
    ...(maxAge === undefined ? {} : { max_age: String(maxAge) }),
  }
}

/** Tells whether a scope is among the granted ones, or implied by one. */
export function includesScope(
  granted: readonly string[],
  needed: string,
  implies: ((granted: string, needed: string) => boolean) | undefined,
): boolean {
  return granted.includes(needed) || (implies !== undefined && granted.some((scope) => implies(scope, needed) === true))
}

/** On the request itself: a `WeakMap` costs more for keys that live as short as a request. */
const CONTEXT = Symbol('express-relying-party: who calls')

interface WithContext extends Request {
  [CONTEXT]?: AuthContext
}

/** Makes a context the nearest one of the request. */
export function setAuthContext(req: Request, context: AuthContext): void {
  const holder: WithContext = req
  holder[CONTEXT] = context
  req.auth = context.auth
}

/** Gives the nearest context. @throws `ERR_CONFIGURATION` when neither middleware is mounted before */
export function authContext(req: Request, caller: string): AuthContext {
  const { [CONTEXT]: context }: WithContext = req
  if (context) return context
  if (hasOfAnotherCopy(req, CONTEXT)) throw anotherCopy(caller)
  throw new RelyingPartyError(
    'ERR_CONFIGURATION',
    `${caller} needs to know who calls: add app.use(relyingParty({ … })) or app.use(resourceServer({ … })) before it`,
  )
}

/** Checks whether another copy of this package has left on a request what this one keeps under a symbol. */
export function hasOfAnotherCopy(req: Request, own: symbol): boolean {
  return Object.getOwnPropertySymbols(req).some((symbol) => symbol !== own && symbol.description === own.description)
}

/** The error where the middlewares of a route are of two copies of this package, which know nothing of each other. */
export function anotherCopy(caller: string): RelyingPartyError {
  return configurationError(
    caller,
    'is of another copy of express-relying-party than relyingParty() or resourceServer() before it',
    'install one version only: see `npm ls express-relying-party`, then `npm dedupe`, or make it a peerDependency of ' +
      'the package that brings its own',
  )
}
