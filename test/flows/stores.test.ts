import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import pgSession from 'connect-pg-simple'
import { RedisStore } from 'connect-redis'
import session, { type Store } from 'express-session'
import { Pool } from 'pg'
import { expect, it, onTestFinished } from 'vitest'
import { type AuthStore, backchannelLogout, endSessions, logout, storeErrors } from '../../src/index.js'
import { postgresStore } from '../../src/postgres.js'
import { redisStore } from '../../src/redis.js'
import { type App, register, startApp, startLocalProvider } from '../support/app.js'
import { connectRedis } from '../support/redis.js'
import { describeWith } from '../support/requirements.js'
import { UserAgent } from '../support/userAgent.js'

/** The stores of one process, over connections of its own. */
interface Connected {
  readonly sessions: Store
  readonly store: AuthStore
  fail(): Promise<unknown>
  recover?(): Promise<unknown>
  close(): Promise<unknown>
}

const TOKEN_LIFETIME = 600

describeWith('redis', 'two processes with connect-redis and redisStore', (url) => {
  twoProcesses(async () => {
    const client = await connectRedis(url)
    return {
      sessions: new RedisStore({ client }),
      store: redisStore(client),
      fail: async () => client.destroy(),
      recover: () => client.connect(),
      close: async () => void (client.isOpen && client.destroy()),
    }
  })
})

describeWith('postgres', 'two processes with connect-pg-simple and postgresStore', (connectionString) => {
  twoProcesses(async () => {
    const pool = new Pool({ connectionString })
    const PgStore = pgSession(session)
    const schema = createRequire(import.meta.url).resolve('connect-pg-simple/table.sql')
    const { rowCount } = await pool.query(`select from pg_tables where tablename = 'session'`)
    if (rowCount === 0) await pool.query(await readFile(schema, 'utf8'))
    const sessions = new PgStore({ pool, pruneSessionInterval: false })
    const store = postgresStore(pool)
    await store.createTable()
    let ended: Promise<void> | undefined
    const end = () => (ended ??= pool.end())
    return { sessions, store, fail: end, close: end }
  })
})

