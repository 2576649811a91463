import { setTimeout as wait } from 'node:timers/promises'
import { Pool } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { postgresStore } from '../../src/postgres.js'
import { describeAuthStore, type StoreUnderTest } from '../support/authStoreContract.js'
import { describeWith } from '../support/requirements.js'

describeWith('postgres', 'postgresStore', (connectionString) => {
  async function underTest(): Promise<StoreUnderTest> {
    const pools = [new Pool({ connectionString }), new Pool({ connectionString })] as const
    const [store, sibling] = pools.map((pool) => postgresStore(pool, { table: 'contract' }))
    await store?.createTable()
    let ended: Promise<void> | undefined
    return {
      store: store as NonNullable<typeof store>,
      sibling: sibling as NonNullable<typeof sibling>,
      elapse: (seconds) => wait(seconds * 1000),
      fail: () => (ended = pools[0].end()),
      async close() {
        await Promise.all([ended ?? pools[0].end(), pools[1].end()])
      },
    }
  }

  describeAuthStore('over a PostgreSQL server', underTest)

  describe('the table', () => {
    const pool = new Pool({ connectionString })
    const drop = () => pool.query('drop table if exists made, swept')

    beforeAll(drop)
    afterAll(async () => {
      await drop()
      await pool.end()
    })

    it('is created once by processes that start at the same time, and only on request', async () => {
      const store = postgresStore(pool, { table: 'public.made' })
      await expect(store.get('key')).rejects.toThrow(/does not exist/)
      await Promise.all(Array.from({ length: 8 }, () => store.createTable()))
      await store.set('key', 'value', 60)
      await store.createTable()
      expect(await store.get('key')).toBe('value')
    })

    it('is swept of what has expired, and of nothing else', async () => {
      const store = postgresStore(pool, { table: 'swept' })
      await store.createTable()
      await store.set('short', 'value', 0.001)
      await store.set('long', 'value', 60)
      await wait(10)
      expect(await store.sweep()).toBe(1)
      expect(await keysIn('swept')).toEqual(['long'])
    })

    it('is swept by writes when it is time', async () => {
      const store = postgresStore(pool, { table: 'swept', sweepInterval: 0.001 })
      await store.createTable()
      await store.set('short', 'value', 0.001)
      await expect
        .poll(async () => {
          await store.set('long', 'value', 60)
          return keysIn('swept')
        })
        .toEqual(['long'])
    })

    async function keysIn(table: string): Promise<string[]> {
      const { rows } = await pool.query<{ key: string }>(`select key from ${table} order by key`)
      return rows.map(({ key }) => key)
    }
  })
})

describe('the options of postgresStore', () => {
  const pool = { query: async () => ({ rows: [], rowCount: 0 }) }

  it.each(['tokens', 'auth.tokens', 'relying_party2'])('take %s for a table', (table) => {
    expect(() => postgresStore(pool, { table })).not.toThrow()
  })

  it.each(['', 'a"b', 'a; drop table b', 'a.b.c', 'Tokens', '2nd'])('refuse %j for a table', (table) => {
    expect(() => postgresStore(pool, { table })).toThrow(/postgresStore\.table must be/)
  })

  it('refuse what is no option', () => {
    expect(() => postgresStore(pool, { tabel: 'tokens' } as object)).toThrow(/did you mean table/)
  })
})
