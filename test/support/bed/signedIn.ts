import { setTimeout as wait } from 'node:timers/promises'
import type { Express } from 'express'
import { MemoryStore } from 'express-session'
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import { vi } from 'vitest'
import { type App, type AppOptions, register, startApp, startLocalProvider } from './app.js'
import { UserAgent } from './userAgent.js'

type LocalProviderOptions = Parameters<typeof startLocalProvider>[0] & object

/** The lifetime of the provider's access tokens. In seconds. */
export const TOKEN_LIFETIME = 600

/** The answer of the token endpoint, as a test changes it. */
export type TokenAnswer = Record<string, unknown>

/**
 * Stands between the application and the provider: counts refreshes, holds them back, changes their answers or fails
 * them.
 */
export interface TokenEndpoint {
  /** How many refreshes were asked for. */
  refreshes: number
  /** Refreshes wait for this. */
  held: Promise<void> | undefined
  /** Answers a refresh in place of the provider, which is not asked. */
  instead: (() => Response | Promise<Response>) | undefined
  /** Whether requests to other endpoints fail, by their URL. */
  fails: ((url: string) => boolean) | undefined
  /** Changes the provider's answer to a refresh. */
  change: ((answer: TokenAnswer) => TokenAnswer | Promise<TokenAnswer>) | undefined
  /** Every token that was ever given out. */
  readonly given: string[]
}

/** A local provider, an application and the way between them. */
export interface Scene {
  readonly app: App
  readonly store: MemoryStore
  readonly provider: Awaited<ReturnType<typeof startLocalProvider>>
  readonly tokens: TokenEndpoint
  /** Signs an ID token with the provider's key. */
  sign(claims: JWTPayload): Promise<string>
  /** Signs Ada in with a new browser. */
  signIn(): Promise<UserAgent>
  /** Starts a further application with the same store. */
  startAnother(settings: AppOptions): Promise<App>
  close(): Promise<void>
}

/** The provider's signing key: one for all scenes of a file, as it takes long to make. */
const signingKey = generateKeyPair('RS256', { extractable: true }).then(({ privateKey }) => ({
  privateKey,
  header: { alg: 'RS256', kid: 'signing' },
}))

/** Starts an application that talks to a local provider by way of a {@link TokenEndpoint}. */
export async function startScene(settings: AppOptions = {}, options: LocalProviderOptions = {}): Promise<Scene> {
  const { privateKey, header } = await signingKey
  const configuration = { ...options.configuration, jwks: { keys: [{ ...(await exportJWK(privateKey)), ...header }] } }
  const provider = await startLocalProvider({
    ttl: { accessToken: TOKEN_LIFETIME },
    issueRefreshToken: 'always',
    ...options,
    configuration,
  } as never)
  const store = new MemoryStore()
  const { tokens, fetch } = createTokenEndpoint()
  const apps: App[] = []
  const start = async (more: AppOptions) => {
    const app = await startApp(provider.issuer, { store, ...more, options: { ...more.options, http: { fetch } } })
    apps.push(app)
    return app
  }
  const app = await start(settings)
  await register(provider, app)
  return {
    app,
    store,
    provider,
    tokens,
    sign: (claims) => new SignJWT(claims).setProtectedHeader(header).sign(privateKey),
    async signIn() {
      const browser = new UserAgent()
      await browser.visit(`${app.url}/profile`)
      return browser
    },
    async startAnother(more) {
      const another = await start(more)
      await register(provider, app, { redirect_uris: apps.map(({ url }) => `${url}/callback`) })
      return another
    },
    async close() {
      for (const each of apps) await each.close()
      await provider.close()
    },
  }
}

function createTokenEndpoint(): { tokens: TokenEndpoint; fetch: typeof fetch } {
  const tokens: TokenEndpoint = {
    refreshes: 0,
    held: undefined,
    instead: undefined,
    fails: undefined,
    change: undefined,
    given: [],
  }
  return {
    tokens,
    fetch: async (url, init) => {
      const isRefresh = String(init?.body).includes('grant_type=refresh_token')
      if (isRefresh) {
        tokens.refreshes++
        await tokens.held
        if (tokens.instead) return tokens.instead()
      } else if (tokens.fails?.(String(url))) {
        return new Response(null, { status: 503 })
      }
      const response = await fetch(url, init)
      if (!response.ok || !String(init?.body).includes('grant_type=')) return response
      const answer = (await response.json()) as TokenAnswer
      for (const name of ['access_token', 'refresh_token', 'id_token']) {
        if (typeof answer[name] === 'string') tokens.given.push(answer[name])
      }
      return Response.json(isRefresh && tokens.change ? await tokens.change(answer) : answer)
    },
  }
}

/** Lets time pass, where `Date` is faked. In seconds. */
export function pass(seconds: number): void {
  vi.setSystemTime(Date.now() + seconds * 1000)
}

/** Waits until something is so, in real time: `vi.waitUntil` would move a faked clock on. */
export async function until(isSo: () => boolean): Promise<void> {
  for (let attempt = 0; !isSo(); attempt++) {
    if (attempt === 5000) throw new Error('it did not come to be so')
    await wait(2)
  }
}

/** A gate that is shut until it is opened. */
export function gate(): { open: () => void; opened: Promise<void> } {
  let open = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { open, opened }
}

/** Routes that wait for a gate, of which each request has its own. */
export function gatedRoutes(): {
  routes: (app: Express) => void
  /** Resolves when a request to a gated route has begun; opening lets it end. */
  begun: () => Promise<{ open: () => void }>
} {
  const waiting: { open: () => void }[] = []
  const begin = async () => {
    const { open, opened } = gate()
    waiting.push({ open })
    await opened
  }
  return {
    routes(app) {
      app.get('/slow-token', async (req, res, next) => {
        await begin()
        await req.auth.getAccessToken().then((token) => res.json({ token }), next)
      })
      app.get('/slow-save', async (req, res) => {
        await begin()
        Object.assign(req.session, { basket: ['book'] })
        res.json({ saved: true })
      })
    },
    async begun() {
      await until(() => waiting.length > 0)
      return waiting.shift() as { open: () => void }
    },
  }
}
