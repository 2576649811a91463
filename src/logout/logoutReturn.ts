import { randomBytes } from 'node:crypto'
import type { Request, Response } from 'express'
import { cookieAttributes, prefixed, readCookie } from '../request/cookies.js'
import { queryParameter } from '../request/url.js'
import type { Config } from '../setup/config.js'
import { isAt } from '../setup/urls.js'

/** How long the provider's logout may take. In seconds. */
const LIFETIME = 600

/**
 * Seals the destination of a logout into the `state` for the provider, and binds it to this browser with a small cookie.
 *
 * @returns the `state`
 */
export function rememberLogout(config: Config, res: Response, destination: string): string {
  const binding = randomBytes(16).toString('base64url')
  const until = Date.now() + LIFETIME * 1000
  res.cookie(cookieName(config), binding, { ...cookieAttributes(config), maxAge: LIFETIME * 1000 })
  return config.sealer.seal('logout-transaction', audience(config, binding), JSON.stringify({ destination, until }))
}

/**
 * Redirects to the destination of a logout when the provider sends the user back with its `state`. A return with another
 * `state`, or none, is an ordinary request.
 *
 * @returns whether the request was answered
 */
export function resumeAfterLogout(config: Config, req: Request, res: Response): boolean {
  if (req.method !== 'GET' || !req.headers.cookie?.includes(cookieName(config))) return false
  if (!isAt(config, req, config.paths.postLogout)) return false
  const state = queryParameter(req, 'state')
  const binding = readCookie(req, cookieName(config))
  if (state === undefined || binding === undefined) return false
  const destination = unsealLogout(config, binding, state)
  if (destination === undefined) return false
  res.clearCookie(cookieName(config), cookieAttributes(config))
  res.set('Cache-Control', 'no-store')
  res.redirect(303, destination)
  return true
}

function unsealLogout(config: Config, binding: string, state: string): string | undefined {
  const unsealed = config.sealer.unseal('logout-transaction', audience(config, binding), state)
  if (!unsealed) return undefined
  const logout = JSON.parse(unsealed.toString('utf8')) as { destination: string; until: number }
  return logout.until <= Date.now() ? undefined : logout.destination
}

/** A `state` is valid only in the browser that has the binding, and only at this deployment. */
function audience({ origin, basePath }: Config, binding: string): string {
  return `${origin}${basePath} ${binding}`
}

function cookieName(config: Config): string {
  return prefixed(config, 'rp.logout')
}
