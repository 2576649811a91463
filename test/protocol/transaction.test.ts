import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createSealer } from '../../src/lib/seal.js'
import {
  createTransaction,
  decodeTransaction,
  encodeTransaction,
  type Transaction,
  transactionValues,
} from '../../src/protocol/transaction.js'
import { SECRET } from '../support/bed/app.js'

const FIELDS = { provider: 'default', registration: 'abcdefghijklmnop', returnTo: '/' }

const fields = fc
  .record(
    {
      provider: fc.string({ minLength: 1 }),
      registration: fc.uint8Array({ minLength: 12, maxLength: 12 }).map((b) => Buffer.from(b).toString('base64url')),
      returnTo: fc.webPath(),
      sessionId: fc.string(),
      scope: fc.string(),
      maxAge: fc.nat(),
      acr: fc.array(fc.string()),
    },
    { requiredKeys: ['provider', 'registration', 'returnTo'] },
  )
  .map((record) => record as Omit<Transaction, 'seed' | 'startedAt'>)

describe('a transaction', () => {
  it('is the same once encoded and decoded, whatever it contains', () => {
    fc.assert(
      fc.property(fields, (given) => {
        const transaction = createTransaction(given)
        expect(decodeTransaction(encodeTransaction(transaction))).toEqual(transaction)
        expect(transaction).toMatchObject(given)
      }),
    )
  })

  it('is unsealed unchanged, and not at all once a character is changed', () => {
    const sealer = createSealer([SECRET])
    fc.assert(
      fc.property(fields, fc.nat(), (given, at) => {
        const transaction = createTransaction(given)
        const sealed = sealer.seal('login-transaction', 'name', encodeTransaction(transaction))
        const opened = sealer.unseal('login-transaction', 'name', sealed)
        expect(opened && decodeTransaction(opened)).toEqual(transaction)
        // The last character may hold bits that do not count.
        const place = at % (sealed.length - 1)
        const changed = sealed.slice(0, place) + (sealed[place] === 'A' ? 'B' : 'A') + sealed.slice(place + 1)
        expect(sealer.unseal('login-transaction', 'name', changed)).toBeUndefined()
      }),
    )
  })

  it('derives a unique nonce, code_verifier and binding of 256 bits each', () => {
    const values = Array.from({ length: 50 }, () => transactionValues(createTransaction(FIELDS)))
    const all = values.flatMap(({ nonce, codeVerifier, binding }) => [nonce, codeVerifier, binding])
    expect(new Set(all).size).toBe(150)
    for (const value of all) expect(value).toMatch(/^[A-Za-z0-9_-]{43}$/)
  })

  it('returns the same values each time', () => {
    const transaction = createTransaction(FIELDS)
    expect(transactionValues(decodeTransaction(encodeTransaction(transaction)))).toEqual(transactionValues(transaction))
  })

  it('has an identifier that reveals nothing else', () => {
    const { id, ...secrets } = transactionValues(createTransaction(FIELDS))
    expect(id).toMatch(/^[\w-]{16}$/)
    for (const secret of Object.values(secrets)) expect(secret).not.toContain(id)
  })

  it('compresses returnTo only if that makes it shorter', () => {
    const sizeOf = (returnTo: string) => encodeTransaction(createTransaction({ ...FIELDS, returnTo })).length
    expect(sizeOf('/ab') - sizeOf('/')).toBe(2)
    expect(sizeOf(`/${'x'.repeat(2047)}`)).toBeLessThan(sizeOf('/') + 30)
  })
})
