import { setTimeout as wait } from 'node:timers/promises'
import { type createClient, type createCluster, type createSentinel, RESP_TYPES } from 'redis'
import { afterAll, beforeAll, describe, expect, expectTypeOf, it } from 'vitest'
import { type RedisClient, redisStore } from '../../src/redis.js'
import { configurationErrorSaying } from '../support/run/configurationError.js'
import { describeWith } from '../support/run/requirements.js'
import { describeAuthStore, operationsOf, type StoreUnderTest } from '../support/stores/authStoreContract.js'
import { connectRedis } from '../support/stores/redis.js'

describeWith('redis', 'redisStore', (url) => {
  async function underTest(): Promise<StoreUnderTest> {
    const clients = await Promise.all([connectRedis(url), connectRedis(url)])
    const [client, other] = clients
    return {
      store: redisStore(client),
      sibling: redisStore(other),
      elapse: (seconds) => wait(seconds * 1000),
      fail: () => client.destroy(),
      close: () => clients.forEach((each) => void (each.isOpen && each.destroy())),
    }
  }

  describeAuthStore('over a Redis server', underTest)

  describe('operations', () => {
    let client: Awaited<ReturnType<typeof connectRedis>>

    beforeAll(async () => {
      client = await connectRedis(url)
    })

    afterAll(() => client.destroy())

    it('need no script that the server remembers, as one that was restarted does not', async () => {
      const store = redisStore(client, { prefix: 'scripts:' })
      await store.set('key', 'one', 60)
      expect(await store.replace('key', 'one', 'two', 60)).toBe(true)
      await client.scriptFlush()
      expect(await store.replace('key', 'two', 'three', 60)).toBe(true)
      await client.scriptFlush()
      expect(await store.remove('key', 'two')).toBe(false)
      expect(await store.remove('key', 'three')).toBe(true)
    })

    it('read the same values from a client that returns Buffers: a value never looks absent', async () => {
      const store = redisStore(client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer }), { prefix: 'buffers:' })
      await store.remove('key')
      expect(await store.get('key')).toBeUndefined()
      expect(await store.add('key', 'Zoë', 60)).toBe(true)
      expect(await store.add('key', 'two', 60)).toBe(false)
      expect(await store.get('key')).toBe('Zoë')
      expect(await store.replace('key', 'Zoë', 'two', 60)).toBe(true)
      expect(await store.remove('key', 'two')).toBe(true)
    })

    it('are errors where the server refuses them, and do not look like an absent key', async () => {
      const store = redisStore(client, { prefix: 'wrong:' })
      await client.del('wrong:key')
      await client.lPush('wrong:key', 'of another type')
      await expect(store.get('key')).rejects.toThrow(/WRONGTYPE/)
      await expect(store.replace('key', 'a', 'b', 60)).rejects.toThrow(/WRONGTYPE/)
      await expect(store.remove('key', 'a')).rejects.toThrow(/WRONGTYPE/)
    })
  })

  describe('keys', () => {
    let client: Awaited<ReturnType<typeof connectRedis>>

    beforeAll(async () => {
      client = await connectRedis(url)
    })

    afterAll(() => client.destroy())

    it('begin with the prefix, so that applications share a server', async () => {
      const one = redisStore(client, { prefix: 'one:' })
      await one.set('key', 'value', 60)
      expect(await redisStore(client, { prefix: 'two:' }).get('key')).toBeUndefined()
      expect(await client.get('one:key')).toBe('value')
    })

    it('expire by themselves in the server', async () => {
      const store = redisStore(client, { prefix: 'ttl:' })
      await store.set('set', 'value', 60)
      await store.add('add', 'value', 60)
      await store.replace('set', 'value', 'value', 30)
      expect(await client.pTTL('ttl:add')).toBeGreaterThan(55_000)
      expect(await client.pTTL('ttl:set')).toBeLessThanOrEqual(30_000)
      expect(await client.pTTL('ttl:set')).toBeGreaterThan(0)
    })
  })
})

describe('the options of redisStore', () => {
  const client = { get: async () => null, set: async () => 'OK', eval: async () => 1 }

  it('take a prefix', () => {
    expect(() => redisStore(client, { prefix: 'app:' })).not.toThrow()
  })

  it('refuse a prefix that would choose the slot in a cluster, and what is no option', () => {
    expect(() => redisStore(client, { prefix: '{app}:' })).toThrow(/redisStore\.prefix must be/)
    expect(() => redisStore(client, { prefx: 'app:' } as object)).toThrow(
      configurationErrorSaying('did you mean prefix'),
    )
  })

  it('limit the time of every command, and ignore what comes later', async () => {
    let answer: (value: string) => void = () => {}
    const late = () =>
      new Promise<string>((resolve) => {
        answer = resolve
      })
    const store = redisStore({ get: late, set: late, eval: late }, { timeout: 0.02 })
    for (const operation of operationsOf(store)) {
      await expect(operation()).rejects.toThrow('Redis did not answer within 0.02 s')
      answer('OK')
    }
  })

  it('fit clients, clusters and sentinels of node-redis', () => {
    type Clients =
      | ReturnType<typeof createClient>
      | ReturnType<typeof createCluster>
      | ReturnType<typeof createSentinel>
    expectTypeOf<Clients>().toExtend<RedisClient>()
  })

  it('touch one key in every operation, so that a cluster can carry each out', async () => {
    const keys: (string | string[])[] = []
    const store = redisStore({
      get: async (key) => void keys.push(key),
      set: async (key) => void keys.push(key),
      eval: async (_, options) => void keys.push(options.keys),
    })
    await store.get('a')
    await store.set('a', '1', 1)
    await store.add('a', '1', 1)
    await store.replace('a', '1', '2', 1)
    await store.remove('a')
    await store.remove('a', '1')
    expect(keys).toEqual(['rp:a', 'rp:a', 'rp:a', ['rp:a'], ['rp:a'], ['rp:a']])
  })
})