function twoProcesses(connect: () => Promise<Connected>): void {
  const waiting: (() => void)[] = []

  async function start() {
    const provider = await startLocalProvider({
      host: 'localhost',
      issueRefreshToken: 'always',
      ttl: { accessToken: TOKEN_LIFETIME },
      features: { backchannelLogout: { enabled: true } },
    } as never)
    onTestFinished(() => provider.close())
    const one = await startProcess(provider.issuer)
    const two = await startProcess(provider.issuer)
    await register(provider, one.app, {
      redirect_uris: [`${one.app.url}/callback`, `${two.app.url}/callback`],
      backchannel_logout_uri: `${two.app.url}/backchannel-logout`,
      backchannel_logout_session_required: true,
    })
    return { provider, one, two }
  }

  async function startProcess(issuer: string): Promise<{ app: App; stores: Connected }> {
    const stores = await connect()
    const app = await startApp(issuer, {
      store: stores.sessions,
      options: { store: stores.store },
      session: { cookie: { maxAge: 1_800_000 } },
      routes(routes) {
        routes.use(storeErrors())
        routes.post('/backchannel-logout', backchannelLogout())
        routes.post('/logout-everywhere', logout({ everywhere: true }))
        routes.post('/end', (req, res, next) => {
          endSessions(req, { subject: 'ada' }).then(() => res.sendStatus(204), next)
        })
        routes.get('/slow-save', async (req, res) => {
          await new Promise<void>((resolve) => waiting.push(resolve))
          Object.assign(req.session, { basket: ['book'] })
          res.json({ subject: req.auth.subject })
        })
      },
    })
    onTestFinished(async () => {
      await app.close()
      await stores.close()
    })
    return { app, stores }
  }

  async function signIn(app: App): Promise<UserAgent> {
    const browser = new UserAgent()
    expect((await browser.visit(`${app.url}/profile`)).status).toBe(200)
    return browser
  }

  const who = async (app: App, browser: UserAgent) => (await browser.fetch(`${app.url}/who`)).json().subject

  /** Begins a request that has read its session, lets `act` happen, and then has it write the session. */
  async function duringSlowSave(app: App, browser: UserAgent, act: () => Promise<unknown>): Promise<void> {
    const saving = browser.fetch(`${app.url}/slow-save`)
    await expect.poll(() => waiting.length).toBe(1)
    await act()
    waiting.shift()?.()
    expect((await saving).json()).toEqual({ subject: 'ada' })
  }

  it('share a session: signed in at one, known at the other, logged out at both', async () => {
    const { one, two } = await start()
    const browser = await signIn(one.app)
    expect(await who(two.app, browser)).toBe('ada')
    await browser.visit(`${two.app.url}/logout`, { method: 'POST' })
    expect(await who(one.app, browser)).toBeNull()
    expect(await who(two.app, browser)).toBeNull()
  })

  it('keep a logout at one, whatever a slow request at the other writes after it', async () => {
    const { one, two } = await start()
    const browser = await signIn(one.app)
    const slow = browser.clone()
    await duringSlowSave(two.app, slow, () => browser.fetch(`${one.app.url}/logout`, { method: 'POST' }))
    expect(await who(one.app, slow)).toBeNull()
    expect(await who(two.app, slow)).toBeNull()
  })

  it('keep the tokens that one refreshed, whatever a slow request at the other writes after it', async () => {
    const { one, two } = await start()
    const browser = await signIn(one.app)
    const token = async (app: App) => (await browser.fetch(`${app.url}/token`)).json().token
    const before = await token(one.app)
    await duringSlowSave(two.app, browser.clone(), async () => {
      const id = (await sessionMark(one.stores.sessions, browser, one.app)).id
      const stored = (await one.stores.store.get(`record:${id}`)) ?? ''
      const expired = stored.replace(/"accessTokenExpiresAt":[\d.]+/, '"accessTokenExpiresAt":1')
      expect(await one.stores.store.replace(`record:${id}`, stored, expired, 600)).toBe(true)
      expect(await token(one.app)).not.toBe(before)
    })
    const after = await token(one.app)
    expect(after).not.toBe(before)
    expect(await token(two.app)).toBe(after)
  })

  it("end a session by the provider's word at the other, whatever a slow request writes after it", async () => {
    const { provider, one } = await start()
    const browser = await signIn(one.app)
    const other = await signIn(one.app)
    await duringSlowSave(one.app, browser.clone(), () => endAtProvider(provider, browser))
    expect(await who(one.app, browser)).toBeNull()
    expect(await who(one.app, other)).toBe('ada')
    expect(await who(one.app, await signIn(one.app))).toBe('ada')
  })

  it('end all sessions of a user, for the user and for the application, but no later one', async () => {
    const { one, two } = await start()
    for (const path of ['/logout-everywhere', '/end']) {
      const [browser, other] = [await signIn(one.app), await signIn(two.app)]
      await duringSlowSave(two.app, other.clone(), () => browser.fetch(`${one.app.url}${path}`, { method: 'POST' }))
      expect(await who(one.app, browser)).toBeNull()
      expect(await who(two.app, other)).toBeNull()
      expect(await who(two.app, await signIn(one.app))).toBe('ada')
    }
  })

  it('answer 503 while the store fails: no cookie is changed, and nobody is signed out', async () => {
    const { one, two } = await start()
    const browser = await signIn(one.app)
    const cookies = browser.cookies(one.app.url)
    await one.stores.fail()
    for (const path of ['/who', '/profile', '/token']) {
      const answer = await browser.fetch(one.app.url + path)
      expect(answer.status).toBe(503)
      expect(answer.headers['retry-after']).toBe('5')
      expect(answer.headers['set-cookie']).toBeUndefined()
    }
    expect(one.app.errors.at(-1)).toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
    expect(browser.cookies(one.app.url)).toEqual(cookies)
    expect(await who(two.app, browser)).toBe('ada')
    if (!one.stores.recover) return
    await one.stores.recover()
    expect(await who(one.app, browser)).toBe('ada')
  })
}

/** Ends the session at the provider, as its own page or another application would. */
async function endAtProvider(
  { issuer }: Awaited<ReturnType<typeof startLocalProvider>>,
  browser: UserAgent,
): Promise<void> {
  const page = await browser.visit(`${issuer}/session/end`)
  const xsrf = /name="xsrf" value="([^"]+)"/.exec(page.text)?.[1] ?? ''
  await browser.visit(`${issuer}/session/end/confirm`, { method: 'POST', body: { xsrf, logout: 'yes' }, from: issuer })
}

function sessionMark(store: Store, browser: UserAgent, app: App): Promise<{ id: string }> {
  const cookie = decodeURIComponent(browser.cookies(app.url).get('connect.sid') ?? '')
  const [, sid = ''] = /^s:([^.]+)/.exec(cookie) ?? []
  return new Promise((resolve, reject) => {
    store.get(sid, (error: unknown, data) => (data?.auth ? resolve(data.auth) : reject(error as Error)))
  })
}
