import express, { type Express } from 'express'
import session from 'express-session'
import { type JWTPayload, SignJWT } from 'jose'
import { expect } from 'vitest'
import {
  callback,
  login,
  logout,
  type ProviderOptions,
  type RelyingPartyOptions,
  relyingParty,
  requireAuth,
} from '../../../src/index.js'
import { listen, SECRET } from '../bed/app.js'
import { type Answer, UserAgent } from '../bed/userAgent.js'
import { createKey } from './issuer.js'

/** A request that reached a provider. */
export interface Received {
  readonly url: string
  readonly method: string
  readonly headers: Headers
  readonly form: URLSearchParams
}

/** What a provider answers, by the URL without its query. */
export type Answers = Record<string, object | ((request: Received) => object | Promise<object>)>

/** What an ID token claims, and what signs it in place of the provider's RS256 key. */
export interface IdToken {
  readonly claims: JWTPayload
  /** Signs with HS256. */
  readonly secret?: string
  /** The algorithm of the provider's key. Default is `'RS256'`. */
  readonly alg?: string
}

export const REGISTRATION = { clientId: 'app', clientSecret: 'client-secret_1.0' }

const signingKeys = { RS256: createKey('RS256', 'provider'), ES256: createKey('ES256', 'provider-ec') }

/** An application that signs users in at a provider whose answers a test sets. No request leaves the process. */
export interface PresetSite {
  readonly url: string
  readonly received: Received[]
  readonly errors: unknown[]
  readonly answers: Answers
  /** What `onLogin` got as the raw profile. */
  readonly profiles: unknown[]
  /** Starts a login, and returns the authorization request. */
  begin(browser: UserAgent): Promise<URL>
  /** Brings the provider's response to the callback. */
  respond(browser: UserAgent, request: URL, parameters?: Record<string, string>): Promise<Answer>
  /** Signs in, and returns the claims of the session. */
  signIn(browser?: UserAgent, parameters?: Record<string, string>): Promise<Record<string, unknown>>
  /** Makes a login fail, and returns its error. */
  fail(parameters?: Record<string, string>): Promise<unknown>
  claims(browser: UserAgent): Promise<Answer>
  /** Signs out, and returns where the browser is to go. */
  signOut(browser: UserAgent): Promise<URL>
}

/** Starts a {@link PresetSite}. `idToken` answers the nonce of the login, unless its claims have one. */
export async function startPresetSite(
  provider: ProviderOptions,
  { answers, idToken, options }: { answers: Answers; idToken?: () => IdToken; options?: Partial<RelyingPartyOptions> },
): Promise<PresetSite> {
  const received: Received[] = []
  const errors: unknown[] = []
  const profiles: unknown[] = []
  let nonce: string | null = null
  const keys = await Promise.all(Object.values(signingKeys).map(async (key) => (await key).jwk))
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const url = input instanceof Request ? input.url : String(input)
    const form = new URLSearchParams(String(init?.body ?? ''))
    const request = { url, method: init?.method ?? 'GET', headers: new Headers(init?.headers), form }
    received.push(request)
    const [path = ''] = url.split('?', 1)
    if (/\/(jwks|keys|jwks\.json)$/.test(path)) return Response.json({ keys })
    if (path.endsWith('/revoke')) return new Response(null)
    const answer = answers[path]
    if (answer === undefined) return new Response(null, { status: 404 })
    const body = typeof answer === 'function' ? await answer(request) : answer
    if (body instanceof Response) return body
    const signed = idToken && 'access_token' in body ? { id_token: await sign(idToken(), nonce) } : {}
    return Response.json({ ...signed, ...body })
  }
  const app = express()
  const { url } = await listen(app)
  app.use(session({ secret: SECRET, resave: false, saveUninitialized: false }))
  app.use(
    relyingParty({
      baseUrl: url,
      secret: SECRET,
      provider,
      http: { fetch },
      onLogin({ profile }) {
        profiles.push(profile)
      },
      ...options,
    } as RelyingPartyOptions),
  )
  routes(app, errors)
  const site: PresetSite = {
    url,
    received,
    errors,
    answers,
    profiles,
    async begin(browser) {
      const answer = await browser.send(`${url}/login`)
      expect(errors).toEqual([])
      const request = new URL(String(answer.headers.location))
      nonce = request.searchParams.get('nonce')
      return request
    },
    respond(browser, request, parameters = { code: 'the-code' }) {
      const body = new URLSearchParams({ state: request.searchParams.get('state') ?? '', ...parameters })
      const isPost = request.searchParams.get('response_mode') === 'form_post'
      return isPost
        ? browser.send(`${url}/callback`, { method: 'POST', body, from: request.href })
        : browser.send(`${url}/callback?${body}`, { from: request.href })
    },
    async signIn(browser = new UserAgent(), parameters) {
      await site.respond(browser, await site.begin(browser), parameters)
      expect(errors).toEqual([])
      return (await site.claims(browser)).json()
    },
    async fail(parameters) {
      const browser = new UserAgent()
      await site.respond(browser, await site.begin(browser), parameters)
      expect((await site.claims(browser)).status).toBe(401)
      return errors.pop()
    },
    claims: (browser) => browser.fetch(`${url}/claims`),
    async signOut(browser) {
      const answer = await browser.fetch(`${url}/logout`, { method: 'POST' })
      return new URL(answer.json<{ logoutUrl: string }>().logoutUrl)
    },
  }
  return site
}

function routes(app: Express, errors: unknown[]): void {
  app.get('/login', login())
  app.all('/callback', callback())
  app.post('/logout', logout())
  app.get('/claims', requireAuth(), (req, res) => void res.json(req.auth.claims))
  app.get('/scopes', requireAuth(), (req, res) => void res.json(req.auth.scopes))
  app.get('/token', requireAuth(), async (req, res, next) => {
    await req.auth.getAccessToken({ forceRefresh: true }).then((token) => res.json({ token }), next)
  })
  app.use((error: unknown, _req: express.Request, res: express.Response, _next: express.NextFunction) => {
    const isChallenge = (error as { code?: string }).code === 'ERR_AUTHENTICATION_REQUIRED'
    if (!isChallenge) errors.push(error)
    res.sendStatus(isChallenge ? 401 : 500)
  })
}

async function sign({ claims, secret, alg = 'RS256' }: IdToken, nonce: string | null): Promise<string> {
  const { privateKey, kid } = await signingKeys[alg as keyof typeof signingKeys]
  const now = Math.floor(Date.now() / 1000)
  const payload = { aud: 'app', iat: now, exp: now + 600, ...(nonce === null ? {} : { nonce }), ...claims }
  return secret === undefined
    ? new SignJWT(payload).setProtectedHeader({ alg, kid }).sign(privateKey)
    : new SignJWT(payload).setProtectedHeader({ alg: 'HS256' }).sign(new TextEncoder().encode(secret))
}

/** Returns the metadata of an OpenID Provider whose endpoints are below its issuer. */
export function metadataOf(issuer: string, more: Record<string, unknown> = {}): object {
  return {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    userinfo_endpoint: `${issuer}/userinfo`,
    jwks_uri: `${issuer}/jwks`,
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
    ...more,
  }
}
