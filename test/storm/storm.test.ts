import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeWith } from '../support/run/requirements.js'
import type { Outcome } from './cluster.js'
import type { RefreshStep } from './messages.js'
import type { StoreUrls } from './stores.js'
import { inParallel, newSecret, type Storm, startStorm } from './storm.js'

// The whole storm takes minutes:
// STORM_SESSIONS=200 STORM_ROUNDS=3 STORM_STALLS=3,8 STORM_STEPS=locked,sent,stored,over STORM_PARTITION=10 \
//   npx vitest run --project library test/storm
// A herd: STORM_SESSIONS=5000 npx vitest run --project library test/storm -t 'at once'
const SIZE = { processes: 4, sessions: Number(process.env.STORM_SESSIONS ?? 30) }
const ROUNDS = Number(process.env.STORM_ROUNDS ?? 2)
const REQUESTS = 50

/** All processes. */
const ALL = Array.from({ length: SIZE.processes }, (_, process) => process)

/** For how long processes are paused. In seconds. */
const STALLS = (process.env.STORM_STALLS ?? '3').split(',').map(Number)

/** At which steps of a refresh. */
const STEPS = (process.env.STORM_STEPS ?? 'sent').split(',') as RefreshStep[]

/** How long a slow provider takes to answer: more than `http.timeout`. In seconds. */
const SLOW = 6

/** For how long the store is cut off from half of the processes: more than the time limit of its commands. In seconds. */
const PARTITION = Number(process.env.STORM_PARTITION ?? 6)

const DONE = new Error('the traffic has ended')

describeWith('redis', 'a storm on Redis', (redisUrl) => storms({ redisUrl }))

describeWith('postgres', 'a storm on PostgreSQL', (postgresUrl) => storms({ postgresUrl }))

