import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { Pool } from 'pg'
import { type Cuttable, startCuttable } from '../support/stores/cuttable.js'
import { connectRedis } from '../support/stores/redis.js'

/** Where the processes of a storm keep sessions and records: one of the two. */
export type StoreUrls = { readonly redisUrl: string } | { readonly postgresUrl: string }

/** Starts a way to a store that a test can cut. */
export async function startWay(urls: StoreUrls): Promise<{ urls: StoreUrls; way: Cuttable }> {
  const way = await startCuttable('redisUrl' in urls ? urls.redisUrl : urls.postgresUrl)
  return { urls: 'redisUrl' in urls ? { redisUrl: way.url } : { postgresUrl: way.url }, way }
}

/** Takes away what an earlier storm left. */
export async function emptyStores(urls: StoreUrls): Promise<void> {
  await ('redisUrl' in urls ? emptyRedis(urls.redisUrl) : emptyPostgres(urls.postgresUrl))
}

async function emptyRedis(url: string): Promise<void> {
  const client = await connectRedis(url)
  for (const prefix of ['storm:*', 'storm-rp:*']) {
    for await (const keys of client.scanIterator({ MATCH: prefix })) if (keys.length > 0) await client.del(keys)
  }
  await client.close()
}

async function emptyPostgres(connectionString: string): Promise<void> {
  const pool = new Pool({ connectionString })
  const schema = createRequire(import.meta.url).resolve('connect-pg-simple/table.sql')
  await pool.query('drop table if exists storm, storm_session')
  await pool.query((await readFile(schema, 'utf8')).replaceAll('session', 'storm_session'))
  await pool.end()
}
