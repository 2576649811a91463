import type { Request } from 'express'
import type { CookieOptions } from 'express-session'
import { RelyingPartyError } from '../errors.js'
import { warnOnce } from '../lib/warn.js'
import type { Config } from '../setup/config.js'

const FIX = "write session({ cookie: { secure: 'auto', sameSite: 'lax' }, … })"
const TRUST_PROXY = "behind a TLS proxy add app.set('trust proxy', 1)"

/**
 * Checks, before the redirect to the provider, that the browser will keep the cookie of the session and send it back.
 *
 * @throws `ERR_CONFIGURATION`
 */
export function requireSessionCookie({ origin, secure }: Pick<Config, 'origin' | 'secure'>, req: Request): void {
  const cookie = nextSessionCookie(req)
  if (cookie.secure && !req.secure) requireTrustedProxy(req)
  if (secure && !cookie.secure) {
    throw cookieError("the session's cookie lacks Secure, although baseUrl is https", `${FIX}, and ${TRUST_PROXY}`)
  }
  if (cookie.sameSite === 'none' && !cookie.secure) {
    throw cookieError("the session's cookie has SameSite=None without Secure, so browsers drop it", FIX)
  }
  const { hostname } = new URL(origin)
  if (cookie.domain && !covers(cookie.domain, hostname)) {
    throw cookieError(
      `the session's cookie is for the domain ${cookie.domain}, which is not that of ${hostname} in baseUrl, so browsers drop it`,
      'leave cookie.domain out of session({ … }), or correct it',
    )
  }
}

/** Checks whether the session's cookie is `SameSite=Strict`: navigations from other sites lack it. */
export function isStrict(req: Request): boolean {
  const { sameSite } = nextSessionCookie(req)
  return sameSite === true || sameSite === 'strict'
}

/**
 * Checks whether a browser withholds the session's cookie from a request: it is `SameSite=Strict`, and another site led to
 * the request.
 */
export function isWithoutStrictCookie(req: Request): boolean {
  return req.get('Sec-Fetch-Site') === 'cross-site' && isStrict(req)
}

/**
 * Returns the cookie that express-session sets for a new session. The current session may have one of an older
 * configuration.
 */
function nextSessionCookie(req: Request): CookieOptions {
  const probe = Object.create(req) as Request
  const store = req.sessionStore as typeof req.sessionStore & { generate(req: Request): void }
  store.generate(probe)
  return probe.session.cookie
}

/** express-session silently drops a `Secure` cookie if the request seems to use http. */
function requireTrustedProxy(req: Request): void {
  if (!req.get('X-Forwarded-Proto')?.startsWith('https')) {
    throw cookieError(
      "the session's cookie is Secure, but the request uses http, so express-session does not set it",
      TRUST_PROXY,
    )
  }
  // With session({ proxy: true }) the cookie is set anyway, which cannot be detected here.
  warnOnce(
    'RP_UNTRUSTED_PROXY',
    "a proxy reports https, but Express does not trust it: add app.set('trust proxy', 1), or the session's Secure " +
      'cookie is not set and users are sent to the login again and again',
  )
}

/** RFC 6265 §5.1.3. A leading dot is ignored (§5.2.3). */
function covers(domain: string, hostname: string): boolean {
  const name = domain.toLowerCase().replace(/^\./, '')
  return hostname === name || hostname.endsWith(`.${name}`)
}

function cookieError(problem: string, fix: string): RelyingPartyError {
  return new RelyingPartyError('ERR_CONFIGURATION', problem, { hint: fix })
}
