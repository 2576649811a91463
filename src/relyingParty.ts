import type { NextFunction, Request, RequestHandler, Response } from 'express'
import { RelyingPartyError } from './errors.js'
import { dropSurplus } from './login/transactionState.js'
import { resumeAfterLogout } from './logout/logoutReturn.js'
import { SessionLifetime, touchWithoutWaiting } from './session/lifetime.js'
import { followLogin } from './session/loginLoop.js'
import { SessionAuth, type SignedIn } from './session/sessionAuth.js'
import { SessionCaller, setSessionCaller } from './session/sessionCaller.js'
import { abandonSession, readMark } from './session/signedInMark.js'
import { warnWithoutStoreErrors } from './session/storeErrors.js'
import { createServicesByStore, type SessionServices } from './session/stores.js'
import { type Config, resolveConfig } from './setup/config.js'
import type { RelyingPartyOptions } from './setup/options.js'
import { fail } from './setup/report.js'
import { warnIfUnreached } from './setup/unreached.js'
import { isCallback } from './setup/urls.js'

/**
 * Identifies the caller from the session: sets `req.auth`. Mount it after express-session and before `login`,
 * `callback`, `logout` and the guards.
 *
 * A signed-in request costs one read of the token record besides express-session's own read; the tokens stay encrypted
 * until they are needed. Nothing is fetched from the provider before the first login.
 *
 * @throws `ERR_CONFIGURATION` at construction: the message names the option, the hint the fix
 *
 * @example
 * ```ts
 * app.use(session({ secret, resave: false, saveUninitialized: false, cookie: { secure: 'auto', sameSite: 'lax' } }))
 * app.use(relyingParty({ baseUrl, secret, provider: { issuer, clientId, clientSecret } }))
 * ```
 */
export function relyingParty(options: RelyingPartyOptions): RequestHandler {
  const config = resolveConfig(options)
  const servicesFor = createServicesByStore(config)
  let sessionSeen = false

  return (req, res, next) => {
    if (!req.session) return fail(config, missingSession(sessionSeen), req, res, next)
    if (!req.sessionStore) return fail(config, foreignSession(), req, res, next)
    sessionSeen = true
    warnWithoutStoreErrors(req)
    const services = servicesFor(req)
    const mark = readMark(req, config.session.key)
    if (!mark) return proceed(config, services, req, res, next, undefined)
    recognize(config, services, req, mark)
      .then((signedIn) => proceed(config, services, req, res, next, signedIn))
      .catch((error: unknown) => {
        // The response would wait for another command to a store that hangs.
        if (error instanceof RelyingPartyError && error.code === 'ERR_STORE_UNAVAILABLE') touchWithoutWaiting(req)
        fail(config, error, req, res, next)
      })
  }
}

/** Finds the record that the session's mark points to. If it is gone, the session and its contents are dropped. */
async function recognize(
  config: Config,
  { records }: SessionServices,
  req: Request,
  mark: { id: string },
): Promise<SignedIn | undefined> {
  const read = await records.read(mark.id)
  if (!read) {
    await abandonSession(req)
    return undefined
  }
  const lifetime = new SessionLifetime(req, records)
  const record = await lifetime.prolong(read)
  const provider = await config.providers.find(req, record.provider, record.registration)
  return provider && { record, provider, lifetime }
}

function proceed(
  config: Config,
  services: SessionServices,
  req: Request,
  res: Response,
  next: NextFunction,
  signedIn: SignedIn | undefined,
): void {
  const auth = new SessionAuth(config, services, signedIn)
  setSessionCaller(req, new SessionCaller(config, services, auth))
  followLogin(config, req, res, auth.isAuthenticated)
  signedIn?.lifetime.prolongAtEnd(res, () => auth.record)
  warnIfUnreached(config, req, res)
  // A callback removes its own cookie, and may be the first of several logins that started at the same time.
  if (!isCallback(config, req)) dropSurplus(config, req, res)
  if (!resumeAfterLogout(config, req, res)) next()
}

function missingSession(seenBefore: boolean): RelyingPartyError {
  if (seenBefore) {
    return new RelyingPartyError('ERR_STORE_UNAVAILABLE', 'the session is not available', {
      hint: 'express-session did not set req.session: its store is disconnected, or its cookie.path does not cover this request',
    })
  }
  return new RelyingPartyError('ERR_CONFIGURATION', 'req.session is missing', {
    hint:
      'add app.use(session({ … })) of express-session before app.use(relyingParty({ … })). If it is there, its store is ' +
      'disconnected, or its cookie.path does not cover this request',
  })
}

function foreignSession(): RelyingPartyError {
  return new RelyingPartyError('ERR_CONFIGURATION', 'req.session is not a session of express-session', {
    hint: 'req.sessionStore is missing: use app.use(session({ … })) of express-session',
  })
}
