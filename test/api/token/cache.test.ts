import { beforeEach, describe, expect, it, vi } from 'vitest'
import { VerifiedTokens, type VerifiedTokensOptions } from '../../../src/api/token/cache.js'
import type { Verdict } from '../../../src/api/token/verify.js'
import { fakeDate } from '../../support/run/waiting.js'

const seconds = () => Date.now() / 1000

beforeEach(() => {
  fakeDate()
})

/** Counts how often tokens are verified, each with the verdict that `verdictOf` returns. */
function counting(options: Partial<VerifiedTokensOptions> = {}, verdictOf?: (token: string) => Verdict) {
  const key = { key: {} as CryptoKey, current: true }
  const verified: string[] = []
  const tokens = new VerifiedTokens(
    async (token) => {
      verified.push(token)
      return verdictOf?.(token) ?? { claims: { sub: token }, scopes: [], issuer: 'i', expiresAt: seconds() + 600, key }
    },
    { ttl: 60, max: 5000, ...options },
  )
  return { tokens, verified, key }
}

describe('the cache of verified JWTs', () => {
  it('verifies a token once, and is synchronous from then on', async () => {
    const { tokens, verified } = counting()
    const first = await tokens.verify('a')
    expect(tokens.verify('a')).toBe(first)
    await tokens.verify('b')
    expect(verified).toEqual(['a', 'b'])
  })

  it('verifies a token once for concurrent calls', async () => {
    const { tokens, verified } = counting()
    await Promise.all(Array.from({ length: 20 }, async () => tokens.verify('a')))
    expect(verified).toEqual(['a'])
  })

  it('holds a token no longer than its lifetime', async () => {
    const { tokens, verified } = counting({ ttl: 10 })
    await tokens.verify('a')
    vi.setSystemTime(Date.now() + 9_999)
    expect(tokens.verify('a')).not.toBeInstanceOf(Promise)
    vi.setSystemTime(Date.now() + 1)
    await tokens.verify('a')
    expect(verified).toEqual(['a', 'a'])
  })

  it('holds no token beyond its expiry, and none that has expired within the tolerance', async () => {
    const expiresAt = seconds() + 5
    const { tokens, verified, key } = counting({}, () => ({ claims: {}, scopes: [], issuer: 'i', expiresAt, key }))
    await tokens.verify('a')
    vi.setSystemTime(Date.now() + 4_999)
    await tokens.verify('a')
    expect(verified).toHaveLength(1)
    vi.setSystemTime(Date.now() + 1)
    await tokens.verify('a')
    await tokens.verify('a')
    expect(verified).toHaveLength(3)
  })

  it('drops a token with its key', async () => {
    const { tokens, verified, key } = counting()
    await tokens.verify('a')
    key.current = false
    await tokens.verify('a')
    expect(verified).toEqual(['a', 'a'])
  })

  it('holds no refusal', async () => {
    const { tokens, verified } = counting({}, () => ({ message: 'no', claim: 'signature' }))
    await tokens.verify('a')
    await tokens.verify('a')
    expect(verified).toEqual(['a', 'a'])
  })

  it('holds nothing that no key verified: the state of an introspected token may change at any time', async () => {
    const { tokens, verified } = counting({}, () => ({ claims: {}, scopes: [], issuer: 'i', expiresAt: Infinity }))
    await tokens.verify('a')
    await tokens.verify('a')
    expect(verified).toEqual(['a', 'a'])
  })

  it('forgets a verification that failed', async () => {
    let down = true
    const { tokens } = counting({}, () => {
      if (down) throw new Error('down')
      return { claims: {}, scopes: [], issuer: 'i', expiresAt: seconds() + 600 }
    })
    await expect(tokens.verify('a')).rejects.toThrow('down')
    down = false
    await expect(tokens.verify('a')).resolves.toMatchObject({ issuer: 'i' })
  })

  it('holds no more tokens than its bound', async () => {
    const { tokens, verified } = counting({ max: 2 })
    for (const token of ['a', 'b', 'c', 'c', 'b', 'a']) await tokens.verify(token)
    expect(verified).toEqual(['a', 'b', 'c', 'a'])
  })

  it('holds no token over 8 KiB', async () => {
    const { tokens, verified } = counting()
    for (const length of [8192, 8192, 8193, 8193]) await tokens.verify('a'.repeat(length))
    expect(verified.map(({ length }) => length)).toEqual([8192, 8193, 8193])
  })

  it('is disabled with 0', async () => {
    const { tokens, verified } = counting({ ttl: 0 })
    await tokens.verify('a')
    await tokens.verify('a')
    expect(verified).toEqual(['a', 'a'])
  })
})
