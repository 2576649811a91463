import { randomBytes } from 'node:crypto'
import type { CookieOptions, Request, Response } from 'express'
import { isEqual } from '../lib/equal.js'
import { prefixed, readCookie } from '../request/cookies.js'
import { queryParameter } from '../request/url.js'
import type { Config } from '../setup/config.js'
import { isAt } from '../setup/urls.js'

/** How long the provider's logout may take. In seconds. */
const LIFETIME = 600

/** Remembers where to go when the provider sends the user back after logout. Returns the `state` to send. */
export function rememberLogout(config: Config, res: Response, destination: string): string {
  const state = randomBytes(16).toString('base64url')
  const until = Date.now() + LIFETIME * 1000
  const sealed = config.sealer.seal('logout-transaction', '', JSON.stringify({ state, destination, until }))
  res.cookie(cookieName(config), sealed, { ...attributes(config), maxAge: LIFETIME * 1000 })
  return state
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
  const sealed = readCookie(req, cookieName(config))
  if (state === undefined || sealed === undefined) return false
  const destination = openLogout(config, sealed, state)
  if (destination === undefined) return false
  res.clearCookie(cookieName(config), attributes(config))
  res.set('Cache-Control', 'no-store')
  res.redirect(303, destination)
  return true
}

function openLogout(config: Config, sealed: string, state: string): string | undefined {
  const opened = config.sealer.unseal('logout-transaction', '', sealed)
  if (!opened) return undefined
  const logout = JSON.parse(opened.toString('utf8')) as { state: string; destination: string; until: number }
  if (logout.until <= Date.now() || !isEqual(logout.state, state)) return undefined
  return logout.destination
}

function cookieName(config: Config): string {
  return prefixed(config, 'rp.logout')
}

function attributes({ secure }: Config): CookieOptions {
  return { path: '/', httpOnly: true, secure, sameSite: 'lax' }
}
