import type { Request } from 'express'
import type { Claims } from '../auth.js'
import { RelyingPartyError } from '../errors.js'
import { defined } from '../lib/defined.js'
import type { Authentication } from '../protocol/authentication.js'
import type { IdTokenClaims } from '../protocol/idToken.js'
import { endOfNewSession } from '../protocol/sessionExpiry.js'
import type { LoginTokens } from '../protocol/tokens.js'
import { type Identity, identify } from '../protocol/user/identity.js'
import type { Provider } from '../provider/provider.js'
import type { RecordFields } from '../records/record.js'
import { safeReturnTo } from '../request/returnTo.js'
import { sessionEnds } from '../session/lifetime.js'
import type { SessionCaller } from '../session/sessionCaller.js'
import { type Opening, openSession } from '../session/signedInMark.js'
import { assertStorable } from '../session/storableClaims.js'
import { storedTokens, tokenFields } from '../session/tokenRefresh.js'
import type { Config } from '../setup/config.js'
import type { Login } from '../setup/options.js'
import { rememberLastUsed } from './lastUsed.js'

/** The fields that all events of one login share. */
export interface LoginStep {
  /** The provider's name. */
  readonly provider: string
  /** The public identifier of the login. */
  readonly transaction: string
}

/** An {@link Authentication} that has passed every check, with its login. */
interface VerifiedLogin extends Authentication {
  readonly provider: Provider
  readonly step: LoginStep
  /** The checks that it passed, for the event `login.verified`. */
  readonly checks: readonly string[]
  /** The parameters of the authorization response, for `profile`. */
  readonly parameters?: Readonly<Record<string, string>> | undefined
  /** Where the user goes after login, which `onLogin` may change. */
  readonly returnTo: string
  /** The session that the login began in, if the request may lack its cookie. */
  readonly anonymousId?: string | undefined
}

/**
 * Signs the user in after any flow: calls `onLogin`, then stores the token record and a session with a new ID. If the
 * browser has disconnected, it would never learn that ID, so it keeps its old session.
 *
 * Emits `login.tokens`, `login.verified` and `session.opened`; the caller reports failures with {@link emitRefused}.
 *
 * @returns where the user goes: `returnTo`, or what `onLogin` chose
 * @throws `ERR_LOGIN_REFUSED`, `ERR_USERINFO_INVALID`, `ERR_PROVIDER_UNAVAILABLE`, `ERR_STORE_UNAVAILABLE`,
 *   `ERR_TRANSACTION_CONSUMED` if the browser has disconnected, `ERR_SESSION_ENDED` if the provider has ended the session,
 *   `ERR_CONFIGURATION` if `onLogin` returns claims that JSON cannot hold
 */
export async function signIn(caller: SessionCaller, req: Request, login: VerifiedLogin): Promise<{ returnTo: string }> {
  const { config } = caller
  const { provider, step, tokens, checks, parameters } = login
  const mustEndAt = endOfNewSession(login.claims ?? {}, config.clockTolerance)
  // The implicit flow has no access token.
  if (tokens.accessToken !== undefined) emitTokens(config.emit, req, step, tokens)
  const identity = await identify(provider, login, parameters)
  const { sub: subject } = identity.claims
  const alg = login.claims && provider.options.idTokenSigningAlg
  config.emit({ type: 'login.verified', ...step, subject, ...defined({ alg }), checks }, req)
  const { claims, returnTo } = await accept(caller, req, login, identity)
  if (req.res?.closed) throw browserGone()
  await open(caller, req, login, { ...claims, iss: identity.claims.iss, sub: subject }, mustEndAt)
  if (req.res && !req.res.headersSent) rememberLastUsed(config, req.res, provider.name)
  config.emit({ type: 'session.opened', ...step, subject }, req)
  return { returnTo }
}

/**
 * Reports a login that failed, in any flow and at any step.
 *
 * @param step - absent if the login is unknown
 * @param req - absent for the polls of a device login
 */
export function emitRefused({ emit }: Config, error: unknown, step?: LoginStep, req?: Request): void {
  const code = error instanceof RelyingPartyError ? error.code : undefined
  emit({ type: 'login.refused', provider: step?.provider, transaction: step?.transaction, code }, req)
}

function emitTokens(emit: Config['emit'], req: Request, step: LoginStep, tokens: LoginTokens): void {
  emit(
    {
      type: 'login.tokens',
      ...step,
      tokenType: tokens.tokenType ?? '',
      scope: tokens.scopes.join(' '),
      expiresIn: tokens.expiresIn,
      hasRefreshToken: tokens.refreshToken !== undefined,
      hasIdToken: tokens.idToken !== undefined,
    },
    req,
  )
}

