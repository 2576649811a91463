import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { Pool } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connectRedis } from '../support/redis.js'
import { describeWith } from '../support/requirements.js'
import type { Outcome } from './cluster.js'
import { inParallel, type Storm, startStorm } from './storm.js'

// The whole storm takes minutes: STORM_SESSIONS=200 STORM_ROUNDS=3 npx vitest run --project library test/storm
const SIZE = { processes: 4, sessions: Number(process.env.STORM_SESSIONS ?? 30) }
const ROUNDS = Number(process.env.STORM_ROUNDS ?? 2)
const REQUESTS = 50

describeWith('redis', 'a storm on Redis', (redisUrl) => {
  const prepare = async () => {
    const client = await connectRedis(redisUrl)
    for (const prefix of ['storm:*', 'storm-rp:*']) {
      for await (const keys of client.scanIterator({ MATCH: prefix })) if (keys.length > 0) await client.del(keys)
    }
    await client.close()
  }
  storms(prepare, () => ({ redisUrl }))
})

describeWith('postgres', 'a storm on PostgreSQL', (postgresUrl) => {
  const prepare = async () => {
    const pool = new Pool({ connectionString: postgresUrl })
    const schema = createRequire(import.meta.url).resolve('connect-pg-simple/table.sql')
    await pool.query('drop table if exists storm, storm_session')
    await pool.query((await readFile(schema, 'utf8')).replaceAll('session', 'storm_session'))
    await pool.end()
  }
  storms(prepare, () => ({ postgresUrl }))
})

function storms(prepare: () => Promise<void>, where: () => Parameters<typeof startStorm>[0]): void {
  describe(`of ${SIZE.sessions} sessions and ${REQUESTS} requests of each at once, over ${SIZE.processes} processes`, () => {
    let storm: Storm

    beforeAll(async () => {
      await prepare()
      storm = await startStorm(where(), SIZE)
    }, 300_000)

    afterAll(() => storm?.close())

    it('refreshes each session once per round, and signs nobody out, also where processes are killed', async () => {
      for (let round = 1; round <= ROUNDS; round++) {
        await storm.expire()
        await rage(round)
        expect(storm.counted).toEqual({ refreshes: round * SIZE.sessions, revokedGrants: 0 })
      }
      await inParallel(20, SIZE.sessions, async (i) => {
        const { text } = await storm.cluster.send('/who', storm.cookies[i] as string)
        expect(JSON.parse(text)).toEqual({ subject: 'ada' })
      })
    }, 600_000)

    /** One round. When every session has been refreshed, a process is killed in the middle of the rest and restarted. */
    async function rage(round: number): Promise<void> {
      const { cluster, cookies } = storm
      const refreshed = new Set<string>()
      const tokens = new Map(cookies.map((cookie) => [cookie, new Set<unknown>()]))
      const outcomes: Outcome[] = []
      let restarted: Promise<void> | undefined
      const victim = round % SIZE.processes
      await inParallel(20, SIZE.sessions, async (i) => {
        const cookie = cookies[i] as string
        const ask = async () => {
          const outcome = await cluster.send('/token', cookie)
          outcomes.push(outcome)
          if (outcome.status !== 200) return
          tokens.get(cookie)?.add((JSON.parse(outcome.text) as { token: string }).token)
          refreshed.add(cookie)
          if (refreshed.size === SIZE.sessions) restarted ??= cluster.kill(victim).then(() => cluster.restart(victim))
        }
        await Promise.all(Array.from({ length: REQUESTS }, ask))
      })
      await restarted
      const failed = outcomes.filter(({ status, killed }) => status !== 200 && !killed)
      expect(failed).toEqual([])
      expect(outcomes).toHaveLength(SIZE.sessions * REQUESTS)
      expect(new Set([...tokens.values()].map(({ size }) => size))).toEqual(new Set([1]))
    }
  })
}
