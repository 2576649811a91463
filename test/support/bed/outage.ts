import { randomUUID } from 'node:crypto'
import type { Express } from 'express'
import { type CryptoKey, exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterAll, afterEach, beforeAll, expect, vi } from 'vitest'
import { backchannelLogout, endSessions, frontchannelLogout, logout, storeErrors } from '../../../src/index.js'
import { type Connect, type Connected, markOf } from '../stores/connected.js'
import { type Cuttable, startCuttable } from '../stores/cuttable.js'
import { type App, register, startApp, startLocalProvider } from './app.js'
import { type Answer, UserAgent } from './userAgent.js'

const EVENT = 'http://schemas.openid.net/event/backchannel-logout'

/** Two processes of an application, of which one reaches the stores by a way that can be cut. */
export interface Outage {
  /** The process whose stores fail. */
  readonly one: App
  /** The process beside it, whose stores do not. */
  readonly two: App
  /** An application over the stores of `one` that has no `storeErrors()`. */
  readonly bare: App
  /** An application over the session store of `one` that is given no `AuthStore`. */
  readonly plain: App
  readonly stores: Connected
  readonly way: Cuttable
  /** Is called with the answer of the token endpoint before `one` gets it. */
  onTokens: ((grant: string) => void) | undefined
  signIn(app?: App): Promise<UserAgent>
  /** Signs a logout token as the provider does. */
  logoutToken(claims: { sid?: string; sub?: string }): Promise<string>
  /** Lets the access token of a session end. */
  expireTokens(browser: UserAgent): Promise<void>
  /** Restores the way, and waits until the stores are reached again. */
  recover(): Promise<void>
  close(): Promise<void>
}

/** Starts the processes and a provider. */
export async function startOutage(target: string, connect: Connect, limit?: number): Promise<Outage> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  const key = { ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig', kid: 'signing' }
  const provider = await startLocalProvider({
    host: 'localhost',
    issueRefreshToken: 'always',
    features: { backchannelLogout: { enabled: true } },
    configuration: { jwks: { keys: [key] } },
  } as never)
  const way = await startCuttable(target)
  const stores = await connect(way.url, limit)
  const others = await connect(target)

  const interceptedFetch: typeof fetch = async (url, init) => {
    const response = await fetch(url, init)
    const grant = new URLSearchParams(String(init?.body)).get('grant_type')
    if (grant) outage.onTokens?.(grant)
    return response
  }
  const start = ({ sessions, store }: Partial<Connected>, { withStoreErrors = true } = {}) =>
    startApp(provider.issuer, {
      ...(sessions ? { store: sessions } : {}),
      options: { http: { fetch: interceptedFetch }, ...(store ? { store } : {}) },
      session: { cookie: { maxAge: 1_800_000 } },
      routes: (app) => routes(app, withStoreErrors),
    })
  const apps = [
    await start(stores),
    await start(others),
    await start(stores, { withStoreErrors: false }),
    await start({ sessions: stores.sessions }),
  ] as const
  const [one, two, bare, plain] = apps
  await register(provider, one, {
    redirect_uris: apps.map(({ url }) => `${url}/callback`),
    backchannel_logout_uri: `${two.url}/backchannel-logout`,
    backchannel_logout_session_required: true,
  })

  const outage: Outage = {
    one,
    two,
    bare,
    plain,
    stores,
    way,
    onTokens: undefined,
    async signIn(app = one) {
      const browser = new UserAgent()
      expect((await browser.visit(`${app.url}/profile`)).status).toBe(200)
      return browser
    },
    logoutToken: (claims) => signLogoutToken(provider.issuer, privateKey, claims),
    async expireTokens(browser) {
      const key = `record:${(await markOf(others.sessions, browser, two.url)).id}`
      const stored = (await others.store.get(key)) ?? ''
      const expired = stored.replace(/"accessTokenExpiresAt":[\d.]+/, '"accessTokenExpiresAt":1')
      expect(await others.store.replace(key, stored, expired, 600)).toBe(true)
    },
    async recover() {
      outage.onTokens = undefined
      way.restore()
      await vi.waitUntil(
        () =>
          stores.store
            .get('any')
            .then(() => true)
            .catch(() => false),
        { timeout: 10_000 },
      )
    },
    async close() {
      way.restore()
      for (const app of apps) await app.close()
      await stores.close()
      await others.close()
      await way.close()
      await provider.close()
    },
  }
  return outage
}

function signLogoutToken(issuer: string, key: CryptoKey, claims: { sid?: string; sub?: string }): Promise<string> {
  return new SignJWT({ events: { [EVENT]: {} }, ...claims })
    .setProtectedHeader({ alg: 'RS256', typ: 'logout+jwt', kid: 'signing' })
    .setIssuer(issuer)
    .setAudience('app')
    .setJti(randomUUID())
    .setIssuedAt()
    .setExpirationTime('2m')
    .sign(key)
}

function routes(app: Express, withStoreErrors: boolean): void {
  if (withStoreErrors) app.use(storeErrors())
  app.post('/backchannel-logout', backchannelLogout())
  app.get('/frontchannel-logout', frontchannelLogout())
  app.post('/logout-everywhere', logout({ everywhere: true }))
  app.post('/end/:subject', (req, res, next) => {
    endSessions(req, { subject: req.params.subject }).then(() => res.sendStatus(204), next)
  })
}

/** Starts the processes before the tests of a suite, restores the way after each, and ends them after all. */
export function useOutage(target: string, connect: Connect, started: (outage: Outage) => void): void {
  let outage: Outage
  beforeAll(async () => {
    outage = await startOutage(target, connect)
    started(outage)
  })
  afterEach(async () => {
    vi.restoreAllMocks()
    await outage.recover()
    for (const app of [outage.one, outage.two, outage.bare, outage.plain]) app.errors.length = 0
  })
  afterAll(() => outage.close())
}

/** Tells who is signed in in a browser. */
export async function who(app: App, browser: UserAgent): Promise<unknown> {
  return (await browser.fetch(`${app.url}/who`)).json().subject
}

/** Demands that an answer says that a store is out of reach, for a while, and changes no cookie. */
export function expectUnavailable(answer: Answer): void {
  expect(answer.status).toBe(503)
  expect(answer.headers['retry-after']).toBe('5')
  expect(answer.headers['set-cookie']).toBeUndefined()
}
