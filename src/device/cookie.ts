import type { Request, Response } from 'express'
import { RelyingPartyError } from '../errors.js'
import type { DeviceAuthorization } from '../protocol/device.js'
import { cookieAttributes, prefixed, readCookie } from '../request/cookies.js'
import type { Config } from '../setup/config.js'

/**
 * A device login in progress, kept in a sealed cookie: only the browser that began it has the device code, and strangers
 * cost no memory.
 */
export interface DeviceTransaction extends DeviceAuthorization {
  /** A public identifier, which names the state in the store and stands in events. */
  readonly id: string
  /** In seconds since the epoch. */
  readonly startedAt: number
  /** The provider's name. */
  readonly provider: string
  readonly registration: string
  readonly scope: string
  /** Where the user goes after login: a path of this application. If it is too long to keep, the page's URL has it. */
  readonly returnTo?: string
}

/** How long a device login is remembered after its code has expired: to take what was approved last. In seconds. */
export const GRACE = 60

/** The longest `returnTo` that is kept: with the cookies of logins, all have to fit into one request. */
export const MAX_RETURN_TO = 256

/** The longest cookie that browsers keep, with room for its attributes. In bytes. */
const MAX_COOKIE = 3800

/** Keeps a device login in the browser while it may still end well. */
export function storeDevice(config: Config, res: Response, transaction: DeviceTransaction): void {
  const name = cookieName(config)
  const sealed = config.sealer.seal('device-transaction', name, JSON.stringify(transaction))
  if (name.length + sealed.length > MAX_COOKIE) {
    throw new RelyingPartyError('ERR_TOKEN_RESPONSE_INVALID', 'the provider did not answer as expected', {
      hint: 'the device authorization response is too long to be kept in a cookie',
    })
  }
  const maxAge = Math.max(0, Math.ceil((transaction.expiresAt + GRACE) * 1000 - Date.now()))
  res.cookie(name, sealed, { ...cookieAttributes(config), maxAge })
}

/** Returns the device login that this browser has in progress, unless its time is over. */
export function findDevice(config: Config, req: Request): DeviceTransaction | undefined {
  const name = cookieName(config)
  const sealed = readCookie(req, name)
  const opened = sealed === undefined ? undefined : config.sealer.unseal('device-transaction', name, sealed)
  if (!opened) return undefined
  const transaction = JSON.parse(opened.toString('utf8')) as DeviceTransaction
  return (transaction.expiresAt + GRACE) * 1000 > Date.now() ? transaction : undefined
}

/** Forgets the device login of this browser. */
export function clearDevice(config: Config, res: Response): void {
  res.clearCookie(cookieName(config), cookieAttributes(config))
}

function cookieName(config: Config): string {
  return prefixed(config, 'rp.device')
}
