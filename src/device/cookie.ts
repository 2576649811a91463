import type { Request, Response } from 'express'
import { RelyingPartyError } from '../errors.js'
import type { DeviceAuthorization } from '../protocol/device.js'
import { cookieAttributes, prefixed, readCookie } from '../request/cookies.js'
import type { Config } from '../setup/config.js'

/**
 * A device login in progress, kept in a sealed cookie: only the browser that started it has the device code, and the
 * server stores nothing for it.
 */
export interface DeviceTransaction extends DeviceAuthorization {
  /** A public identifier, used in events and for the state in the store. */
  readonly id: string
  /** In seconds since the epoch. */
  readonly startedAt: number
  /** The provider's name. */
  readonly provider: string
  readonly registration: string
  readonly scope: string
  /** The path of this application to return to. If it is too long for the cookie, it is read from the page's URL. */
  readonly returnTo?: string
}

/** How long a device login is kept after its code has expired, for approvals in the last moment. In seconds. */
export const GRACE = 60

/** The longest `returnTo` in the cookie, so that it fits into one request with the cookies of logins. In characters. */
export const MAX_RETURN_TO = 256

/** The longest cookie that browsers accept, less room for its attributes. In bytes. */
const MAX_COOKIE = 3800

/** Stores a device login in the browser until it can no longer succeed. */
export function storeDevice(config: Config, res: Response, transaction: DeviceTransaction): void {
  const name = cookieName(config)
  const sealed = config.sealer.seal('device-transaction', name, JSON.stringify(transaction))
  if (name.length + sealed.length > MAX_COOKIE) {
    throw new RelyingPartyError('ERR_TOKEN_RESPONSE_INVALID', 'the provider sent an unexpected response', {
      hint: 'the device authorization response is too long for a cookie',
    })
  }
  const maxAge = Math.max(0, Math.ceil((transaction.expiresAt + GRACE) * 1000 - Date.now()))
  res.cookie(name, sealed, { ...cookieAttributes(config), maxAge })
}

/** Returns the device login of this browser, unless it has expired. */
export function findDevice(config: Config, req: Request): DeviceTransaction | undefined {
  const name = cookieName(config)
  const sealed = readCookie(req, name)
  const opened = sealed === undefined ? undefined : config.sealer.unseal('device-transaction', name, sealed)
  if (!opened) return undefined
  const transaction = JSON.parse(opened.toString('utf8')) as DeviceTransaction
  return (transaction.expiresAt + GRACE) * 1000 > Date.now() ? transaction : undefined
}

/** Removes the device login of this browser. */
export function clearDevice(config: Config, res: Response): void {
  res.clearCookie(cookieName(config), cookieAttributes(config))
}

function cookieName(config: Config): string {
  return prefixed(config, 'rp.device')
}
