import type { Request } from 'express'
import { describe, expect, it } from 'vitest'
import { createSealer } from '../../src/lib/seal.js'
import { findTransaction } from '../../src/login/transactionCookie.js'
import {
  createTransaction,
  encodeTransaction,
  transactionId,
  transactionValues,
} from '../../src/protocol/transaction.js'
import { prefixed, readCookie, readCookies } from '../../src/request/cookies.js'
import { SECRET } from '../support/bed/app.js'

const sealer = createSealer([SECRET])
const CONFIG = { sealer, secure: true, transactions: { lifetime: 600, max: 20 } }
const withCookies = (cookie: string | undefined) => ({ headers: { cookie } }) as Request

describe('readCookies', () => {
  it.each([
    [undefined, {}],
    ['', {}],
    ['a=1; b=2', { a: '1', b: '2' }],
    ['a=1;b=2;a=3', { a: '1', b: '2' }],
    ['  a = 1 ;', { a: '1' }],
    ['a=b=c==', { a: 'b=c==' }],
    ['a', {}],
    ['=1; ;;', {}],
    ['__proto__=1', { ['__proto__']: '1' }],
  ])('reads %j', (header, expected) => {
    expect([...readCookies(withCookies(header), '', /./)]).toEqual(Object.entries(expected))
  })

  it('returns those of a prefix and a form only', () => {
    expect([
      ...readCookies(
        withCookies('rp.tx.a=1; rp.tx.c=3; rp.tx.a@=4; rp.tx.=5; other=2; xrp.tx.b=3'),
        'rp.tx.',
        /^[ab]$/,
      ).keys(),
    ]).toEqual(['rp.tx.a'])
  })
})

describe('readCookie', () => {
  it('strips spaces and tabs from a name, and no other white space, which browsers count to the name', () => {
    for (const stripped of ['', ' ', '\t', ' \t ']) {
      expect(readCookie(withCookies(`${stripped}__Host-rp.device${stripped}=1`), '__Host-rp.device')).toBe('1')
    }
    for (const kept of ['\u00a0', '\u0085', '\u000b', '\f', '\r', '\n', '\ufeff', '\u2003', '\u2028', '\u0000']) {
      for (const name of [`${kept}__Host-rp.device`, `__Host-rp.device${kept}`, `${kept} __Host-rp.device`]) {
        const req = withCookies(`${name}=1`)
        expect(readCookie(req, '__Host-rp.device')).toBeUndefined()
        expect(readCookies(req, '__Host-rp.', /^device$/).size).toBe(0)
      }
    }
  })
})

describe('findTransaction', () => {
  const begin = () => {
    const transaction = createTransaction({ provider: 'default', registration: 'abcdefghijklmnop', returnTo: '/' })
    const { state } = transactionValues(transaction)
    return { transaction, state, name: prefixed(CONFIG, `rp.tx.${transactionId(state)}`) }
  }

  it('finds a login by its state', () => {
    const { transaction, state, name } = begin()
    const sealed = sealer.seal('login-transaction', name, encodeTransaction(transaction))
    const found = findTransaction(CONFIG, withCookies(`${name}=${sealed}`), state)
    expect(found).toEqual({ found: 'valid', transaction })
  })

  it('takes no other login for it, not even one sealed under its name', () => {
    const { state, name } = begin()
    const sealed = sealer.seal('login-transaction', name, encodeTransaction(begin().transaction))
    expect(findTransaction(CONFIG, withCookies(`${name}=${sealed}`), state)).toEqual({ found: 'unreadable' })
  })

  it('tells a missing cookie from one that cannot be opened', () => {
    const { state, name } = begin()
    expect(findTransaction(CONFIG, withCookies(undefined), state)).toEqual({ found: 'none' })
    for (const value of ['', 'x', '%%%', 'a'.repeat(5000)]) {
      expect(findTransaction(CONFIG, withCookies(`${name}=${value}`), state)).toEqual({ found: 'unreadable' })
    }
  })
})
