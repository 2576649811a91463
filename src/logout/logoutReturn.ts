import { randomBytes } from 'node:crypto'
import type { Request, Response } from 'express'
import { cookieAttributes, prefixed, readCookie } from '../request/cookies.js'
import { queryParameter } from '../request/url.js'
import type { Config } from '../setup/config.js'
import { isAt } from '../setup/urls.js'

/** How long the provider's logout may take. In seconds. */
const LIFETIME = 600

/**
 * Seals where to go when the provider sends the user back after logout, and binds it to this browser by a small cookie.
 * Returns the `state` to send.
 */
export function rememberLogout(config: Config, res: Response, destination: string): string {
  const binding = randomBytes(16).toString('base64url')
  const until = Date.now() + LIFETIME * 1000
  res.cookie(cookieName(config), binding, { ...cookieAttributes(config), maxAge: LIFETIME * 1000 })
  return config.sealer.seal('logout-transaction', context(config, binding), JSON.stringify({ destination, until }))
}

/**
 * Redirects to the destination of a logout when the provider sends the user back with its state. A return with another
 * state, or none, is an ordinary request.
 *
 * @returns whether the request was answered
 */
export function resumeAfterLogout(config: Config, req: Request, res: Response): boolean {
  if (req.method !== 'GET' || !req.headers.cookie?.includes(cookieName(config))) return false
  if (!isAt(config, req, config.paths.postLogout)) return false
  const state = queryParameter(req, 'state')
  const binding = readCookie(req, cookieName(config))
  if (state === undefined || binding === undefined) return false
  const destination = openLogout(config, binding, state)
  if (destination === undefined) return false
  res.clearCookie(cookieName(config), cookieAttributes(config))
  res.set('Cache-Control', 'no-store')
  res.redirect(303, destination)
  return true
}

function openLogout(config: Config, binding: string, state: string): string | undefined {
  const opened = config.sealer.unseal('logout-transaction', context(config, binding), state)
  if (!opened) return undefined
  const logout = JSON.parse(opened.toString('utf8')) as { destination: string; until: number }
  return logout.until <= Date.now() ? undefined : logout.destination
}

/** A state opens only in the browser that has the binding, and only at this deployment. */
function context({ origin, basePath }: Config, binding: string): string {
  return `${origin}${basePath} ${binding}`
}

function cookieName(config: Config): string {
  return prefixed(config, 'rp.logout')
}
