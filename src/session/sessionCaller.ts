import type { NextFunction, Request, RequestHandler, Response } from 'express'
import { configurationError, RelyingPartyError } from '../errors.js'
import {
  anotherCopy,
  type Caller,
  type DemandOptions,
  hasOfAnotherCopy,
  includesScope,
  STEP_UP_NEEDED,
  type StepUp,
  setCaller,
  stepUpParameters,
  type UserAuthentication,
} from '../guards/caller.js'
import { buildChallenge, type ChallengeParameters } from '../guards/challenge.js'
import { isNavigation } from '../request/navigation.js'
import type { Config } from '../setup/config.js'
import { fail } from '../setup/report.js'
import { isCallback, isLogin, loginUrl, withReturnTo } from '../setup/urls.js'
import { noteNotEnough } from './loginLoop.js'
import { sealStepUp } from './sealedStepUp.js'
import type { SessionAuth } from './sessionAuth.js'
import type { SessionServices } from './stores.js'

/** What `relyingParty` leaves on a request for `login`, `callback`, `logout` and the guards. */
export class SessionContext implements Caller {
  readonly config: Config
  readonly services: SessionServices
  readonly auth: SessionAuth

  constructor(config: Config, services: SessionServices, auth: SessionAuth) {
    this.config = config
    this.services = services
    this.auth = auth
  }

  get origin(): string {
    return this.config.origin
  }

  get clockTolerance(): number {
    return this.config.clockTolerance
  }

  get authentication(): UserAuthentication {
    return this.auth.record?.authentication ?? {}
  }

  refreshIfDue(): Promise<void> | undefined {
    return this.auth.renew()
  }

  hasScope(needed: string): boolean {
    return includesScope(this.auth.scopes, needed, this.config.scopeImplies)
  }

  challenge(parameters: ChallengeParameters): string {
    return buildChallenge('Bearer', parameters)
  }

  demandAuthentication(req: Request, res: Response, next: NextFunction, options: DemandOptions): void {
    if (isOwnRoute(this.config, req)) fail(this.config, guardedLogin(), req, res, next)
    else demandLogin(this.config, req, res, next, options)
  }

  demandStepUp(req: Request, res: Response, next: NextFunction, stepUp: StepUp): void {
    if (isOwnRoute(this.config, req)) fail(this.config, guardedLogin(), req, res, next)
    else demandFreshLogin(this, req, res, next, stepUp)
  }

  refuse(error: unknown, req: Request, res: Response, next: NextFunction): void {
    if (error instanceof RelyingPartyError) {
      this.config.emit({ type: 'access.refused', code: error.code, missing: missingScopes(error) }, req)
    }
    fail(this.config, error, req, res, next)
  }
}

const SESSION_CONTEXT = Symbol('express-relying-party: the session')

interface WithContext extends Request {
  [SESSION_CONTEXT]?: SessionContext
}

/** Makes a context the nearest one of the request. */
export function setSessionContext(req: Request, context: SessionContext): void {
  const holder: WithContext = req
  holder[SESSION_CONTEXT] = context
  setCaller(req, context)
}

/** Tells whether a request has passed `relyingParty`. */
export function hasSessionContext(req: Request): boolean {
  return SESSION_CONTEXT in req
}

/** Gives the nearest context. @throws `ERR_CONFIGURATION` when `relyingParty` is not mounted before */
export function requireSessionContext(req: Request, caller: string): SessionContext {
  const { [SESSION_CONTEXT]: context }: WithContext = req
  if (context) return context
  if (hasOfAnotherCopy(req, SESSION_CONTEXT)) throw anotherCopy(caller)
  throw new RelyingPartyError(
    'ERR_CONFIGURATION',
    `${caller} needs relyingParty: add app.use(relyingParty({ … })) before it`,
  )
}

/** Makes a middleware that needs `relyingParty` before it. Its errors go to `onError` or `next`. */
export function sessionMiddleware(
  caller: string,
  act: (context: SessionContext, req: Request, res: Response, next: NextFunction) => Promise<void>,
): RequestHandler {
  return (req, res, next) => {
    let context: SessionContext
    try {
      context = requireSessionContext(req, caller)
    } catch (error) {
      next(error)
      return
    }
    act(context, req, res, next).catch((error: unknown) => fail(context.config, error, req, res, next))
  }
}

/** Sends a navigation to the login, to come back to where it wanted; answers everything else with 401 and JSON. */
function demandLogin(config: Config, req: Request, res: Response, next: NextFunction, options: DemandOptions): void {
  const { respondWith, provider } = options
  config.emit({ type: 'access.refused', code: 'ERR_AUTHENTICATION_REQUIRED', missing: [] }, req)
  if (req.auth.isAuthenticated) noteNotEnough(config, req, res)
  res.set('Cache-Control', 'no-store')
  if (respondWith === 'login' || (respondWith === 'auto' && isNavigation(req))) {
    res.redirect(303, withReturnTo(config, req, provider))
    return
  }
  if (config.onError) {
    const hint = `send the browser to the login at ${config.paths.login}, with returnTo`
    fail(config, new RelyingPartyError('ERR_AUTHENTICATION_REQUIRED', 'sign in first', { hint }), req, res, next)
    return
  }
  const loginUrl = config.paths.login + (provider ? `?${new URLSearchParams({ provider })}` : '')
  res.status(401).json({ error: 'authentication_required', loginUrl })
}

/** Sends a navigation to a login that asks for the authentication; answers everything else with 401 and JSON. */
function demandFreshLogin(
  context: SessionContext,
  req: Request,
  res: Response,
  next: NextFunction,
  stepUp: StepUp,
): void {
  const { config, auth } = context
  const code = 'ERR_INSUFFICIENT_AUTHENTICATION'
  config.emit({ type: 'access.refused', code, missing: [] }, req)
  noteNotEnough(config, req, res)
  res.set('Cache-Control', 'no-store')
  const provider = auth.provider === 'default' ? undefined : auth.provider
  const sealed = sealStepUp(config, stepUp)
  if (isNavigation(req)) {
    res.redirect(303, withReturnTo(config, req, provider, sealed))
    return
  }
  const challenge = { 'WWW-Authenticate': context.challenge(stepUpParameters(stepUp)) }
  if (config.onError) {
    fail(config, new RelyingPartyError(code, STEP_UP_NEEDED, { headers: challenge }), req, res, next)
    return
  }
  const url = loginUrl(config, undefined, provider, sealed)
  res.status(401).set(challenge).json({ error: 'insufficient_user_authentication', loginUrl: url })
}

/** A guard there would send users to the login from the login. */
function isOwnRoute(config: Config, req: Request): boolean {
  return isLogin(config, req) || isCallback(config, req)
}

function guardedLogin(): RelyingPartyError {
  return configurationError(
    'a guard',
    'is mounted in front of login() or callback(), so that no one can sign in',
    'mount login() and callback() before app.use(requireAuth()), or guard only the routes that need it',
  )
}

function missingScopes({ cause }: RelyingPartyError): readonly string[] {
  const { missing } = (cause ?? {}) as { missing?: readonly string[] }
  return missing ?? []
}
