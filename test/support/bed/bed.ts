import { MemoryStore } from 'express-session'
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import { beforeAll, beforeEach, vi } from 'vitest'
import { defined } from '../../../src/lib/defined.js'
import type { Spoil } from '../provider/spoil.js'
import { type ProviderSettings, SpoiledProvider } from '../provider/spoiledProvider.js'
import {
  type App,
  type AppOptions,
  type LocalProvider,
  type LocalProviderOptions,
  register,
  startApp,
  startLocalProvider,
} from './app.js'
import { createTokenEndpoint, type TokenEndpoint } from './tokenEndpoint.js'
import { type Init, UserAgent } from './userAgent.js'

/** An application and the provider it is registered at, on different hosts. */
export interface Bed<Provider = LocalProvider> {
  readonly app: App
  readonly provider: Provider
}

export type SpoiledBed = Bed<SpoiledProvider>

/** A bed that runs until the end of the test that started it, or until it is closed. */
export interface RunningBed<Provider = LocalProvider> extends Bed<Provider> {
  close(): Promise<void>
}

/** A bed whose application reaches the provider through a {@link TokenEndpoint}. */
export interface TokenBed extends RunningBed {
  readonly store: MemoryStore
  readonly tokens: TokenEndpoint
  /** Signs an ID token with the provider's key. */
  sign(claims: JWTPayload): Promise<string>
  /** Signs Ada in with a new browser. */
  signIn(): Promise<UserAgent>
  /** Starts another application with the same store. */
  startAnother(settings: AppOptions): Promise<App>
}

/** Settings of a bed with a local provider. */
export interface LocalSettings extends AppOptions {
  /** A provider that is running already, which outlives the bed. */
  readonly at?: LocalProvider
  /** Options of the provider that is started otherwise. */
  readonly local?: LocalProviderOptions
  /** Whether users come by https, to {@link PUBLIC_URL}, through a proxy that says so. */
  readonly behindTls?: boolean
}

/** Settings of a bed whose provider spoils its responses. The registration follows `spoiled`. */
export interface SpoiledSettings extends AppOptions {
  readonly spoil: Spoil
  readonly spoiled?: ProviderSettings
}

/** Starts an application and a provider: a {@link SpoiledProvider} if `spoil` is set, or a local one. */
export function startBed(settings: SpoiledSettings): Promise<RunningBed<SpoiledProvider>>
export function startBed(settings: LocalSettings & { readonly tokens: true }): Promise<TokenBed>
export function startBed(settings?: LocalSettings): Promise<RunningBed>
export function startBed(
  settings: SpoiledSettings | (LocalSettings & { readonly tokens?: true }) = {},
): Promise<RunningBed | RunningBed<SpoiledProvider>> {
  if ('spoil' in settings) return startSpoiled(settings)
  return settings.tokens ? startWithTokens(settings) : startLocal(settings)
}

async function startSpoiled({
  spoil,
  spoiled = {},
  ...settings
}: SpoiledSettings): Promise<RunningBed<SpoiledProvider>> {
  const provider = await SpoiledProvider.start(spoiled)
  provider.spoil = spoil
  const { clientId, clientSecret, clientAuth, idTokenAlg: idTokenSigningAlg } = spoiled
  const registration = { ...defined({ clientId, clientSecret, clientAuth, idTokenSigningAlg }), ...settings.provider }
  return bedOf(await startApp(provider.issuer, { ...settings, provider: registration }), provider)
}

async function startLocal({ at, local, behindTls = false, ...settings }: LocalSettings): Promise<RunningBed> {
  const provider = at ?? (await startLocalProvider({ host: 'localhost', ...local }))
  const app = await startApp(provider.issuer, behindTls ? throughProxy(settings) : settings)
  await register(provider, behindTls ? { url: PUBLIC_URL } : app)
  return bedOf(app, provider, at === undefined)
}

function bedOf<Provider extends { close(): Promise<void> }>(
  app: App,
  provider: Provider,
  ownsProvider = true,
): RunningBed<Provider> {
  return {
    app,
    provider,
    async close() {
      await app.close()
      if (ownsProvider) await provider.close()
    },
  }
}

