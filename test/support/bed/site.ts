import type { RequestListener } from 'node:http'
import express, { type Express, type NextFunction, type Request, type Response } from 'express'
import session, { MemoryStore, type SessionData, type Store } from 'express-session'
import { vi } from 'vitest'
import { callback, login, logout, type RelyingPartyOptions, relyingParty, requireAuth } from '../../../src/index.js'
import {
  type App,
  type AppOptions,
  listen,
  type Running,
  register,
  SECRET,
  startApp,
  startLocalProvider,
} from './app.js'
import { type Answer, type Init, refreshOf, type UserAgent } from './userAgent.js'

export type LocalProvider = Awaited<ReturnType<typeof startLocalProvider>>

/** An application and the local provider it is registered at, on different sites. */
export interface Site {
  readonly app: App
  readonly provider: LocalProvider
  close(): Promise<void>
}

/** Starts an application, and a provider where it signs in unless there is one already. */
export async function startSite(settings: AppOptions = {}, running?: LocalProvider): Promise<Site> {
  const provider = running ?? (await startLocalProvider({ host: 'localhost' }))
  const app = await startApp(provider.issuer, settings)
  await register(provider, app)
  return {
    app,
    provider,
    async close() {
      await app.close()
      if (!running) await provider.close()
    },
  }
}

/** The address of an application behind a proxy that ends TLS. Requests reach it at `app.url`. */
export const PUBLIC_URL = 'https://app.example.com'

/** Starts an application whose users come by https, through a proxy that says so. */
export async function startSiteBehindTls(settings: AppOptions = {}, running?: LocalProvider): Promise<Site> {
  const site = await startSite(
    {
      ...settings,
      before(app) {
        app.set('trust proxy', 1)
        settings.before?.(app)
      },
      options: { baseUrl: PUBLIC_URL, ...settings.options },
      session: { cookie: { secure: true, sameSite: 'lax' }, ...settings.session },
    },
    running,
  )
  await register(site.provider, site.app, {
    redirect_uris: [`${PUBLIC_URL}/callback`],
    post_logout_redirect_uris: [`${PUBLIC_URL}/`],
  })
  return site
}

/** A request to the public address as the proxy hands it on. */
export function proxied(
  { app }: Pick<Site, 'app'>,
  request: { url: string; init?: Init },
): { url: string; init: Init } {
  return {
    url: request.url.replace(PUBLIC_URL, app.url),
    init: { ...request.init, headers: { ...request.init?.headers, 'x-forwarded-proto': 'https' } },
  }
}

/** Goes through a login up to the provider's response, and gives the callback's request unsent. */
export function upToCallback(
  browser: UserAgent,
  { app }: Pick<Site, 'app'>,
  path = '/profile',
): Promise<{ url: string; init: Init }> {
  return browser.visitUntil(app.url + path, `${app.url}/callback`)
}

/** A callback request, unsent. */
export type Callback = Awaited<ReturnType<typeof upToCallback>>

/** The parameters of a callback request, whichever way they travel. */
export function responseParameters({ url, init: { body } }: Callback): URLSearchParams {
  return new URLSearchParams(body ?? new URL(url).search)
}

/** The callback request with other parameters: `undefined` leaves one out. */
export function withParameters(callback: Callback, changes: Readonly<Record<string, string | undefined>>): Callback {
  const parameters = responseParameters(callback)
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) parameters.delete(name)
    else parameters.set(name, value)
  }
  if (callback.init.body !== undefined) return { ...callback, init: { ...callback.init, body: parameters } }
  const url = new URL(callback.url)
  url.search = parameters.toString()
  return { ...callback, url: url.href }
}

/** The error codes that reached the application's error handler since they were last asked for. */
export function codesOf(app: App): unknown[] {
  return app.errors.splice(0).map((error) => (error as { code?: unknown }).code ?? error)
}

/** Who the application takes the browser for. */
export async function whoIs(browser: UserAgent, url: string): Promise<string | null> {
  return (await browser.fetch(`${url}/who`)).json<{ subject: string | null }>().subject
}

/** The parameters of the request to the provider that a login or logout answers with. */
export function authorizationRequest(answer: Answer): URLSearchParams {
  return new URL(refreshOf(answer) ?? String(answer.headers.location)).searchParams
}

