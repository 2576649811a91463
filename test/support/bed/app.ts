import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import express, { type Express } from 'express'
import session, { MemoryStore, type Store } from 'express-session'
import { onTestFinished } from 'vitest'
import { getCurrentTest } from 'vitest/suite'
import type { startProvider } from '../../../examples/provider/index.js'
import {
  callback,
  login,
  logout,
  type ProviderOptions,
  type RelyingPartyEvent,
  type RelyingPartyOptions,
  relyingParty,
  requireAuth,
  requireScope,
} from '../../../src/index.js'

export const SECRET = 'a secret of at least thirty-two characters'
export const CLIENT_SECRET = 'client secret with reserved characters: %+/&='

/** A server on a free port of this machine. */
export interface Running {
  readonly url: string
  readonly server: Server
  close(): Promise<void>
}

/** Has `close` run when the current test finishes, if there is one, and returns it. */
function closeWithTest(close: () => Promise<void>): () => Promise<void> {
  if (getCurrentTest()) onTestFinished(close)
  return close
}

/** Listens on a free port of a loopback host. What listens in a test ends with it. */
export async function listen(listener?: RequestListener, host = '127.0.0.1'): Promise<Running> {
  const server = createServer(listener).listen(0, host)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://${host}:${port}`,
    server,
    close: closeWithTest(async () => {
      server.close()
      server.closeAllConnections()
      if (server.listening) await once(server, 'close')
    }),
  }
}

export interface AppOptions {
  /** Options of `relyingParty` over the defaults. */
  readonly options?: Partial<RelyingPartyOptions>
  /** Provider options over the defaults. */
  readonly provider?: Partial<ProviderOptions>
  readonly store?: Store
  /** The path of the mount, which is also that of `baseUrl`. */
  readonly basePath?: string
  /** Adds routes after `relyingParty`, before the usual ones. */
  readonly routes?: (app: Express) => void
  /** Adds middlewares before express-session, such as a body parser. */
  readonly before?: (app: Express) => void
  /** Another Express, such as version 4. */
  readonly createExpress?: typeof express
  readonly session?: Partial<session.SessionOptions>
  /** Whether the application has an error handler, which collects errors and passes them to Express. Default is `true`. */
  readonly handlesErrors?: boolean
}

/** An application under test, with a provider behind it. */
export interface App extends Running {
  readonly store: Store
  readonly events: RelyingPartyEvent[]
  readonly errors: unknown[]
}

/** The scope that tests ask for. */
export const SCOPE = 'openid profile email offline_access reports:read'

/** Starts an application that signs in at `issuer`: routes `/login`, `/callback`, `/logout`, `/profile`, `/reports`. */
export async function startApp(issuer: string, settings: AppOptions = {}): Promise<App> {
  const running = await listen()
  const { basePath = '', store = new MemoryStore(), createExpress = express } = settings
  const events: RelyingPartyEvent[] = []
  const errors: unknown[] = []
  const app = createExpress()
  settings.before?.(app)
  app.use(session({ secret: SECRET, resave: false, saveUninitialized: false, store, ...settings.session }))
  app.use(
    relyingParty({
      baseUrl: running.url + basePath,
      secret: SECRET,
      ...(settings.options?.providers
        ? {}
        : { provider: { issuer, clientId: 'app', clientSecret: CLIENT_SECRET, scope: SCOPE, ...settings.provider } }),
      onEvent: (event) => events.push(event),
      ...settings.options,
    } as RelyingPartyOptions),
  )
  settings.routes?.(app)
  usualRoutes(app)
  if (settings.handlesErrors ?? true) app.use(collect(errors))
  app.set('env', 'production')
  const outer = basePath ? createExpress().use(basePath, app) : app
  running.server.on('request', outer as RequestListener)
  return { ...running, store, events, errors }
}

function collect(errors: unknown[]): express.ErrorRequestHandler {
  return (error, _req, _res, next) => {
    errors.push(error)
    next(error)
  }
}

function usualRoutes(app: Express): void {
  app.get('/login', login())
  app.all(['/callback', '/callback/:provider'], callback())
  app.post('/logout', logout())
  app.get('/profile', requireAuth(), (req, res) => void res.json(req.auth.claims))
  app.get('/reports', requireScope('reports:read'), (_req, res) => void res.json({ reports: [] }))
  app.get('/token', requireAuth(), async (req, res, next) => {
    await req.auth.getAccessToken().then((token) => res.json({ token }), next)
  })
  app.get('/who', (req, res) => void res.json({ kind: req.auth.kind, subject: req.auth.subject ?? null }))
  app.get('/', (req, res) => void res.send(`<p>home of ${req.auth.kind}</p>`))
}

export type LocalProviderOptions = Parameters<typeof startProvider>[0] & object
export type LocalProvider = Awaited<ReturnType<typeof startProvider>>

/** Starts the local provider with a client `app` for any loopback application, signing Ada in without pages. */
export async function startLocalProvider(options: LocalProviderOptions = {}): Promise<LocalProvider> {
  // Loaded here, for it takes longer than all the rest, and many tests do without.
  const { startProvider } = await import('../../../examples/provider/index.js')
  const provider = await startProvider({ autoSignIn: 'ada', ...options })
  return { ...provider, close: closeWithTest(provider.close) }
}

/** Registers an application at the provider: call it when its address is known. */
export async function register(
  provider: LocalProvider,
  app: Pick<Running, 'url'>,
  metadata: Record<string, unknown> = {},
): Promise<void> {
  await provider.addClient({
    client_id: 'app',
    client_secret: CLIENT_SECRET,
    redirect_uris: [`${app.url}/callback`],
    post_logout_redirect_uris: [`${app.url}/`],
    ...metadata,
  })
}
