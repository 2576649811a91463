import { setTimeout as wait } from 'node:timers/promises'
import { RedisStore } from 'connect-redis'
import { createCluster, createSentinel } from 'redis'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { storeErrors, storeTimeout } from '../../src/index.js'
import { redisStore } from '../../src/redis.js'
import { startBed, TOKEN_LIFETIME } from '../support/bed/bed.js'
import { twoProcesses } from '../support/bed/twoProcesses.js'
import { UserAgent } from '../support/bed/userAgent.js'
import { describeWith } from '../support/run/requirements.js'
import { until } from '../support/run/waiting.js'
import { describeAuthStore, type StoreUnderTest } from '../support/stores/authStoreContract.js'
import { type Connected, connectPostgresStores, postgresUnderTest } from '../support/stores/connected.js'
import { startCuttable } from '../support/stores/cuttable.js'
import { connectRedis } from '../support/stores/redis.js'
import {
  type FailingTopology,
  startPgBouncer,
  startPostgresPair,
  startRedisCluster,
  startSentinel,
  type Topology,
} from '../support/stores/topologies.js'

/** The name of the Redis servers at their sentinel. */
const NAME = 'main'

/** In seconds. */
const LIMIT = 2

describeWith('redis-server', 'a Redis Cluster', () => {
  let cluster: Topology

  beforeAll(async () => {
    cluster = await startRedisCluster()
  })
  afterAll(() => cluster?.close())

  async function connect() {
    const client = createCluster({
      rootNodes: cluster.urls.map((url) => ({ url })),
      defaults: { disableOfflineQueue: true },
    })
    client.on('error', () => {})
    await client.connect()
    return client
  }

  describeAuthStore(
    'as an AuthStore',
    async (): Promise<StoreUnderTest> => {
      const [one, two] = [await connect(), await connect()]
      return {
        store: redisStore(one),
        sibling: redisStore(two),
        elapse: (seconds) => wait(seconds * 1000),
        fail: () => one.destroy(),
        close: () => [one, two].forEach((client) => void (client.isOpen && client.destroy())),
      }
    },
    { expires: false },
  )

  describe('under two processes', () => {
    twoProcesses(async (): Promise<Connected> => {
      const client = await connect()
      const sessions = new RedisStore({ client })
      return { sessions, store: redisStore(client), close: async () => client.destroy() }
    })
  })

  it('holds keys on every node', async () => {
    const client = await connect()
    const store = redisStore(client)
    const keys = Array.from({ length: 50 }, (_, i) => `key ${i}`)
    await Promise.all(keys.map((key) => store.set(key, key, 60)))
    expect(await Promise.all(keys.map((key) => store.get(key)))).toEqual(keys)
    client.destroy()
    for (const url of cluster.urls) {
      const node = await connectRedis(url)
      expect(await node.dbSize()).toBeGreaterThan(0)
      node.destroy()
    }
  })
})

describeWith('redis-server', 'Redis with Sentinel', () => {
  let servers: FailingTopology

  beforeAll(async () => {
    servers = await startSentinel(NAME)
  })
  afterAll(() => servers?.close())

  async function connect() {
    const { hostname: host, port } = new URL(servers.urls[0] ?? '')
    const options = { disableOfflineQueue: true }
    const client = createSentinel({
      name: NAME,
      sentinelRootNodes: [{ host, port: Number(port) }],
      nodeClientOptions: options,
      scanInterval: 500,
    })
    client.on('error', () => {})
    await client.connect()
    return client
  }

  it('loses no session that the replica has when the first server dies, and answers 503 until the replica takes over', async () => {
    const client = await connect()
    onTestFinished(() => client.close())
    const sessions = storeTimeout(new RedisStore({ client: client as never }), { timeout: LIMIT })
    const store = redisStore(client, { timeout: LIMIT })
    await survives({ sessions, store, close: async () => {} }, async () => {
      expect(await client.use((primary) => primary.wait(1, 5000))).toBe(1)
      await servers.fail()
    })
  })
})

describeWith('pgbouncer', 'PgBouncer', (postgresUrl) => {
  let pooler: Topology

  beforeAll(async () => {
    pooler = await startPgBouncer(postgresUrl)
  })
  afterAll(() => pooler?.close())

  describeAuthStore('as an AuthStore', () => postgresUnderTest(pooler.urls[0] ?? '', 'pooled'), { expires: false })

  describe('under two processes', () => {
    twoProcesses(() => connectPostgresStores(pooler.urls[0] ?? ''))
  })
})

describeWith('initdb', 'PostgreSQL with a synchronous standby', () => {
  it('loses no session when the first server dies, and answers 503 until the standby takes over', async () => {
    const servers = await startPostgresPair()
    onTestFinished(() => servers.close())
    const way = await startCuttable(servers.urls[0] ?? '')
    onTestFinished(() => way.close())
    await survives(await connectPostgresStores(way.url, LIMIT), async () => {
      await servers.fail()
      void servers.promote().then(() => way.redirect(servers.urls[1] ?? ''))
    })
  })
})

/** Expects that sessions survive a failure of the server behind their stores. */
async function survives(stores: Connected, fail: () => Promise<void>): Promise<void> {
  const local = { issueRefreshToken: 'always', ttl: { accessToken: TOKEN_LIFETIME } } as never
  const bed = await startBed({
    local,
    store: stores.sessions,
    options: { store: stores.store },
    routes: (app) => void app.use(storeErrors()),
  })
  onTestFinished(stores.close)
  const browsers = Array.from({ length: 10 }, () => new UserAgent())
  for (const browser of browsers) expect((await browser.visit(`${bed.app.url}/profile`)).status).toBe(200)
  await fail()
  const statuses = new Set<number>()
  const ask = async () => {
    const { status } = await (browsers[0] as UserAgent).fetch(`${bed.app.url}/profile`)
    statuses.add(status)
    return status === 200
  }
  await until(ask)
  expect([...statuses].filter((status) => status !== 503)).toEqual([200])
  expect(statuses).toContain(503)
  for (const browser of browsers) {
    expect((await browser.fetch(`${bed.app.url}/profile`)).status).toBe(200)
    expect((await browser.fetch(`${bed.app.url}/token`)).status).toBe(200)
  }
}