function storms(urls: StoreUrls): void {
  describe(`of ${SIZE.sessions} sessions and ${REQUESTS} requests of each at once, over ${SIZE.processes} processes`, () => {
    let storm: Storm

    beforeAll(async () => {
      storm = await startStorm(urls, SIZE)
    }, 900_000)

    afterAll(() => storm?.close())

    it('refreshes each session once per round, and signs no one out, even if processes are killed', async () => {
      for (let round = 1; round <= ROUNDS; round++) {
        await storm.expire()
        await rage(round)
        expect(storm.counted).toEqual({ refreshes: round * SIZE.sessions, refused: 0, revokedGrants: 0 })
      }
      expect(await storm.signedIn()).toEqual(storm.cookies)
    }, 600_000)

    it('ends no session unless its refresh was in progress in a killed process', async () => {
      const { cluster, cookies } = storm
      await storm.expire()
      cluster.takeRefreshes()
      const killing = storm.holdingTokens(async () => {
        const process = await cluster.refreshing()
        await cluster.kill(process)
        return process
      })
      const outcomes: Outcome[] = []
      await inParallel(20, SIZE.sessions, async (i) => {
        const ask = async () => void outcomes.push(await cluster.send('/token', cookies[i] as string))
        await Promise.all(Array.from({ length: SIZE.processes }, ask))
      })
      const victim = await killing
      const refreshes = cluster.takeRefreshes()
      await cluster.restart(victim)

      const interrupted = refreshes.filter(({ process, storedAt }) => process === victim && storedAt === undefined)
      expect(interrupted.length).toBeGreaterThan(0)
      const kept = await storm.signedIn()
      expect(kept.length).toBeGreaterThanOrEqual(SIZE.sessions - interrupted.length)
      const failed = outcomes.filter(({ status, killed }) => status !== 200 && !killed)
      expect(failed.filter(({ status }) => status !== 401)).toEqual([])
      expect(failed.length).toBeLessThanOrEqual((SIZE.sessions - kept.length) * SIZE.processes)
    }, 600_000)

    it.each(STALLS.flatMap((seconds) => STEPS.map((step) => [seconds, step] as const)))(
      'loses no session to a process that is paused for %d s when a refresh is %s',
      async (seconds, step) => {
        const { cluster } = storm
        await expectNoLoss(async (ask) => {
          let asking: Promise<unknown> | undefined
          const [paused] = await storm.holdingTokens(async () => {
            const reached = cluster.refreshing(step).then((process) => {
              cluster.pause(process)
              return process
            })
            asking = ask(ALL)
            // What comes after the answer of the provider is reached only when it answers.
            return step === 'stored' || step === 'over' ? [reached] : [await reached]
          })
          const process = (await paused) as number
          await wait(seconds * 1000)
          cluster.unpause(process)
          await asking
        })
      },
      600_000,
    )

    it(`loses no session to a provider that takes ${SLOW} s`, async () => {
      await expectNoLoss(async (ask) => {
        let asking: Promise<unknown> | undefined
        await storm.holdingTokens(() => {
          asking = ask(ALL)
          return wait(SLOW * 1000)
        })
        await asking
      })
    }, 600_000)

    it(`loses no session to a store that half of the processes do not reach for ${PARTITION} s`, async () => {
      const { cluster, way } = storm
      await expectNoLoss(async (ask) => {
        const asking: Promise<unknown>[] = []
        await storm.holdingTokens(async () => {
          cluster.takeRefreshes()
          asking.push(ask(ALL.slice(0, SIZE.processes / 2)))
          // Their refresh tokens are sent, and the new ones have not arrived.
          while (cluster.takeRefreshes().length < Math.min(SIZE.sessions, 10)) await cluster.refreshing()
          way.hang()
        })
        asking.push(ask(ALL.slice(SIZE.processes / 2)))
        await wait(PARTITION * 1000)
        way.restore()
        await Promise.all(asking)
      })
    }, 600_000)

    it('refreshes all sessions of which the tokens expire at once, each once, and fails no request', async () => {
      const answers = await expectNoLoss((ask) => ask(ALL))
      expect(answers.filter(({ status }) => status !== 200)).toEqual([])
    }, 600_000)

    it('fails no request and ends no session while every process is replaced, twice, to change the secret', async () => {
      const { cluster } = storm
      const cookies = await storm.signedIn()
      expect(cookies.length).toBeGreaterThan(0)
      const refusedBefore = storm.counted.refused + storm.counted.revokedGrants
      const outcomes: Outcome[] = []
      let isDeploying = true
      const traffic = inParallel(8, Number.POSITIVE_INFINITY, async (i) => {
        if (isDeploying) outcomes.push(await cluster.send('/token', cookies[i % cookies.length] as string))
        else throw DONE
      }).catch((error: unknown) => expect(error).toBe(DONE))
      const [old = ''] = cluster.secrets
      const next = newSecret()
      for (const secrets of [
        [old, next],
        [next, old],
      ]) {
        await storm.expire()
        cluster.secrets = secrets
        for (let process = 0; process < SIZE.processes; process++) await cluster.replace(process)
      }
      isDeploying = false
      await traffic
      expect(outcomes.filter(({ status }) => status !== 200)).toEqual([])
      expect(outcomes.length).toBeGreaterThan(cookies.length)
      expect(await storm.signedIn()).toEqual(expect.arrayContaining(cookies))
      expect(storm.counted.refused + storm.counted.revokedGrants).toBe(refusedBefore)
    }, 600_000)

    /** Asks until the back-off after a failure is over. */
    async function askAgain(cookie: string): Promise<void> {
      for (let tries = 0; (await storm.cluster.send('/token', cookie)).status !== 200; tries++) {
        expect(tries).toBeLessThan(60)
        await wait(250)
      }
    }

    /**
     * Has every session refresh and ask in several processes, while there is trouble. Each gets its token, some only when
     * they ask again, by one refresh.
     *
     * @param trouble - calls `ask` with the processes
     */
    async function expectNoLoss(
      trouble: (ask: (processes: readonly number[]) => Promise<void>) => Promise<void>,
    ): Promise<Outcome[]> {
      const { cluster, counted } = storm
      const cookies = await storm.signedIn()
      expect(cookies.length).toBeGreaterThan(0)
      const before = { ...counted }
      await storm.expire()
      const answers: Outcome[] = []
      const refused = new Set<string>()
      await trouble(async (processes) => {
        const asked = cookies.flatMap((cookie) => processes.map((process) => ({ cookie, process })))
        await Promise.all(
          asked.map(async ({ cookie, process }) => {
            const answer = await cluster.send('/token', cookie, process)
            answers.push(answer)
            if (answer.status === 503) refused.add(cookie)
          }),
        )
      })
      expect(answers).toHaveLength(cookies.length * SIZE.processes)
      expect(answers.filter(({ status }) => status !== 200 && status !== 503)).toEqual([])
      await Promise.all([...refused].map(askAgain))
      expect(counted).toEqual({ ...before, refreshes: before.refreshes + cookies.length })
      expect(await storm.signedIn()).toEqual(cookies)
      return answers
    }

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
        // It has read the session before the refresh, and writes it after.
        const saving = cluster.send('/save?wait=200', cookie)
        const ask = async () => {
          const outcome = await cluster.send('/token', cookie)
          outcomes.push(outcome)
          if (outcome.status !== 200) return
          tokens.get(cookie)?.add((JSON.parse(outcome.text) as { token: string }).token)
          refreshed.add(cookie)
          if (refreshed.size === SIZE.sessions) restarted ??= cluster.kill(victim).then(() => cluster.restart(victim))
        }
        await Promise.all(Array.from({ length: REQUESTS }, ask))
        outcomes.push(await saving)
      })
      await restarted
      const failed = outcomes.filter(({ status, killed }) => status !== 200 && !killed)
      expect(failed).toEqual([])
      expect(outcomes).toHaveLength(SIZE.sessions * (REQUESTS + 1))
      expect(new Set([...tokens.values()].map(({ size }) => size))).toEqual(new Set([1]))
    }
  })
}
