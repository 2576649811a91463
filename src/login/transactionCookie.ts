import type { CookieOptions, Request, Response } from 'express'
import {
  decodeTransaction,
  encodeTransaction,
  isStateOf,
  type Transaction,
  transactionId,
  transactionValues,
} from '../protocol/transaction.js'
import { prefixed, readCookie, readCookies } from '../request/cookies.js'
import type { Config } from '../setup/config.js'

/** The form of the identifier in a cookie's name. Cookies of other forms are not of this package. */
const ID = /^[\w-]{16}$/

/** The most that the cookies of all logins under way may take up in a request. In bytes. */
const MAX_BYTES = 4096

type CookieConfig = Pick<Config, 'secure' | 'sealer' | 'transactions'>

/**
 * Stores a transaction in a cookie of its own, named after the state. The oldest give way when there are too many.
 *
 * @param crossSite - whether the response will come by a cross-site POST, to which only `SameSite=None` cookies come
 */
export function storeTransaction(
  config: CookieConfig,
  req: Request,
  res: Response,
  transaction: Transaction,
  crossSite: boolean,
): void {
  const name = cookieName(config, transactionId(transactionValues(transaction).state))
  const value = config.sealer.seal('login-transaction', name, encodeTransaction(transaction))
  makeRoom(config, req, res, name.length + value.length, crossSite)
  res.cookie(name, value, {
    ...attributes(config, crossSite),
    maxAge: config.transactions.lifetime * 1000,
  })
}

/** What a request knows of the login that a state belongs to. */
export type FoundTransaction =
  | { readonly found: 'none' | 'unreadable' }
  | { readonly found: 'expired' | 'valid'; readonly transaction: Transaction }

/** Finds the transaction of a state among the request's cookies. */
export function findTransaction(config: CookieConfig, req: Request, state: string): FoundTransaction {
  const name = cookieName(config, transactionId(state))
  const value = readCookie(req, name)
  if (value === undefined) return { found: 'none' }
  const transaction = open(config, name, value)
  if (!transaction || !isStateOf(transaction, state)) return { found: 'unreadable' }
  const age = Date.now() / 1000 - transaction.startedAt
  return { found: age > config.transactions.lifetime ? 'expired' : 'valid', transaction }
}

/** Removes the cookie of a state's transaction. */
export function clearTransaction(config: CookieConfig, res: Response, state: string, crossSite: boolean): void {
  clear(config, res, cookieName(config, transactionId(state)), crossSite)
}

function cookieName(config: CookieConfig, id: string): string {
  return prefixed(config, `rp.tx.${id}`)
}

function open(config: CookieConfig, name: string, value: string): Transaction | undefined {
  const bytes = config.sealer.unseal('login-transaction', name, value)
  return bytes && decodeTransaction(bytes)
}

/** Removes the oldest transactions until a new one fits. Those that cannot be opened go first. */
function makeRoom(config: CookieConfig, req: Request, res: Response, needed: number, crossSite: boolean): void {
  const cookies = [...readCookies(req, cookieName(config, ''), ID)]
  let count = cookies.length
  let bytes = cookies.reduce((sum, [name, value]) => sum + name.length + value.length, 0)
  if (count < config.transactions.max && bytes + needed <= MAX_BYTES) return
  const oldestFirst = cookies
    .map(([name, value]) => ({ name, size: name.length + value.length, at: open(config, name, value)?.startedAt ?? 0 }))
    .sort((a, b) => a.at - b.at)
  for (const { name, size } of oldestFirst) {
    if (count < config.transactions.max && bytes + needed <= MAX_BYTES) return
    clear(config, res, name, crossSite)
    count -= 1
    bytes -= size
  }
}

/** A cookie that was set `Secure` over http, on this machine, is only removed by one that is too. */
function clear(config: CookieConfig, res: Response, name: string, crossSite: boolean): void {
  res.clearCookie(name, attributes(config, crossSite))
}

/** `SameSite=None` needs `Secure`, which browsers also take from this machine over http. */
function attributes({ secure }: CookieConfig, crossSite: boolean): CookieOptions {
  return { path: '/', httpOnly: true, secure: secure || crossSite, sameSite: crossSite ? 'none' : 'lax' }
}
