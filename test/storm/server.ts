/** One process of the application under storm: its clock can be put forward, and it can be killed at any time. */

import pgSession from 'connect-pg-simple'
import { RedisStore } from 'connect-redis'
import express, { type NextFunction, type Request, type Response } from 'express'
import session, { type Store } from 'express-session'
import pg from 'pg'
import { createClient } from 'redis'
import { callback, login, relyingParty, requireAuth, storeErrors, storeTimeout } from '../../src/index.js'
import { postgresStore } from '../../src/postgres.js'
import type { AuthStore } from '../../src/records/authStore.js'
import { redisStore } from '../../src/redis.js'
import type { RefreshStep } from './messages.js'
import { send, serve, settings } from './process.js'

const { sessions, store } = await connect()
const app = express()
// Shuts down as docs/running-on-many-machines.md recommends.
let stopping = false
app.use((_req, res, next) => {
  if (stopping) res.set('Connection', 'close')
  next()
})
app.use(session({ secret: [...settings.secrets], store: sessions, resave: false, saveUninitialized: false }))
app.use(
  relyingParty({
    baseUrl: settings.baseUrl,
    secret: settings.secrets,
    ...(settings.shared ? { store: reporting(store) } : {}),
    provider: { issuer: settings.issuer, clientId: 'app', clientSecret: settings.clientSecret, scope: settings.scope },
    session: settings.session,
  }),
)
app.use(storeErrors())
app.get('/login', login())
app.all('/callback', callback())
app.get('/token', requireAuth(), (req, res, next) => {
  req.auth.getAccessToken().then((token) => res.json({ token }), next)
})
app.get('/save', requireAuth(), async (req, res) => {
  await new Promise((resolve) => setTimeout(resolve, Number(req.query.wait)))
  Object.assign(req.session, { saved: Date.now() })
  res.json({ saved: true })
})
app.get('/who', (req, res) => void res.json({ subject: req.auth.subject ?? null }))
app.use((error: { status?: number; code?: string }, _req: Request, res: Response, _next: NextFunction) => {
  res.status(error.status ?? 500).json({ code: error.code ?? String(error) })
})

const server = serve(app)

process.once('SIGTERM', () => {
  stopping = true
  setTimeout(() => {
    server.close(() => process.exit())
    setInterval(() => server.closeIdleConnections(), 100).unref()
  }, settings.drain)
})

/** Reports the steps of every refresh. The confirmation of its lock shows that it is sent. */
function reporting(store: AuthStore): AuthStore {
  const tell = (refresh: RefreshStep, record: string) =>
    send({ refresh, record, at: performance.timeOrigin + performance.now() })
  return {
    ...store,
    async add(key, value, ttl) {
      const added = await store.add(key, value, ttl)
      const [, record] = /^lock:(.+)$/.exec(key) ?? []
      if (added && record !== undefined) tell('locked', record)
      return added
    },
    async replace(key, expected, value, ttl) {
      const replaced = await store.replace(key, expected, value, ttl)
      const [, kind, record = ''] = /^(lock|record):(.+)$/.exec(key) ?? []
      if (replaced && kind === 'lock' && value === expected) tell('sent', record)
      if (replaced && kind === 'record' && value !== expected) tell('stored', record)
      return replaced
    },
    async remove(key, expected) {
      const [, record] = /^lock:(.+)$/.exec(key) ?? []
      if (record !== undefined) tell('over', record)
      return store.remove(key, expected)
    },
  }
}

async function connect(): Promise<{ sessions: Store; store: AuthStore }> {
  if (settings.redisUrl) {
    const client = createClient({ url: settings.redisUrl })
    client.on('error', () => {})
    await client.connect()
    return {
      sessions: storeTimeout(new RedisStore({ client, prefix: 'storm:' })),
      store: redisStore(client, { prefix: 'storm-rp:' }),
    }
  }
  const limits = { query_timeout: 5000, connectionTimeoutMillis: 5000 }
  const pool = new pg.Pool({ connectionString: settings.postgresUrl, max: 10, ...limits })
  pool.on('error', () => {})
  const store = postgresStore(pool, { table: 'storm' })
  await store.createTable()
  const PgStore = pgSession(session)
  const sessions = new PgStore({ pool, tableName: 'storm_session', createTableIfMissing: false })
  return { sessions: storeTimeout(sessions), store }
}
