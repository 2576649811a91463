import { setTimeout as wait } from 'node:timers/promises'
import { RedisStore } from 'connect-redis'
import type { Pool } from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { AuthStore } from '../../src/index.js'
import { sessionAuthStore } from '../../src/records/sessionAuthStore.js'
import { describeWith } from '../support/run/requirements.js'
import { fakeDate } from '../support/run/waiting.js'
import { describeAuthStore, type StoreUnderTest } from '../support/stores/authStoreContract.js'
import { connectPostgres, pgSessions } from '../support/stores/connected.js'
import { type Client, connectRedis } from '../support/stores/redis.js'

const PREFIX = 'express-relying-party:'

describeWith('redis', 'sessionAuthStore over connect-redis', (url) => {
  async function underTest(): Promise<StoreUnderTest> {
    const client = await connectRedis(url)
    return {
      store: sessionAuthStore(new RedisStore({ client })),
      elapse: (seconds) => wait(seconds * 1000),
      fail: () => client.destroy(),
      close: () => void (client.isOpen && client.destroy()),
    }
  }

  describeAuthStore('is atomic within one process', underTest)

  describe('the times of its values', () => {
    let client: Client
    let store: AuthStore

    beforeAll(async () => {
      client = await connectRedis(url)
      store = sessionAuthStore(new RedisStore({ client, prefix: 'ttl:' }))
    })
    afterAll(() => client.destroy())

    /** In seconds. */
    const left = async (key: string) => (await client.pTTL(`ttl:${PREFIX}${key}`)) / 1000

    it('reach the server, whether a value is set, added, replaced or kept', async () => {
      await store.remove('add')
      const begun = performance.now()
      const expectLeft = async (key: string, ttl: number) => {
        const seconds = await left(key)
        const passed = (performance.now() - begun) / 1000
        expect(seconds).toBeLessThanOrEqual(ttl)
        expect(seconds).toBeGreaterThan(ttl - passed - 1)
      }
      await store.set('set', 'value', 600)
      await expectLeft('set', 600)
      await store.add('add', 'value', 500)
      await expectLeft('add', 500)
      await store.replace('set', 'value', 'other', 400)
      await expectLeft('set', 400)
      await store.replace('set', 'other', 'other', 700)
      await expectLeft('set', 700)
    })

    it('are rounded up to whole seconds', async () => {
      await store.set('short', 'value', 0.5)
      expect(await store.get('short')).toBe('value')
      expect(await left('short')).toBeLessThanOrEqual(1)
    })
  })
})

describeWith('postgres', 'sessionAuthStore over connect-pg-simple', (url) => {
  // The store counts the time by the clock of the process.
  beforeEach(fakeDate)

  async function underTest(): Promise<StoreUnderTest> {
    const pool = connectPostgres(url)
    const store = sessionAuthStore(await pgSessions(pool))
    let ended: Promise<void> | undefined
    const end = () => (ended ??= pool.end())
    return {
      store,
      // A value may live on for what is left of the second that it ends in.
      elapse: (seconds) => void vi.setSystemTime(Date.now() + (seconds + 1) * 1000),
      fail: end,
      close: end,
    }
  }

  describeAuthStore('is atomic within one process, and ends values with the second', underTest)

  describe('the times of its values', () => {
    let pool: Pool
    let store: AuthStore

    beforeAll(async () => {
      pool = connectPostgres(url)
      store = sessionAuthStore(await pgSessions(pool))
    })
    afterAll(() => pool.end())

    async function endOf(key: string): Promise<number | undefined> {
      const text = 'select extract(epoch from expire::timestamptz)::float8 as ends from session where sid = $1'
      const { rows } = await pool.query<{ ends: number }>(text, [PREFIX + key])
      return rows[0]?.ends
    }

    it('reach the server in whole seconds, whether a value is set, added, replaced or kept', async () => {
      const now = Math.ceil(Date.now() / 1000) - 0.6
      vi.setSystemTime(now * 1000)
      await store.remove('add')
      await store.set('set', 'value', 600)
      expect(await endOf('set')).toBe(Math.ceil(now + 600))
      await store.add('add', 'value', 500)
      expect(await endOf('add')).toBe(Math.ceil(now + 500))
      await store.replace('set', 'value', 'other', 400)
      expect(await endOf('set')).toBe(Math.ceil(now + 400))
      await store.replace('set', 'other', 'other', 700)
      expect(await endOf('set')).toBe(Math.ceil(now + 700))
    })

    it.each([0, 0.001, 0.4, 0.999])(
      'never end early, and end less than a second late, set %f s into a second',
      async (into) => {
        const now = Math.ceil(Date.now() / 1000) + into
        vi.setSystemTime(now * 1000)
        await store.set('exact', 'value', 10)
        vi.setSystemTime((now + 10) * 1000 - 1)
        expect(await store.get('exact')).toBe('value')
        vi.setSystemTime((now + 11) * 1000)
        expect(await store.get('exact')).toBeUndefined()
      },
    )
  })
})
