import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import pgSession from 'connect-pg-simple'
import { RedisStore } from 'connect-redis'
import type { Express } from 'express'
import session, { type Store } from 'express-session'
import { Pool } from 'pg'
import { beforeEach, expect, it, onTestFinished } from 'vitest'
import { type AuthStore, login } from '../../src/index.js'
import { postgresStore } from '../../src/postgres.js'
import { redisStore } from '../../src/redis.js'
import { type App, type AppOptions, register, startApp, startLocalProvider } from '../support/bed/app.js'
import { TOKEN_LIFETIME } from '../support/bed/bed.js'
import { openResponses } from '../support/bed/openResponse.js'
import { UserAgent } from '../support/bed/userAgent.js'
import { describeWith } from '../support/run/requirements.js'
import { fakeDate, pass } from '../support/run/waiting.js'
import { connectRedis } from '../support/stores/redis.js'

/** The stores of an application, and how long their servers say that they keep things. */
interface Measured {
  readonly sessions: Store
  readonly store: AuthStore
  /** In seconds; `undefined` where there is none. */
  sessionLeft(id: string): Promise<number | undefined>
  recordLeft(id: string): Promise<number | undefined>
  close(): Promise<unknown>
}

const IDLE = 1800
const ABSOLUTE = 7200
const DAY = 86_400

describeWith('redis', 'the lifetimes in Redis', (url) => {
  lifetimes(async () => {
    const client = await connectRedis(url)
    const left = async (key: string) => {
      const milliseconds = Number(await client.pTTL(key))
      return milliseconds < 0 ? undefined : milliseconds / 1000
    }
    return {
      sessions: new RedisStore({ client }),
      store: redisStore(client),
      sessionLeft: (id) => left(`sess:${id}`),
      recordLeft: (id) => left(`rp:record:${id}`),
      close: async () => client.destroy(),
    }
  })
})

describeWith('postgres', 'the lifetimes in PostgreSQL', (connectionString) => {
  lifetimes(async () => {
    const pool = new Pool({ connectionString })
    const PgStore = pgSession(session)
    const schema = createRequire(import.meta.url).resolve('connect-pg-simple/table.sql')
    const { rowCount } = await pool.query(`select from pg_tables where tablename = 'session'`)
    if (rowCount === 0) await pool.query(await readFile(schema, 'utf8'))
    const store = postgresStore(pool)
    await store.createTable()
    const left = async (query: string, values: unknown[]) => {
      const { rows } = await pool.query<{ left: string }>(query, values)
      const seconds = Number(rows[0]?.left ?? 0)
      return seconds > 0 ? seconds : undefined
    }
    return {
      sessions: new PgStore({ pool, pruneSessionInterval: false }),
      store,
      // connect-pg-simple goes by the clock of the process, which these tests set.
      sessionLeft: (id) =>
        left(`select extract(epoch from expire) - $2::float8 as left from session where sid = $1`, [
          id,
          Date.now() / 1000,
        ]),
      recordLeft: (id) =>
        left(`select extract(epoch from expires_at - now()) as left from relying_party where key = $1`, [
          `record:${id}`,
        ]),
      close: () => pool.end(),
    }
  })
})

