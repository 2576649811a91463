import { setTimeout as wait } from 'node:timers/promises'
import { Pool } from 'pg'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { postgresStore } from '../../src/postgres.js'
import { configurationErrorSaying } from '../support/run/configurationError.js'
import { describeWith } from '../support/run/requirements.js'
import { describeAuthStore, operationsOf } from '../support/stores/authStoreContract.js'
import { postgresUnderTest } from '../support/stores/connected.js'

describeWith('postgres', 'postgresStore', (connectionString) => {
  describeAuthStore('over a PostgreSQL server', () => postgresUnderTest(connectionString, 'contract'))

  describe('the connections', () => {
    const table = 'connections'
    let watcher: Pool

    beforeAll(() => {
      watcher = new Pool({ connectionString })
    })
    afterAll(() => watcher.end())

    it('may each be ended by the server: the pool goes on with new ones', async () => {
      const name = `ended ${process.pid}`
      const pool = new Pool({ connectionString, application_name: name })
      const lost = vi.fn()
      pool.on('error', lost)
      const store = postgresStore(pool, { table })
      await store.createTable()
      await store.set('key', 'value', 60)
      await Promise.all([store.get('key'), store.get('key'), store.get('key')])
      const { rowCount } = await watcher.query(
        'select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1',
        [name],
      )
      expect(rowCount).toBeGreaterThan(0)
      await vi.waitUntil(() => lost.mock.calls.length === rowCount, { timeout: 10_000 })
      expect(await store.get('key')).toBe('value')
      expect(await store.replace('key', 'value', 'next', 60)).toBe(true)
      await pool.end()
    })

    it('may change with every statement, as behind a pooler of transactions: nothing is kept on one', async () => {
      const pool = new Pool({ connectionString, maxUses: 1 })
      const query = vi.spyOn(pool, 'query')
      const store = postgresStore(pool, { table })
      await store.createTable()
      await store.remove('key')
      expect(await store.add('key', 'one', 60)).toBe(true)
      expect(await store.add('key', 'two', 60)).toBe(false)
      expect(await store.replace('key', 'one', 'two', 60)).toBe(true)
      expect(await store.get('key')).toBe('two')
      await store.set('key', 'three', 60)
      expect(await store.remove('key', 'three')).toBe(true)
      await store.sweep()
      // A text makes an unnamed statement; a named one would be looked for on the next connection.
      for (const [text] of query.mock.calls) expect(text).toBeTypeOf('string')
      for (const [text] of query.mock.calls)
        expect(text).not.toMatch(/\b(prepare|listen|temp|set (local|session))\b|pg_advisory_lock/i)
      await pool.end()
    })

    it('may have any time zone, for the database alone keeps the time', async () => {
      const zones = ['Pacific/Kiritimati', 'Pacific/Midway']
      const pools = zones.map((zone) => new Pool({ connectionString, options: `-c timezone=${zone}` }))
      const [east, west] = pools.map((pool) => postgresStore(pool, { table }))
      await east?.createTable()
      await east?.set('zone', 'value', 60)
      expect(await west?.get('zone')).toBe('value')
      await west?.set('zone', 'value', 60)
      expect(await east?.get('zone')).toBe('value')
      await Promise.all(pools.map((pool) => pool.end()))
    })
  })

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
    expect(() => postgresStore(pool, { tabel: 'tokens' } as object)).toThrow(
      configurationErrorSaying('did you mean table'),
    )
  })
})

describe('the timeout of postgresStore', () => {
  it('limits the time of every statement, and what comes later is ignored', async () => {
    let answer: (result: { rows: unknown[]; rowCount: number }) => void = () => {}
    const query = () =>
      new Promise<{ rows: unknown[]; rowCount: number }>((resolve) => {
        answer = resolve
      })
    const store = postgresStore({ query }, { timeout: 0.02 })
    for (const operation of operationsOf(store)) {
      await expect(operation()).rejects.toThrow('PostgreSQL did not answer within 0.02 s')
      answer({ rows: [], rowCount: 1 })
    }
  })
})
