import { createHash } from 'node:crypto'
import type { Request, Response } from 'express'
import { RelyingPartyError } from '../errors.js'
import { cookieAttributes, prefixed, readCookie } from '../request/cookies.js'
import { isNavigation } from '../request/navigation.js'
import type { Config } from '../setup/config.js'
import { isCallback, isLogin } from '../setup/urls.js'
import { isWithoutStrictCookie } from './sessionCookie.js'

/** How long lost logins are counted. In seconds. */
const WINDOW = 30

/** How many logins may be lost. Browsers stop after twenty redirects, and one login may need eight. */
const MAX = 2

type LoopConfig = Pick<
  Config,
  'basePath' | 'callbacks' | 'emit' | 'origin' | 'paths' | 'providers' | 'secure' | 'sealer'
>

/**
 * The outcome of a browser's latest logins, in a sealed cookie: it must survive if the session does not. A login is lost
 * if the user is not signed in on the next page.
 */
interface Trail {
  /** When the first of these logins ended. In seconds since the epoch. */
  readonly since: number
  /** How many logins were lost. */
  readonly count: number
  /** Whether the latest login has ended and no page was requested since. */
  readonly pending: boolean
  /** A hash of the page the logins lead to. Tabs that sign in at the same time lead to different pages. */
  readonly destination: string
  /** Whether the cookie must be sent with cross-site POSTs, such as form_post responses. */
  readonly crossSite: boolean
}

/** Records what a request shows about the latest login: that it worked, or that it was lost. */
export function followLogin(config: LoopConfig, req: Request, res: Response, isSignedIn: boolean): void {
  const trail = readTrail(config, req)
  if (!trail) return
  if (isSignedIn) {
    // A login that only confirms a session known to another process is not a page.
    if (!isLogin(config, req)) clearTrail(config, res, trail)
    return
  }
  if (trail.pending && showsLoss(config, req)) writeTrail(config, res, lost(trail))
}

/** Records that a signed-in user is sent to the login anyway, for another provider or a new authentication. */
export function noteNotEnough(config: LoopConfig, req: Request, res: Response): void {
  const trail = readTrail(config, req)
  if (trail?.pending) writeTrail(config, res, lost(trail))
}

/** Records that a login redirects to a page: it has just ended, or the user was signed in already. */
export function noteSignedIn(
  config: LoopConfig,
  req: Request,
  res: Response,
  returnTo: string,
  crossSite: boolean,
): void {
  const before = readTrail(config, req)
  const destination = hashOf(returnTo)
  const goesOn = before?.destination === destination
  writeTrail(config, res, {
    since: goesOn ? before.since : Math.floor(Date.now() / 1000),
    count: goesOn ? before.count : 0,
    pending: true,
    destination,
    crossSite: crossSite || (goesOn && before.crossSite),
  })
}

/**
 * Stops a browser that logs in again and again because the application does not recognize its session.
 *
 * @throws `ERR_LOGIN_LOOP`
 */
export function stopLoginLoop(config: LoopConfig, req: Request, res: Response, isSignedIn: boolean): void {
  const trail = readTrail(config, req)
  if (!trail) return
  const { count } = trail.pending && !isSignedIn && showsLoss(config, req) ? lost(trail) : trail
  if (count < MAX) return
  // Another attempt, perhaps after a fix, starts from zero.
  clearTrail(config, res, trail)
  config.emit({ type: 'login.refused', provider: undefined, transaction: undefined, code: 'ERR_LOGIN_LOOP' }, req)
  throw loginLoop(config, req, count)
}

function lost(trail: Trail): Trail {
  return { ...trail, count: trail.count + 1, pending: false }
}

/** Checks whether a request without a session shows that it was lost. Only navigations do: others may lack cookies. */
function showsLoss(config: LoopConfig, req: Request): boolean {
  return isNavigation(req) && !isCallback(config, req) && !isWithoutStrictCookie(req)
}

function loginLoop({ origin }: LoopConfig, req: Request, count: number): RelyingPartyError {
  const hasCookie = req.headers.cookie !== undefined
  return new RelyingPartyError(
    'ERR_LOGIN_LOOP',
    'you were signed in several times, but this site did not recognize you afterwards. Allow its cookies and try again; ' +
      'if that does not help, contact its operator',
    {
      hint:
        `${count} logins of this browser succeeded within ${WINDOW} seconds, and after each the next page was requested ` +
        'without a signed-in session. Likely causes: several processes that do not share a session store ' +
        '(MemoryStore; use connect-redis or similar); a session cookie that the browser drops or does not send ' +
        `(its domain, path, secure or sameSite in session({ cookie: { … } }), for users at ${origin}); users who visit ` +
        'another host name than that of baseUrl; a route that requires another provider than the one its login signs in ' +
        'at; session() mounted twice, or with different secrets; or a browser ' +
        `that blocks cookies${hasCookie ? '' : ' (this request has none)'}`,
    },
  )
}

function readTrail(config: LoopConfig, req: Request): Trail | undefined {
  const sealed = readCookie(req, cookieName(config))
  const opened = sealed === undefined ? undefined : config.sealer.unseal('login-loop', contextOf(config), sealed)
  if (!opened) return undefined
  const trail = JSON.parse(opened.toString('utf8')) as Trail
  return Date.now() / 1000 - trail.since <= WINDOW ? trail : undefined
}

function writeTrail(config: LoopConfig, res: Response, trail: Trail): void {
  dropCookie(config, res)
  const sealed = config.sealer.seal('login-loop', contextOf(config), JSON.stringify(trail))
  res.cookie(cookieName(config), sealed, { ...cookieAttributes(config, trail.crossSite), maxAge: WINDOW * 1000 })
}

function clearTrail(config: LoopConfig, res: Response, trail: Trail): void {
  dropCookie(config, res)
  res.clearCookie(cookieName(config), cookieAttributes(config, trail.crossSite))
}

/** Removes the cookie from the headers of the response. */
function dropCookie(config: LoopConfig, res: Response): void {
  const lines = [res.getHeader('Set-Cookie') ?? []].flat().map(String)
  const others = lines.filter((line) => !line.startsWith(`${cookieName(config)}=`))
  if (others.length === lines.length) return
  if (others.length === 0) res.removeHeader('Set-Cookie')
  else res.setHeader('Set-Cookie', others)
}

function hashOf(returnTo: string): string {
  const [url = ''] = returnTo.split('#', 1)
  return createHash('sha256').update(url).digest('base64url').slice(0, 8)
}

/** Keeps the logins of several relying parties on one host apart. */
function contextOf({ origin, paths }: LoopConfig): string {
  return origin + paths.callback
}

function cookieName(config: LoopConfig): string {
  return prefixed(config, 'rp.loop')
}
