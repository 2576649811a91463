import { stringifySetCookie } from 'cookie'
import type { Request, Response } from 'express'
import { isEqual } from '../lib/equal.js'
import { decodeTransaction, encodeTransaction, type Transaction, transactionValues } from '../protocol/transaction.js'
import { cookieAttributes, prefixed, readCookie, readCookies } from '../request/cookies.js'
import type { Config } from '../setup/config.js'

/*
 * Logins that start at the same time do not see each other's cookies, so each needs its own, and no request can limit
 * their number. Request headers stay small because the cookie is tiny: 36 bytes, or 6.5 KB if all the 180 cookies that a
 * browser keeps for a site are such cookies. Everything else about the login is in the sealed state.
 *
 * `__Host-rp.` + time (2) + random (5) = random (16): 126 random bits, derived from the seed in the state.
 */

/** The characters of base64url. */
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** The format of a name after its prefix. No other cookie of this package may have a name of this length. */
const SUFFIX = /^[\w-]{7}$/

const NAME_LENGTH = 5
const VALUE_LENGTH = 16

/** The modulus of the times in names, which exceeds the longest lifetime of a login. In seconds. */
const PERIOD = 4096

/** The greatest difference between the clocks of processes. In seconds. */
const TOLERANCE = 300

/** The most cookies that one response removes: proxies limit response headers, too. */
const MAX_REMOVED = 24

/** The format of a state, with room for a `returnTo`, a scope and `acr` values of 2,048 characters each. */
const STATE = /^[\w-]{100,8192}$/

type StateConfig = Pick<Config, 'origin' | 'paths' | 'secure' | 'sealer' | 'transactions'>

/** Seals a transaction into the `state` of its authorization request. */
export function sealState(config: StateConfig, transaction: Transaction): string {
  return config.sealer.seal('login-transaction', audience(config), encodeTransaction(transaction))
}

/**
 * Binds a transaction to this browser with a cookie. The oldest cookies are dropped if there are too many.
 *
 * @param crossSite - whether the response will be a cross-site POST, with which browsers send only `SameSite=None` cookies
 */
export function bindTransaction(
  config: StateConfig,
  req: Request,
  res: Response,
  transaction: Transaction,
  crossSite: boolean,
): void {
  dropSurplus(config, req, res, 1)
  const { name, value } = bindingCookie(config, transaction)
  res.cookie(name, value, { ...cookieAttributes(config, crossSite), maxAge: config.transactions.lifetime * 1000 })
}

/** The result of looking for the login of a state. */
export type FoundTransaction =
  | { readonly found: 'none' | 'unreadable' }
  | { readonly found: 'expired' | 'valid'; readonly transaction: Transaction }

/** Unseals a state, if this browser started the login. */
export function findTransaction(config: StateConfig, req: Request, state: string): FoundTransaction {
  if (!isState(state)) return { found: 'none' }
  const bytes = unseal(config, state)
  if (!bytes) return { found: 'unreadable' }
  const transaction = decodeTransaction(bytes)
  const { name, value } = bindingCookie(config, transaction)
  const shown = readCookie(req, name)
  if (shown === undefined || !isEqual(shown, value)) return { found: 'none' }
  const age = Date.now() / 1000 - transaction.startedAt
  return { found: age > config.transactions.lifetime ? 'expired' : 'valid', transaction }
}

/** Returns whether a value is a state sealed by this application, for any browser. */
export function isOwnState(config: StateConfig, value: string): boolean {
  return isState(value) && unseal(config, value) !== undefined
}

function isState(value: string): boolean {
  return STATE.test(value)
}

function unseal(config: StateConfig, state: string): Buffer | undefined {
  return config.sealer.unseal('login-transaction', audience(config), state)
}

/** Removes the cookie of a transaction. */
export function unbindTransaction(
  config: StateConfig,
  res: Response,
  transaction: Transaction,
  crossSite: boolean,
): void {
  res.clearCookie(bindingCookie(config, transaction).name, cookieAttributes(config, crossSite))
}

const removedFor = new WeakMap<Request, Set<string>>()

/**
 * Removes the oldest login cookies beyond `transactions.max`. Logins that started at the same time are counted by later
 * requests.
 *
 * @param room - the number of logins about to start
 */
export function dropSurplus(config: StateConfig, req: Request, res: Response, room = 0): void {
  const cookies = readCookies(req, prefixed(config, 'rp.'), SUFFIX)
  if (cookies.size + room <= config.transactions.max) return
  const removed = removedFor.get(req) ?? new Set()
  removedFor.set(req, removed)
  const names = oldestFirst(config, [...cookies.keys()]).filter((name) => !removed.has(name))
  const surplus = Math.min(names.length + room - config.transactions.max, MAX_REMOVED - removed.size)
  for (const name of names.slice(0, Math.max(0, surplus))) {
    removed.add(name)
    // Over http, which is for development, only a `Secure` cookie removes a `Secure` cookie.
    for (const secure of config.secure ? [true] : [true, false]) {
      res.append('Set-Cookie', stringifySetCookie({ name, value: '', maxAge: 0, path: '/', secure }))
    }
  }
}

/** Sorts cookie names by age. Browsers send cookies of the same second oldest first. */
function oldestFirst(config: StateConfig, names: readonly string[]): string[] {
  const start = prefixed(config, 'rp.').length
  const now = Math.floor(Date.now() / 1000)
  const age = (name: string) => {
    const time = ALPHABET.indexOf(name.charAt(start)) * 64 + ALPHABET.indexOf(name.charAt(start + 1))
    return (((now + TOLERANCE - time) % PERIOD) + PERIOD) % PERIOD
  }
  return [...names].sort((a, b) => age(b) - age(a))
}

function bindingCookie(config: StateConfig, transaction: Transaction): { name: string; value: string } {
  const { binding } = transactionValues(transaction)
  const time = transaction.startedAt % PERIOD
  const suffix = ALPHABET.charAt(time >> 6) + ALPHABET.charAt(time & 63) + binding.slice(0, NAME_LENGTH)
  const value = binding.slice(NAME_LENGTH, NAME_LENGTH + VALUE_LENGTH)
  return { name: prefixed(config, `rp.${suffix}`), value }
}

/** Makes a state invalid at other deployments and callbacks with the same secret. */
function audience({ origin, paths }: StateConfig): string {
  return origin + paths.callback
}
