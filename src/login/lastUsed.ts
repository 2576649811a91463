import type { Request, Response } from 'express'
import { cookieAttributes, prefixed, readCookie } from '../request/cookies.js'
import type { Config } from '../setup/config.js'

/** How long a browser is known to have used a provider. In milliseconds: one year. */
const LIFETIME = 31_536_000_000

/**
 * Remembers the provider of a login in a cookie of its own, for the sign-in page. It outlasts the session, decides about
 * nothing else, and is set only if there are several providers.
 */
export function rememberLastUsed(config: Config, res: Response, provider: string): void {
  if (config.providers.fixed.length < 2) return
  res.cookie(cookieName(config), provider, { ...cookieAttributes(config), maxAge: LIFETIME })
}

/** Returns the name of the provider that this browser signed in with last. From the browser: compare it only. */
export function lastUsedProvider(config: Config, req: Request): string | undefined {
  return readCookie(req, cookieName(config))
}

function cookieName(config: Config): string {
  return prefixed(config, 'rp.last')
}