function lifetimes(connect: () => Promise<Measured>): void {
  let stores: Measured
  let app: App
  let browser: UserAgent
  let open: ReturnType<typeof openResponses>['open']
  /** When the store was last told how long to keep a key. In milliseconds since the epoch. */
  const told = new Map<string, number>()

  beforeEach(fakeDate)

  async function signIn(maxAge: number | undefined, settings: AppOptions = {}, absoluteLifetime = ABSOLUTE) {
    const provider = await startLocalProvider({
      host: 'localhost',
      issueRefreshToken: 'always',
      ttl: { accessToken: TOKEN_LIFETIME },
    } as never)
    stores = await connect()
    const streams = openResponses()
    open = streams.open
    app = await startApp(provider.issuer, {
      ...settings,
      store: stores.sessions,
      options: { store: watched(stores.store, told), session: { absoluteLifetime } },
      session: { rolling: true, ...(maxAge === undefined ? {} : { cookie: { maxAge: maxAge * 1000 } }) },
      routes(routes: Express) {
        streams.routes(routes)
        routes.get('/again', login({ prompt: 'login' }))
        routes.get('/remember', (req, res) => {
          Object.assign(req.session, { remembered: true })
          req.session.cookie.maxAge = 2 * IDLE * 1000
          res.json({})
        })
      },
    })
    onTestFinished(async () => {
      await app.close()
      await provider.close()
      await stores.close()
    })
    await register(provider, app)
    browser = new UserAgent()
    await passLogin('/profile')
  }

  /** Goes through a login to the answer of the callback, and no further: a next request would set times anew. */
  async function passLogin(path: string): Promise<void> {
    const { url, init } = await browser.visitUntil(app.url + path, `${app.url}/callback`)
    expect((await browser.send(url, init)).status).toBe(303)
  }

  const get = (path: string) => browser.fetch(app.url + path)
  const who = async () => (await get('/who')).json().subject

  /** How long the session and the record of the browser are kept. In seconds. */
  async function left(): Promise<{ session: number | undefined; record: number | undefined }> {
    const id = sessionId(browser, app)
    const [, recordId = ''] = (await recordIdOf(stores.sessions, id)) ?? []
    const record = await stores.recordLeft(recordId)
    // The server's clock does not pass with that of these tests.
    const since = (Date.now() - (told.get(`record:${recordId}`) ?? Number.NaN)) / 1000
    return { session: await stores.sessionLeft(id), record: record && record - since }
  }

  /** Demands that session and record are kept for an idle lifetime, the record up to a tenth longer. */
  async function expectIdle(idle: number): Promise<void> {
    const { session, record } = await left()
    expectAbout(session, idle)
    expectAbout(record, idle * 1.1)
  }

  /** Demands that both are kept for the same time. */
  async function expectBoth(seconds: number): Promise<void> {
    const { session, record } = await left()
    expectAbout(session, seconds)
    expectAbout(record, seconds)
  }

  it('are the idle lifetime from the login on, and again from each request, and a tenth more for the record', async () => {
    await signIn(IDLE)
    await expectIdle(IDLE)
    pass(IDLE / 2)
    await get('/who')
    await expectIdle(IDLE)
  })

  it('are the idle lifetime from a refresh on', async () => {
    await signIn(IDLE)
    const before = (await get('/token')).json().token
    pass(TOKEN_LIFETIME + 1)
    expect((await get('/token')).json().token).not.toBe(before)
    await expectIdle(IDLE)
  })

  it('are the same to the absolute end, where that comes first: at the login, and at every request', async () => {
    await signIn(2 * ABSOLUTE)
    await expectBoth(ABSOLUTE)
    pass(ABSOLUTE / 2)
    await get('/who')
    await expectBoth(ABSOLUTE / 2)
    pass(ABSOLUTE / 4)
    await get('/token')
    await expectBoth(ABSOLUTE / 4)
  })

  it('are those of the new session when the user signs in again', async () => {
    await signIn(IDLE)
    for (let elapsed = 0; elapsed < ABSOLUTE - IDLE / 2; elapsed += IDLE / 2) {
      expect(await who()).toBe('ada')
      pass(IDLE / 2)
    }
    expect(await who()).toBe('ada')
    await expectBoth(IDLE / 2)
    await passLogin('/again')
    await expectIdle(IDLE)
  })

  it('follow a session whose cookie lifetime the application changes', async () => {
    await signIn(IDLE)
    await get('/remember')
    await expect.poll(async () => (await left()).record).toBeGreaterThan(2 * IDLE)
    pass(1.5 * IDLE)
    expect(await who()).toBe('ada')
    await expectIdle(2 * IDLE)
  })

  it('are, without a maxAge, what the session store says, and the absolute lifetime for the record', async () => {
    await signIn(undefined, {}, 2 * DAY)
    const kept = await left()
    expectAbout(kept.session, DAY)
    expectAbout(kept.record, 2 * DAY)
    pass(TOKEN_LIFETIME + 1)
    await get('/token')
    const after = await left()
    expectAbout(after.session, DAY)
    expectAbout(after.record, 2 * DAY - TOKEN_LIFETIME - 1)
  })

  it('are not cut short by the end of a response that took longer than the session may live idle', async () => {
    await signIn(IDLE)
    const stream = await open(browser.clone(), app.url)
    for (let elapsed = 0; elapsed < 1.5 * IDLE; elapsed += IDLE / 2) {
      pass(IDLE / 2)
      expect(await who()).toBe('ada')
    }
    await stream.end('done')
    await expectIdle(IDLE)
    expect(await who()).toBe('ada')
  })

  it('are prolonged while an open response uses tokens, and end at the absolute end all the same', async () => {
    await signIn(IDLE)
    const stream = await open(browser.clone(), app.url)
    pass(TOKEN_LIFETIME + 1)
    await stream.req.auth.getAccessToken()
    await expectIdle(IDLE)
    pass(ABSOLUTE - TOKEN_LIFETIME - 1 - IDLE / 2)
    await stream.req.auth.getAccessToken()
    await expectBoth(IDLE / 2)
    await stream.end('done')
    await expectBoth(IDLE / 2)
  })

  it('are over with the logout, and the end of an open response brings neither back', async () => {
    await signIn(IDLE)
    const id = sessionId(browser, app)
    const [, recordId = ''] = (await recordIdOf(stores.sessions, id)) ?? []
    const stream = await open(browser.clone(), app.url)
    expectAbout(await stores.recordLeft(recordId), 1.1 * IDLE)
    await browser.fetch(`${app.url}/logout`, { method: 'POST' })
    pass(2)
    await expect(stream.req.auth.getAccessToken()).rejects.toMatchObject({ code: 'ERR_SESSION_ENDED' })
    await stream.end('done')
    expect(await stores.sessionLeft(id)).toBeUndefined()
    expect(await stores.recordLeft(recordId)).toBeUndefined()
  })
}

/** Remembers when a store was told how long to keep something. */
function watched(store: AuthStore, told: Map<string, number>): AuthStore {
  return {
    ...store,
    async set(key, ...rest) {
      await store.set(key, ...rest)
      told.set(key, Date.now())
    },
    async replace(key, ...rest) {
      const replaced = await store.replace(key, ...rest)
      if (replaced) told.set(key, Date.now())
      return replaced
    },
  }
}

/** Stores round up to whole seconds, and real time passes between a write and its measure. */
function expectAbout(actual: number | undefined, expected: number): void {
  expect(actual).toBeGreaterThan(expected - 30)
  expect(actual).toBeLessThanOrEqual(expected + 2)
}

function sessionId(browser: UserAgent, app: App): string {
  const cookie = decodeURIComponent(browser.cookies(app.url).get('connect.sid') ?? '')
  return /^s:([^.]+)/.exec(cookie)?.[1] ?? ''
}

function recordIdOf(store: Store, id: string): Promise<RegExpExecArray | null> {
  return new Promise((resolve, reject) => {
    store.get(id, (error: unknown, data) => {
      if (error) reject(error as Error)
      else resolve(/"id":"([^"]+)"/.exec(JSON.stringify(data?.auth ?? null)))
    })
  })
}