/** Calls `onLogin`, which may refuse the login, replace the claims, and choose where the user goes. */
async function accept(
  { config }: SessionCaller,
  req: Request,
  { step, tokens, claims: idTokenClaims, returnTo }: VerifiedLogin,
  { claims, raw }: Identity,
): Promise<{ claims: Claims; returnTo: string }> {
  if (!config.onLogin) return { claims, returnTo }
  const { accessToken, idToken, scopes, response = {} } = tokens
  const login: Login = {
    ...step,
    claims,
    scopes,
    accessToken,
    idToken,
    idTokenClaims,
    profile: raw,
    tokenResponse: response,
    returnTo,
  }
  const mapped = await config.onLogin(login, req)
  if (mapped) assertStorable(mapped, 'onLogin')
  return { claims: mapped ?? claims, returnTo: landingPage(config, login.returnTo) }
}

/** @throws `ERR_CONFIGURATION` if `onLogin` chose something other than a path of this application */
function landingPage(config: Config, returnTo: string): string {
  const path = safeReturnTo(returnTo, config.origin)
  if (path !== undefined) return path
  const hint = 'assign a path of this application to login.returnTo, such as /welcome'
  throw new RelyingPartyError('ERR_CONFIGURATION', 'onLogin chose a page outside of this application', { hint })
}

/**
 * Stores the token record, then the session. If the session cannot be stored, the record is removed.
 *
 * @param mustEndAt - when the provider requires the session to end. In seconds since the epoch
 */
async function open(
  { config, services }: SessionCaller,
  req: Request,
  { provider, tokens, claims: verified, anonymousId }: VerifiedLogin,
  claims: Identity['claims'],
  mustEndAt: number | undefined,
): Promise<void> {
  const { iss, sub } = claims
  const { sid, acr, auth_time, iat }: Partial<IdTokenClaims> = verified ?? {}
  const { name, registration } = provider
  const openedAt = Date.now() / 1000
  const ends = sessionEnds(openedAt + config.session.absoluteLifetime, mustEndAt)
  const fields: RecordFields = {
    provider: name,
    registration,
    issuer: iss,
    subject: sub,
    ...(typeof sid === 'string' ? { sid } : {}),
    claims,
    ...authenticationOf(acr, auth_time),
    openedAt,
    ...ends,
    ...tokenFields(tokens),
    ...defined({ device: deviceOf(req) }),
  }
  let recordId: string | undefined
  const createRecord: Opening['createRecord'] = async (idle, replaces) => {
    const creation = { issuedAt: iat, replaces: replaces?.id }
    const record = await services.records.create({ ...fields, ...defined({ idle }) }, storedTokens(tokens), creation)
    recordId = record.id
    return recordId
  }
  try {
    const opening = { provider: name, sub, endsAt: ends.endsAt, anonymousId, createRecord }
    const { replaced } = await openSession(req, config.session.key, opening)
    if (replaced && (await services.records.remove(replaced.id))) {
      config.emit(
        { type: 'session.ended', provider: replaced.provider, subject: replaced.sub, reason: 'replaced' },
        req,
      )
    }
  } catch (error) {
    if (recordId !== undefined) await services.records.remove(recordId).catch(() => false)
    throw error
  }
}

function authenticationOf(acr: unknown, authTime: unknown): Pick<RecordFields, 'authentication'> {
  const authentication = {
    ...(typeof acr === 'string' ? { acr } : {}),
    ...(typeof authTime === 'number' ? { authTime } : {}),
  }
  return Object.keys(authentication).length > 0 ? { authentication } : {}
}

/** The longest stored `User-Agent`. In characters. */
const MAX_DEVICE = 200

/** Returns the `User-Agent` of a request, with printable ASCII characters only. */
function deviceOf(req: Request): string | undefined {
  const text = req
    .get('User-Agent')
    ?.slice(0, 2 * MAX_DEVICE)
    .replace(/[^ -~]+/g, ' ')
    .trim()
  return text?.slice(0, MAX_DEVICE) || undefined
}

function browserGone(): RelyingPartyError {
  return new RelyingPartyError('ERR_TRANSACTION_CONSUMED', 'the login was interrupted: start it again', {
    hint: 'the browser closed the connection before its session was stored',
  })
}
