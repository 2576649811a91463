import { createHash } from 'node:crypto'
import type { Request, Response } from 'express'
import { RelyingPartyError } from '../errors.js'
import { cookieAttributes, prefixed, readCookie } from '../request/cookies.js'
import { isNavigation } from '../request/navigation.js'
import type { Config } from '../setup/config.js'
import { isCallback, isLogin } from '../setup/urls.js'
import { isStrict } from './sessionCookie.js'

/** How long logins that come to nothing add up. In seconds. */
const WINDOW = 30

/** How many logins may come to nothing. Browsers stop at twenty redirects, of which one login may need eight. */
const MAX = 2

type LoopConfig = Pick<
  Config,
  'basePath' | 'callbacks' | 'emit' | 'origin' | 'paths' | 'providers' | 'secure' | 'sealer'
>

/**
 * What a browser's latest logins came to, in a sealed cookie: it has to last where the session does not. A login comes
 * to nothing when the next page is asked for by someone who is not signed in.
 */
interface Trail {
  /** When the first of these logins ended. In seconds since the epoch. */
  readonly since: number
  /** How many logins have come to nothing. */
  readonly count: number
  /** Whether the latest login has ended and no page was asked for since. */
  readonly pending: boolean
  /** A hash of where the logins lead. Several tabs that sign in at once lead to several pages. */
  readonly destination: string
  /** Whether the cookie has to come with cross-site POSTs, as form_post responses are. */
  readonly crossSite: boolean
}

/** Notes what a request shows of the latest login: that it holds, or that it came to nothing. */
export function followLogin(config: LoopConfig, req: Request, res: Response, isSignedIn: boolean): void {
  const trail = readTrail(config, req)
  if (!trail) return
  if (isSignedIn) {
    // A login that only confirms what another process knows is no page that was reached.
    if (!isLogin(config, req)) clearTrail(config, res, trail)
    return
  }
  if (trail.pending && showsLoss(config, req)) writeTrail(config, res, lost(trail))
}

/** Notes that someone who is signed in is sent to the login all the same, to sign in at another provider or afresh. */
export function noteNotEnough(config: LoopConfig, req: Request, res: Response): void {
  const trail = readTrail(config, req)
  if (trail?.pending) writeTrail(config, res, lost(trail))
}

/** Notes that a login leads on: it has just ended, or the user was signed in already. */
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
 * Stops a browser that logs in again and again, because the application does not recognize its session.
 *
 * @throws `ERR_LOGIN_LOOP`
 */
export function stopLoginLoop(config: LoopConfig, req: Request, res: Response, isSignedIn: boolean): void {
  const trail = readTrail(config, req)
  if (!trail) return
  const { count } = trail.pending && !isSignedIn && showsLoss(config, req) ? lost(trail) : trail
  if (count < MAX) return
  // Whoever tries again, perhaps after the fix, starts from the beginning.
  clearTrail(config, res, trail)
  config.emit({ type: 'login.refused', provider: undefined, transaction: undefined, code: 'ERR_LOGIN_LOOP' }, req)
  throw loginLoop(config, req, count)
}

function lost(trail: Trail): Trail {
  return { ...trail, count: trail.count + 1, pending: false }
}

/** A page that is opened without the session that a login has just opened. Other requests may come without cookies. */
function showsLoss(config: LoopConfig, req: Request): boolean {
  if (!isNavigation(req) || isCallback(config, req)) return false
  return !(req.get('Sec-Fetch-Site') === 'cross-site' && isStrict(req))
}

function loginLoop({ origin }: LoopConfig, req: Request, count: number): RelyingPartyError {
  const hasCookie = req.headers.cookie !== undefined
  return new RelyingPartyError(
    'ERR_LOGIN_LOOP',
    'you were signed in several times, but this site did not recognize you afterwards. Allow its cookies and try again; ' +
      'if that does not help, its operators have to look into it',
    {
      hint:
        `${count} logins of this browser ended well within ${WINDOW} seconds, and the page after each came without a ` +
        'session of someone signed in. Likely causes: several processes with a session store that they do not share ' +
        '(MemoryStore; use connect-redis or the like); a session cookie that the browser drops or does not send ' +
        `(its domain, path, secure or sameSite in session({ cookie: { … } }), for users at ${origin}); users who come ` +
        'under another host name than that of baseUrl; a route that wants another provider than the one its login signs in ' +
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

/** Takes back what the response was to do with the cookie. */
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

/** Several relying parties of one host do not take each other's logins for their own. */
function contextOf({ origin, paths }: LoopConfig): string {
  return origin + paths.callback
}

function cookieName(config: LoopConfig): string {
  return prefixed(config, 'rp.loop')
}