/** The cookies of logins in progress. */
export function transactionCookies(browser: UserAgent, url: string): [string, string][] {
  return [...browser.cookies(url)].filter(([name]) => /^(__Host-)?rp\.[\w-]{7}$/.test(name))
}

type Operation = 'get' | 'set' | 'destroy'
type Done = (error?: unknown) => void

/** A session store that fails on demand. */
export class FaultyStore extends MemoryStore {
  /** Says which operations fail. Keys of this package begin with `express-relying-party:`. */
  fails: (operation: Operation, key: string) => boolean = () => false
  /** How often each operation was asked for. */
  readonly counts = { get: 0, set: 0, destroy: 0 }

  override get(sid: string, done: (error: unknown, session?: SessionData | null) => void): void {
    if (!this.#failed('get', sid, done)) super.get(sid, done)
  }

  override set(sid: string, session: SessionData, done?: Done): void {
    if (!this.#failed('set', sid, done)) super.set(sid, session, done)
  }

  override destroy(sid: string, done?: Done): void {
    if (!this.#failed('destroy', sid, done)) super.destroy(sid, done)
  }

  #failed(operation: Operation, key: string, done: Done | undefined): boolean {
    this.counts[operation] += 1
    const failed = this.fails(operation, key)
    if (failed) setImmediate(() => done?.(new Error('the store is down')))
    return failed
  }
}

/** Everything a store holds, by key. */
export function contentsOf(store: Store): Promise<Record<string, SessionData>> {
  return new Promise((resolve, reject) => {
    store.all?.((error: unknown, all) => {
      if (error) reject(error instanceof Error ? error : new Error('the store failed'))
      else resolve((all ?? {}) as Record<string, SessionData>)
    })
  })
}

type Fetch = typeof globalThis.fetch

/** A `fetch` that fails on demand and counts the token requests. */
export interface FaultyFetch {
  fetch: Fetch
  tokenRequests: number
  /** Answers, or fails, in place of the provider. */
  fault?: (url: URL) => globalThis.Response | undefined
}

export function faultyFetch(): FaultyFetch {
  const faults: FaultyFetch = {
    tokenRequests: 0,
    async fetch(input: URL | RequestInfo, init?: RequestInit) {
      const url = new URL(input instanceof globalThis.Request ? input.url : input)
      if (url.pathname === '/token') faults.tokenRequests += 1
      return faults.fault?.(url) ?? globalThis.fetch(input, init)
    },
  }
  return faults
}

/** Keeps what Express prints of the errors that a test provokes out of the report. Call it before each test. */
export function muteExpress(): void {
  vi.spyOn(console, 'error').mockImplementation(() => {})
}

/** Adds a route that keeps something in the session of anyone: `/basket?add=tea`. */
export function basket(app: Express): void {
  app.get('/basket', (req, res) => {
    const session = req.session as unknown as { basket?: string }
    if (typeof req.query.add === 'string') session.basket = req.query.add
    res.json({ basket: session.basket ?? null, sessionID: req.sessionID })
  })
}

/** An application with areas, each a sub-router with a `relyingParty` of its own. */
export interface Areas extends Running {
  readonly errors: unknown[]
}

/** Starts an application with areas: below each path `/login`, `/callback`, `/logout`, `/who` and a guarded `/`. */
export async function startAreas(
  areas: Readonly<Record<string, (url: string) => RelyingPartyOptions>>,
  createExpress = express,
): Promise<Areas> {
  const running = await listen()
  const errors: unknown[] = []
  const app = createExpress()
  app.use(session({ secret: SECRET, resave: false, saveUninitialized: false }))
  for (const [path, options] of Object.entries(areas)) {
    const router = createExpress.Router()
    router.use(relyingParty(options(running.url + path)))
    router.get('/login', login())
    router.all('/callback', callback())
    router.post('/logout', logout())
    router.get('/who', (req, res) => void res.json({ subject: req.auth.subject ?? null }))
    router.get('/', requireAuth(), (req, res) => void res.json(req.auth.claims))
    app.use(path, router)
  }
  app.use((error: unknown, _req: Request, _res: Response, next: NextFunction) => {
    errors.push(error)
    next(error)
  })
  running.server.on('request', app as RequestListener)
  return { ...running, errors }
}
