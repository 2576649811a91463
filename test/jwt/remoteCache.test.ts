import { beforeEach, describe, expect, it, vi } from 'vitest'
import { RemoteCache } from '../../src/jwt/remoteCache.js'
import { fakeDate } from '../support/run/waiting.js'

interface Document {
  readonly version: number
}

const KEY = 'https://issuer.example'

/** Minutes and hours, in milliseconds. */
const MINUTE = 60_000
const HOUR = 60 * MINUTE

beforeEach(fakeDate)

/** An endpoint that counts its requests, returns a new version each time, and can fail. */
function endpoint() {
  let requests = 0
  const state = {
    fails: false,
    get requests() {
      return requests
    },
    load: async (): Promise<Document> => {
      requests++
      await new Promise((resolve) => setImmediate(resolve))
      if (state.fails) throw new Error('the endpoint fails')
      return { version: requests }
    },
  }
  return state
}

function pass(milliseconds: number): void {
  vi.setSystemTime(Date.now() + milliseconds)
}

describe('a cache of remote documents', () => {
  it('makes one request for any number of concurrent calls', async () => {
    const cache = new RemoteCache<Document>({ max: 10 })
    const remote = endpoint()
    const answers = await Promise.all(Array.from({ length: 50 }, async () => cache.get(KEY, remote.load)))
    expect(remote.requests).toBe(1)
    expect(new Set(answers).size).toBe(1)
  })

  it('serves a document for 10 minutes without a request, then loads it again', async () => {
    const cache = new RemoteCache<Document>({ max: 10 })
    const remote = endpoint()
    await cache.get(KEY, remote.load)
    pass(10 * MINUTE - 1)
    expect(await cache.get(KEY, remote.load)).toEqual({ version: 1 })
    pass(1)
    expect(await cache.get(KEY, remote.load)).toEqual({ version: 2 })
    expect(remote.requests).toBe(2)
  })

  it('serves a stale document for 24 hours while the endpoint fails, and no longer', async () => {
    const cache = new RemoteCache<Document>({ max: 10 })
    const remote = endpoint()
    await cache.get(KEY, remote.load)
    remote.fails = true
    const loadedAt = Date.now()
    for (const age of [11 * MINUTE, 1 * HOUR, 24 * HOUR - 1]) {
      vi.setSystemTime(loadedAt + age)
      expect(await cache.get(KEY, remote.load)).toEqual({ version: 1 })
    }
    pass(1)
    await expect(cache.get(KEY, remote.load)).rejects.toThrow('the endpoint fails')
  })

  it('retries a failing endpoint once per 30 seconds while it serves a stale document', async () => {
    const cache = new RemoteCache<Document>({ max: 10 })
    const remote = endpoint()
    await cache.get(KEY, remote.load)
    remote.fails = true
    pass(11 * MINUTE)
    for (let i = 0; i < 20; i++) await cache.get(KEY, remote.load)
    expect(remote.requests).toBe(2)
    pass(30_000)
    await cache.get(KEY, remote.load)
    expect(remote.requests).toBe(3)
  })

  it('uses the endpoint again once it recovers', async () => {
    const cache = new RemoteCache<Document>({ max: 10 })
    const remote = endpoint()
    await cache.get(KEY, remote.load)
    remote.fails = true
    pass(11 * MINUTE)
    await cache.get(KEY, remote.load)
    remote.fails = false
    pass(30_000)
    expect(await cache.get(KEY, remote.load)).toEqual({ version: 3 })
  })

  it('rejects if nothing is cached, and succeeds at once when the endpoint recovers', async () => {
    const cache = new RemoteCache<Document>({ max: 10 })
    const remote = endpoint()
    remote.fails = true
    await expect(cache.get(KEY, remote.load)).rejects.toThrow('the endpoint fails')
    remote.fails = false
    expect(await cache.get(KEY, remote.load)).toEqual({ version: 2 })
  })

  it('holds no more documents than its bound', async () => {
    const cache = new RemoteCache<Document>({ max: 3 })
    const first = endpoint()
    await cache.get(KEY, first.load)
    for (let i = 0; i < 3; i++) await cache.get(`${KEY}/${i}`, endpoint().load)
    await cache.get(KEY, first.load)
    expect(first.requests).toBe(2)
  })
})

describe('a refetch, for something missing from a document', () => {
  it('loads at once, then not again within 30 seconds', async () => {
    const cache = new RemoteCache<Document>({ max: 10 })
    const remote = endpoint()
    await cache.get(KEY, remote.load)
    expect(await cache.refetch(KEY, remote.load)).toEqual({ version: 2 })
    for (let i = 0; i < 20; i++) expect(await cache.refetch(KEY, remote.load)).toBeUndefined()
    pass(29_999)
    expect(await cache.refetch(KEY, remote.load)).toBeUndefined()
    pass(1)
    expect(await cache.refetch(KEY, remote.load)).toEqual({ version: 3 })
    expect(remote.requests).toBe(3)
  })

  it('shares one request among concurrent calls', async () => {
    const cache = new RemoteCache<Document>({ max: 10 })
    const remote = endpoint()
    await cache.get(KEY, remote.load)
    const answers = await Promise.all(Array.from({ length: 50 }, async () => cache.refetch(KEY, remote.load)))
    expect(remote.requests).toBe(2)
    expect(answers).toEqual(Array.from({ length: 50 }, () => ({ version: 2 })))
  })

  it('fails while the endpoint fails, keeps the cached document and respects the cooldown', async () => {
    const cache = new RemoteCache<Document>({ max: 10 })
    const remote = endpoint()
    await cache.get(KEY, remote.load)
    remote.fails = true
    for (let i = 0; i < 3; i++) await expect(cache.refetch(KEY, remote.load)).rejects.toThrow()
    expect(remote.requests).toBe(2)
    expect(await cache.get(KEY, remote.load)).toEqual({ version: 1 })
    remote.fails = false
    await expect(cache.refetch(KEY, remote.load)).rejects.toThrow()
    pass(30_000)
    expect(await cache.refetch(KEY, remote.load)).toEqual({ version: 3 })
  })
})