/** The lifetime of the access tokens of a bed with a token endpoint. In seconds. */
export const TOKEN_LIFETIME = 600

/** The provider's signing key: one for all beds, as it takes long to make. */
const signingKey = generateKeyPair('RS256', { extractable: true }).then(({ privateKey }) => ({
  privateKey,
  header: { alg: 'RS256', kid: 'signing' },
}))

async function startWithTokens({ local, ...settings }: LocalSettings): Promise<TokenBed> {
  const { privateKey, header } = await signingKey
  const configuration = { ...local?.configuration, jwks: { keys: [{ ...(await exportJWK(privateKey)), ...header }] } }
  const usual = { ttl: { accessToken: TOKEN_LIFETIME }, issueRefreshToken: 'always' }
  const store = new MemoryStore()
  const { tokens, fetch } = createTokenEndpoint()
  const withTokens = (more: AppOptions) => ({ store, ...more, options: { ...more.options, http: { fetch } } })
  const bed = await startLocal({
    ...withTokens(settings),
    local: { ...usual, ...local, configuration } as LocalProviderOptions,
  })
  const apps = [bed.app]
  return {
    ...bed,
    store,
    tokens,
    sign: (claims) => new SignJWT(claims).setProtectedHeader(header).sign(privateKey),
    async signIn() {
      const browser = new UserAgent()
      await browser.visit(`${bed.app.url}/profile`)
      return browser
    },
    async startAnother(more) {
      const another = await startApp(bed.provider.issuer, withTokens(more))
      apps.push(another)
      await register(bed.provider, bed.app, { redirect_uris: apps.map(({ url }) => `${url}/callback`) })
      return another
    },
    async close() {
      for (const app of apps) await app.close()
      await bed.close()
    },
  }
}

/** The address of an application behind a proxy that ends TLS. Requests reach it at the URL of the `app`. */
export const PUBLIC_URL = 'https://app.example.com'

function throughProxy(settings: AppOptions): AppOptions {
  return {
    ...settings,
    before(app) {
      app.set('trust proxy', 1)
      settings.before?.(app)
    },
    options: { baseUrl: PUBLIC_URL, ...settings.options },
    session: { cookie: { secure: true, sameSite: 'lax' }, ...settings.session },
  }
}

/** Returns a request to the public address as the proxy passes it on. */
export function proxied(
  { app }: Pick<Bed, 'app'>,
  { url, init }: { url: string; init?: Init },
): { url: string; init: Init } {
  const headers = { ...init?.headers, 'x-forwarded-proto': 'https' }
  return { url: url.replace(PUBLIC_URL, app.url), init: { ...init, headers } }
}

/** Starts a bed that the tests of a suite share, each with a new browser. */
export function useBed(settings?: LocalSettings): { bed: Bed; browser: UserAgent } {
  return { bed: useForAll(() => startBed(settings)), browser: useBrowser() }
}

/** Starts a local provider that the tests of a suite share, each with a new browser and beds of its own. */
export function useProvider(local?: LocalProviderOptions): { provider: LocalProvider; browser: UserAgent } {
  return { provider: useForAll(() => startLocalProvider({ host: 'localhost', ...local })), browser: useBrowser() }
}

/** Gives each test of a suite a new browser. */
export function useBrowser(): UserAgent {
  let browser: UserAgent
  beforeEach(() => {
    muteExpress()
    browser = new UserAgent()
  })
  return standIn(() => browser)
}

/** Keeps what Express prints of the errors that a test provokes out of the report. Call it before each test. */
export function muteExpress(): void {
  vi.spyOn(console, 'error').mockImplementation(() => {})
}

/** Starts something before the tests of a suite, and closes it after them. */
function useForAll<Thing extends { close(): Promise<void> }>(start: () => Promise<Thing>): Thing {
  let thing: Thing
  beforeAll(async () => {
    thing = await start()
    return () => thing.close()
  })
  return standIn(() => thing)
}

/** Stands for the object that `current` returns at the time of use. */
function standIn<Thing extends object>(current: () => Thing): Thing {
  return new Proxy({} as Thing, {
    get(_target, name) {
      const value: unknown = Reflect.get(current(), name)
      return typeof value === 'function' ? value.bind(current()) : value
    },
  })
}
