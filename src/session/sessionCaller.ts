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

/** The caller that `relyingParty` sets on a request, for the guards and the middlewares that need a session. */
export class SessionCaller implements Caller {
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
    return this.auth.refreshForGuard()
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
    const provider = this.auth.sessionProvider
    if (isOwnRoute(this.config, req)) fail(this.config, guardedLogin(), req, res, next)
    else if (provider && !provider.hasIdTokens) fail(this.config, cannotStepUp(provider.name), req, res, next)
    else demandStepUpLogin(this, req, res, next, stepUp)
  }

  refuse(error: unknown, req: Request, res: Response, next: NextFunction): void {
    if (error instanceof RelyingPartyError) {
      this.config.emit({ type: 'access.refused', code: error.code, missing: missingScopes(error) }, req)
    }
    fail(this.config, error, req, res, next)
  }
}

const SESSION_CALLER = Symbol('express-relying-party: the session')

interface WithSessionCaller extends Request {
  [SESSION_CALLER]?: SessionCaller
}

/** Sets the caller of a request, for the guards too. */
export function setSessionCaller(req: Request, caller: SessionCaller): void {
  const holder: WithSessionCaller = req
  holder[SESSION_CALLER] = caller
  setCaller(req, caller)
}

/** Checks whether a request has passed `relyingParty`. */
export function hasSessionCaller(req: Request): boolean {
  return SESSION_CALLER in req
}

/** Returns the session caller of a request. @throws `ERR_CONFIGURATION` if `relyingParty` is not mounted before */
export function sessionCallerOf(req: Request, middleware: string): SessionCaller {
  const { [SESSION_CALLER]: caller }: WithSessionCaller = req
  if (caller) return caller
  if (hasOfAnotherCopy(req, SESSION_CALLER)) throw anotherCopy(middleware)
  throw new RelyingPartyError(
    'ERR_CONFIGURATION',
    `${middleware} needs relyingParty: add app.use(relyingParty({ … })) before it`,
  )
}

/** Creates a middleware that needs `relyingParty` before it. Its errors go to `onError` or `next`. */
export function sessionMiddleware(
  middleware: string,
  act: (caller: SessionCaller, req: Request, res: Response, next: NextFunction) => Promise<void>,
): RequestHandler {
  return (req, res, next) => {
    let caller: SessionCaller
    try {
      caller = sessionCallerOf(req, middleware)
    } catch (error) {
      next(error)
      return
    }
    act(caller, req, res, next).catch((error: unknown) => fail(caller.config, error, req, res, next))
  }
}

/** Redirects a navigation to the login, which returns to the same page. Answers other requests with 401 and JSON. */
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

/** Redirects a navigation to a login with the required authentication. Answers other requests with 401 and JSON. */
function demandStepUpLogin(
  caller: SessionCaller,
  req: Request,
  res: Response,
  next: NextFunction,
  stepUp: StepUp,
): void {
  const { config, auth } = caller
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
  const challenge = { 'WWW-Authenticate': caller.challenge(stepUpParameters(stepUp)) }
  if (config.onError) {
    fail(config, new RelyingPartyError(code, STEP_UP_NEEDED, { headers: challenge }), req, res, next)
    return
  }
  const url = loginUrl(config, undefined, provider, sealed)
  res.status(401).set(challenge).json({ error: 'insufficient_user_authentication', loginUrl: url })
}

/** A guard there would redirect users from the login to the login. */
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

/** Another login would not help: how and when a user authenticated stands in the ID token only. */
function cannotStepUp(provider: string): RelyingPartyError {
  return configurationError(
    'requireStepUp()',
    `needs an ID token, and the user signed in at ${provider}, an OAuth 2.0 provider`,
    'let only users of OpenID Providers reach this route, or check what its profile() returns with requireClaim()',
  )
}

function missingScopes({ cause }: RelyingPartyError): readonly string[] {
  const { missing } = (cause ?? {}) as { missing?: readonly string[] }
  return missing ?? []
}
