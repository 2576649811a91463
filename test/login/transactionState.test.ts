import type { Request } from 'express'
import { describe, expect, it } from 'vitest'
import { createSealer } from '../../src/lib/seal.js'
import { findTransaction, isOwnState, sealState } from '../../src/login/transactionState.js'
import { createTransaction, transactionValues } from '../../src/protocol/transaction.js'
import { readCookie, readCookies } from '../../src/request/cookies.js'
import { SECRET } from '../support/bed/app.js'

const CONFIG = {
  sealer: createSealer([SECRET]),
  secure: true,
  origin: 'https://app.example.com',
  paths: { login: '/login', callback: '/callback', postLogout: '/' },
  transactions: { lifetime: 600, max: 20 },
}
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

const FIELDS = { provider: 'default', registration: 'abcdefghijklmnop', returnTo: '/' }

describe('findTransaction', () => {
  const begin = (fields = {}) => {
    const transaction = createTransaction({ ...FIELDS, ...fields })
    const state = sealState(CONFIG, transaction)
    const { binding } = transactionValues(transaction)
    // Two characters of base64url are twelve bits.
    const time = Buffer.alloc(3)
    time.writeUIntBE((transaction.startedAt % 4096) << 12, 0, 3)
    const name = `__Host-rp.${time.toString('base64url').slice(0, 2)}${binding.slice(0, 5)}`
    const value = binding.slice(5, 21)
    return { transaction, state, name, value, cookie: `${name}=${value}` }
  }

  it('finds a login by its state, in the browser that has its cookie', () => {
    const { transaction, state, cookie } = begin()
    expect(findTransaction(CONFIG, withCookies(cookie), state)).toEqual({ found: 'valid', transaction })
  })

  it('finds none in a browser that has no cookie of it, or that of another login', () => {
    const { state, name, value } = begin()
    const other = begin()
    for (const cookie of [
      undefined,
      '',
      other.cookie,
      `${name}=${other.value}`,
      `${other.name}=${value}`,
      `${name}=`,
      `${name}=${value}A`,
      `${name}=${value.slice(1)}`,
      `${name}=${value.toLowerCase().toUpperCase()}`,
      `\u00a0${name}=${value}`,
      `${name.replace('__Host-', '')}=${value}`,
    ]) {
      expect(findTransaction(CONFIG, withCookies(cookie), state)).toEqual({ found: 'none' })
    }
  })

  it('tells a state that is none from one that cannot be opened', () => {
    const { state, cookie } = begin()
    for (const none of ['', 'x', state.slice(0, 99), `${state}=`, `${state}\u00a0`, `${state}\n`, 'x'.repeat(8193)]) {
      expect(findTransaction(CONFIG, withCookies(cookie), none)).toEqual({ found: 'none' })
    }
    for (const unreadable of [
      (state.startsWith('A') ? 'B' : 'A') + state.slice(1),
      state.slice(0, -4),
      `${state}AAAA`,
      'x'.repeat(8192),
    ]) {
      expect(findTransaction(CONFIG, withCookies(cookie), unreadable)).toEqual({ found: 'unreadable' })
    }
  })

  it.each([
    ['address', { origin: 'https://other.example.com' }],
    ['scheme', { origin: 'http://app.example.com' }],
    ['callback', { paths: { ...CONFIG.paths, callback: '/admin/callback' } }],
    ['secret', { sealer: createSealer(['another secret of at least thirty-two characters']) }],
  ])('does not open at a deployment that has another %s', (_what, other) => {
    const { state, cookie } = begin()
    expect(findTransaction({ ...CONFIG, ...other }, withCookies(cookie), state)).toEqual({ found: 'unreadable' })
    expect(findTransaction({ ...CONFIG }, withCookies(cookie), state).found).toBe('valid')
  })

  it('opens after the secret was rotated', () => {
    const { state, cookie } = begin()
    const rotated = { ...CONFIG, sealer: createSealer(['another secret of at least thirty-two characters', SECRET]) }
    expect(findTransaction(rotated, withCookies(cookie), state).found).toBe('valid')
  })

  it('reads a state that was respelled as the same login, with the same identifier', () => {
    const { state, cookie, transaction } = begin()
    // Where the last character has bits that do not count, another one means the same.
    const last = state.at(-1) ?? ''
    const alphabet = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_']
    for (const character of alphabet.filter((each) => each !== last)) {
      const found = findTransaction(CONFIG, withCookies(cookie), state.slice(0, -1) + character)
      if ('transaction' in found) {
        expect(transactionValues(found.transaction).id).toBe(transactionValues(transaction).id)
      }
    }
  })
})

describe('a state', () => {
  const sizeOf = (returnTo: string) => {
    const state = sealState(CONFIG, createTransaction({ ...FIELDS, returnTo }))
    expect(isOwnState(CONFIG, state)).toBe(true)
    return state.length
  }

  it('is short for short addresses, so that providers take it that limit it (X: 500 characters)', () => {
    expect(sizeOf('/')).toBeLessThan(150)
    expect(sizeOf('/reports/2026/q3?filter=region%3Aemea&sort=-date&page=4&view=details')).toBeLessThan(250)
    expect(sizeOf(`/reports?${Array.from({ length: 40 }, (_, i) => `column=field${i}`).join('&')}`)).toBeLessThan(500)
  })

  it('has room for addresses of 2,048 characters that cannot be compressed', () => {
    const random = Array.from({ length: 64 }, () => transactionValues(createTransaction(FIELDS)).nonce).join('')
    expect(sizeOf(`/${random.slice(0, 2047)}`)).toBeLessThan(3000)
  })
})
