import { createHmac } from 'node:crypto'
import express from 'express'
import rateLimit from 'express-rate-limit'
import session, { MemoryStore } from 'express-session'
import { expect } from 'vitest'
import {
  callback,
  defineProvider,
  deviceLogin,
  login,
  logout,
  type OAuth2Provider,
  type ProviderOptions,
  passwordLogin,
  RelyingPartyError,
  type RelyingPartyEvent,
  type RelyingPartyOptions,
  relyingParty,
  requireAuth,
  requireScope,
} from '../../../src/index.js'
import { listen, SECRET } from '../bed/app.js'
import { type Answer, UserAgent } from '../bed/userAgent.js'

/** The OAuth 2.0 server of an {@link OAuth2Site}. */
export const SERVER = 'https://example.com'

/** A request as the server received it. */
export interface ServerRequest {
  readonly url: string
  readonly method: string
  readonly headers: Headers
  readonly text: string
  /** `text` as a form. */
  readonly body: URLSearchParams
}

type Reply = (request: ServerRequest) => Response | Promise<Response>

/** An application that signs users in at an OAuth 2.0 server. What the server answers can be changed at any time. */
export interface OAuth2Site {
  readonly url: string
  readonly requests: ServerRequest[]
  readonly errors: unknown[]
  readonly events: RelyingPartyEvent[]
  /** The JSON of the token endpoint. */
  readonly tokens: Record<string, unknown>
  /** The JSON of the profile endpoint. */
  readonly user: { answer: unknown }
  /** Replies in place of the usual ones, by path. */
  readonly replies: Record<string, Reply>
  /** Starts a login and returns the parameters of the authorization request. */
  begin(browser: UserAgent, query?: string): Promise<URLSearchParams>
  /** Delivers an authorization response. */
  respond(browser: UserAgent, state: string | null, more?: Readonly<Record<string, string>>): Promise<Answer>
  /** Signs in, with a new browser by default. Fails if there is an error. */
  signIn(browser?: UserAgent): Promise<UserAgent>
  /** Requests JSON that only a signed-in user gets: `subject`, `claims` and `scopes`. */
  who(browser: UserAgent): Promise<Answer>
  /** The requests that a path of the server received. */
  received(path: string): ServerRequest[]
}

/** Returns the options of an OAuth 2.0 provider at {@link SERVER}. */
export function oauth2(changes: Partial<OAuth2Provider> = {}): ProviderOptions {
  return defineProvider({
    authorizationEndpoint: `${SERVER}/authorize`,
    tokenEndpoint: `${SERVER}/token`,
    clientId: 'app',
    clientSecret: 'client secret',
    scope: 'read:user user:email',
    async profile({ fetchJson }) {
      const user = await fetchJson<{ id: number; name: string; email: string | null }>(`${SERVER}/me`)
      return { claims: { sub: String(user.id), name: user.name, email: user.email as string }, raw: user }
    },
    ...changes,
  })
}

/** Signs an ID token with HS256. It is for the client `app`, and valid for a minute. */
export function idToken(claims: Readonly<Record<string, unknown>>, secret = 'client secret'): string {
  const now = Math.floor(Date.now() / 1000)
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')
  const signed = `${encode({ alg: 'HS256' })}.${encode({ aud: 'app', iat: now, exp: now + 60, ...claims })}`
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
}

/** Starts an application with one provider, by default that of {@link oauth2}. */
export async function startOAuth2(
  provider: RelyingPartyOptions['provider'] = oauth2(),
  options: Partial<RelyingPartyOptions> = {},
  routes: (app: express.Express) => void = () => {},
): Promise<OAuth2Site> {
  const server = createServer()
  const { requests, fetch, tokens, user, replies } = server
  const errors: unknown[] = []
  const events: RelyingPartyEvent[] = []
  const app = express()
  const { url } = await listen(app)
  app.use(session({ secret: SECRET, resave: false, saveUninitialized: false, store: new MemoryStore() }))
  const chosen = options.providers || !provider ? {} : { provider }
  app.use(
    relyingParty({
      baseUrl: url,
      secret: SECRET,
      ...chosen,
      http: { fetch },
      onEvent: (event) => events.push(event),
      ...options,
    }),
  )
  addRoutes(app)
  routes(app)
  app.use((error: unknown, _req: express.Request, res: express.Response, _next: express.NextFunction) => {
    errors.push(error)
    res.sendStatus(error instanceof RelyingPartyError ? error.status : 500)
  })
  const begin: OAuth2Site['begin'] = async (browser, query = '') => {
    const answer = await browser.send(`${url}/login${query}`)
    return new URL(String(answer.headers.location)).searchParams
  }
  const respond: OAuth2Site['respond'] = (browser, state, more) =>
    browser.send(`${url}/callback?${new URLSearchParams({ code: 'the-code', state: state ?? '', ...more })}`)
  return {
    ...{ url, requests, errors, events, tokens, user, replies, begin, respond },
    async signIn(browser = new UserAgent()) {
      await respond(browser, (await begin(browser)).get('state'))
      expect(errors).toEqual([])
      return browser
    },
    who: (browser) => browser.send(`${url}/who`, { headers: { accept: 'application/json' } }),
    received: (path) => requests.filter((request) => request.url === SERVER + path),
  }
}

function createServer() {
  const requests: ServerRequest[] = []
  const user: { answer: unknown } = { answer: { id: 42, name: 'Ada', email: null } }
  const tokens: Record<string, unknown> = { access_token: 'the-token', scope: 'read:user,user:email' }
  const replies: Record<string, Reply> = {}
  const usual: Record<string, Reply> = {
    '/token': () => Response.json(tokens),
    '/me': () => Response.json(user.answer),
    '/revoke': () => new Response(null),
  }
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const url = input instanceof Request ? input.url : String(input)
    const text = init?.body === undefined || init.body === null ? '' : String(init.body)
    const headers = new Headers(init?.headers)
    const request = { url, method: init?.method ?? 'GET', headers, text, body: new URLSearchParams(text) }
    requests.push(request)
    const { pathname } = new URL(url)
    return (replies[pathname] ?? usual[pathname])?.(request) ?? new Response(null, { status: 404 })
  }
  return { requests, user, tokens, replies, fetch }
}

function addRoutes(app: express.Express): void {
  app.all('/login', login())
  app.all(['/callback', '/callback/:provider'], callback())
  app.post('/logout', logout())
  app.all('/device', deviceLogin())
  app.post('/password', passwordLogin({ allowPasswordGrant: true, rateLimit: rateLimit() }))
  app.get('/who', requireAuth(), (req, res) => {
    const { subject, claims, scopes } = req.auth
    res.json({ subject, claims, scopes })
  })
  app.get('/email', requireScope('user:email'), (_req, res) => void res.json({}))
  app.get('/delete', requireScope('delete:user'), (_req, res) => void res.json({}))
  app.get('/userinfo', (req, res, next) => {
    req.auth.fetchUserInfo().then((claims) => res.json(claims), next)
  })
  app.get('/token', (req, res, next) => {
    req.auth.getAccessToken().then((token) => res.json({ token }), next)
  })
}
