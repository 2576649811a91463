import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { setTimeout as wait } from 'node:timers/promises'
import pgSession from 'connect-pg-simple'
import { RedisStore } from 'connect-redis'
import session, { type Store } from 'express-session'
import { Pool, type PoolConfig } from 'pg'
import { type AuthStore, storeTimeout } from '../../../src/index.js'
import { defined } from '../../../src/lib/defined.js'
import { postgresStore } from '../../../src/postgres.js'
import { redisStore } from '../../../src/redis.js'
import type { UserAgent } from '../bed/userAgent.js'
import type { StoreUnderTest } from './authStoreContract.js'
import { connectRedis } from './redis.js'

/** The stores of one process, with their own connections. */
export interface Connected {
  readonly sessions: Store
  readonly store: AuthStore
  close(): Promise<void>
}

/**
 * Connects the stores of one process to a server.
 *
 * @param limit - how long a store waits for a response. In seconds. Default is that of the stores, and none for sessions.
 */
export type Connect = (url: string, limit?: number) => Promise<Connected>

/** Connects connect-redis for sessions and `redisStore` for tokens, with one client. */
export const connectRedisStores: Connect = async (url, limit) => {
  const client = await connectRedis(url)
  return {
    sessions: limited(new RedisStore({ client }), limit),
    store: redisStore(client, defined({ timeout: limit })),
    close: async () => client.destroy(),
  }
}

/** Connects connect-pg-simple for sessions and `postgresStore` for tokens, with one pool. */
export const connectPostgresStores: Connect = async (url, limit) => {
  const pool = connectPostgres(url, limit ? { query_timeout: limit * 1000, connectionTimeoutMillis: limit * 1000 } : {})
  const store = postgresStore(pool, defined({ timeout: limit }))
  await store.createTable()
  return { sessions: limited(await pgSessions(pool), limit), store, close: () => pool.end() }
}

function limited(store: Store, timeout: number | undefined): Store {
  return timeout === undefined ? store : storeTimeout(store, { timeout })
}

/** Creates a pool whose lost connections do not end the process. */
export function connectPostgres(connectionString: string, options: PoolConfig = {}): Pool {
  const pool = new Pool({ connectionString, ...options })
  // A lost connection shows in the queries that fail.
  pool.on('error', () => {})
  return pool
}

/** Connects two `postgresStore`s to one table, for the contract of stores. */
export async function postgresUnderTest(connectionString: string, table: string): Promise<StoreUnderTest> {
  const pools = [new Pool({ connectionString }), new Pool({ connectionString })] as const
  const store = postgresStore(pools[0], { table })
  await store.createTable()
  let ended: Promise<void> | undefined
  return {
    store,
    sibling: postgresStore(pools[1], { table }),
    elapse: (seconds) => wait(seconds * 1000),
    fail: () => (ended = pools[0].end()),
    async close() {
      await Promise.all([ended ?? pools[0].end(), pools[1].end()])
    },
  }
}

/** Creates the session store of connect-pg-simple, and its table. */
export async function pgSessions(pool: Pool): Promise<Store> {
  const schema = createRequire(import.meta.url).resolve('connect-pg-simple/table.sql')
  // Test files run in parallel, and the statements of the schema fail if the table exists.
  await pool.query(`select pg_advisory_xact_lock(1); do $$ begin if to_regclass('session') is null then
    ${await readFile(schema, 'utf8')} end if; end $$`)
  return new (pgSession(session))({ pool, pruneSessionInterval: false })
}

/** Finds the signed-in mark in the session of a browser. */
export function markOf(store: Store, browser: UserAgent, url: string): Promise<{ id: string }> {
  const cookie = decodeURIComponent(browser.cookies(url).get('connect.sid') ?? '')
  const [, sid = ''] = /^s:([^.]+)/.exec(cookie) ?? []
  return new Promise((resolve, reject) => {
    store.get(sid, (error: unknown, data) => (data?.auth ? resolve(data.auth) : reject(error as Error)))
  })
}
