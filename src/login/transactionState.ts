import { stringifySetCookie } from 'cookie'
import type { Request, Response } from 'express'
import { isEqual } from '../lib/equal.js'
import { decodeTransaction, encodeTransaction, type Transaction, transactionValues } from '../protocol/transaction.js'
import { cookieAttributes, prefixed, readCookie, readCookies } from '../request/cookies.js'
import type { Config } from '../setup/config.js'

/*
 * Logins that begin at once know nothing of each other's cookies, so that each needs one of its own, and no request can
 * limit them. What bounds a request is that the cookie is tiny: 36 bytes of a header, 6.5 KB if a browser has nothing else
 * in the 180 cookies it keeps for a site. All else about the login is in the sealed state.
 *
 * `__Host-rp.` + time (2) + random (5) = random (16): 126 random bits, derived from the seed in the state.
 */

/** The characters of base64url. */
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** The form of a name after its prefix. No other cookie of this package may have a name of this length. */
const SUFFIX = /^[\w-]{7}$/

const NAME_LENGTH = 5
const VALUE_LENGTH = 16

/** Times in names count modulo this: more than the longest lifetime of a login. In seconds. */
const PERIOD = 4096

/** How far the clocks of processes may differ. In seconds. */
const TOLERANCE = 300

/** How many cookies one response removes: proxies limit the headers of responses, too. */
const MAX_REMOVED = 24

/** The form of a state. In characters, with room for a `returnTo`, a scope and `acr` values of 2,048 each. */
const STATE = /^[\w-]{100,8192}$/

type StateConfig = Pick<Config, 'origin' | 'paths' | 'secure' | 'sealer' | 'transactions'>

/** Seals a transaction into the `state` of its authorization request. */
export function sealState(config: StateConfig, transaction: Transaction): string {
  return config.sealer.seal('login-transaction', audience(config), encodeTransaction(transaction))
}

/**
 * Binds a transaction to this browser by a cookie of its own. The oldest are dropped if there are too many.
 *
 * @param crossSite - whether the response will come by a cross-site POST, to which only `SameSite=None` cookies come
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

/** What a request knows of the login that a state belongs to. */
export type FoundTransaction =
  | { readonly found: 'none' | 'unreadable' }
  | { readonly found: 'expired' | 'valid'; readonly transaction: Transaction }

/** Opens a state, if this browser began the login. */
export function findTransaction(config: StateConfig, req: Request, state: string): FoundTransaction {
  if (!isState(state)) return { found: 'none' }
  const bytes = open(config, state)
  if (!bytes) return { found: 'unreadable' }
  const transaction = decodeTransaction(bytes)
  const { name, value } = bindingCookie(config, transaction)
  const shown = readCookie(req, name)
  if (shown === undefined || !isEqual(shown, value)) return { found: 'none' }
  const age = Date.now() / 1000 - transaction.startedAt
  return { found: age > config.transactions.lifetime ? 'expired' : 'valid', transaction }
}

/** Checks whether a value from outside is a state that this application has sealed, for whichever browser. */
export function isOwnState(config: StateConfig, value: string): boolean {
  return isState(value) && open(config, value) !== undefined
}

function isState(value: string): boolean {
  return STATE.test(value)
}

function open(config: StateConfig, state: string): Buffer | undefined {
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
 * Removes the oldest cookies of logins beyond `transactions.max`: those that began at once are counted by any later
 * request.
 *
 * @param room - how many more logins there will be
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
    // Over http, which is for development, a cookie that was set `Secure` is only removed by one that is too.
    for (const secure of config.secure ? [true] : [true, false]) {
      res.append('Set-Cookie', stringifySetCookie({ name, value: '', maxAge: 0, path: '/', secure }))
    }
  }
}

/** Sorts the names of cookies. Of one second, browsers send the oldest first. */
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

/** Keeps a state from counting at another deployment, or another callback, that has the same secret. */
function audience({ origin, paths }: StateConfig): string {
  return origin + paths.callback
}
