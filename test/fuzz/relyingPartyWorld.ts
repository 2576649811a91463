import type { ErrorRequestHandler } from 'express'
import express from 'express'
import session, { MemoryStore } from 'express-session'
import {
  type AuthStore,
  backchannelLogout,
  callback,
  deviceLogin,
  frontchannelLogout,
  globalTokenRevocation,
  login,
  logout,
  type ProviderOptions,
  relyingParty,
  requireAuth,
  requireStepUp,
  securityEvents,
  userInfoRoute,
} from '../../src/index.js'
import { MemoryAuthStore } from '../support/stores/memoryAuthStore.js'
import { type Answer, cookiesOf } from './exchange.js'
import { send, type World } from './harness.js'
import { createKey, type SigningKey, signJwt } from './spoilJwt.js'

export const ORIGIN = 'https://app.example.com'
export const ISSUER = 'https://op.example.com'
export const CLIENT_ID = 'app'
const SECRET = 'QmFzZTY0IG9mIHRoaXJ0eS10d28gcmFuZG9tIGJ5dGVz'

/** One answer of a provider. */
export interface Reply {
  readonly status?: number
  readonly headers?: Record<string, string>
  readonly body: string
}

/** The most that Node's HTTP clients read of headers. In bytes. */
const MAX_HEADERS = 16_384

/** Leaves out what no HTTP client would let through. */
function sendable(headers: Record<string, string>): Headers {
  const sent = new Headers()
  for (const [name, value] of Object.entries(headers)) {
    try {
      sent.set(name, Buffer.from(value).toString('latin1').slice(0, MAX_HEADERS))
    } catch {
      // A parser refuses it too.
    }
  }
  return sent
}

/** A provider in this process. Its answers are replaced by those of a target. */
export class FakeProvider {
  readonly key: SigningKey = createKey('k1')
  /** The nonce of the login in progress, which ID tokens carry. */
  nonce: string | undefined
  readonly replies: Record<string, () => Reply> = {}

  readonly fetch = (async (url: string | URL | Request) => {
    const { pathname } = new URL(url instanceof Request ? url.url : url)
    const { status = 200, headers, body } = (this.replies[pathname] ?? (() => this.usual(pathname)))()
    const usual = { 'content-type': 'application/json' }
    return new Response(body === '' ? null : body, { status, headers: sendable(headers ?? usual) })
  }) as typeof globalThis.fetch

  /** What a sound provider answers. */
  usual(pathname: string): Reply {
    const answer = this.usualJson(pathname)
    return answer ? { body: JSON.stringify(answer) } : { status: 404, body: '' }
  }

  usualJson(pathname: string): Record<string, unknown> | undefined {
    switch (pathname) {
      case '/.well-known/openid-configuration':
        return METADATA
      case '/jwks':
        return { keys: [this.key.jwk] }
      case '/token':
        return { ...TOKENS, id_token: signJwt(this.key, { alg: 'ES256', kid: 'k1' }, this.idTokenClaims()) }
      case '/userinfo':
        return { sub: 'ada', name: 'Ada', email: 'ada@example.com' }
      case '/device':
        return DEVICE
      default:
        return undefined
    }
  }

  idTokenClaims(): Record<string, unknown> {
    const now = Math.floor(Date.now() / 1000)
    const { nonce } = this
    return {
      iss: ISSUER,
      sub: 'ada',
      aud: CLIENT_ID,
      iat: now,
      exp: now + 300,
      sid: 's1',
      auth_time: now,
      ...(nonce === undefined ? {} : { nonce }),
    }
  }
}

export const METADATA: Readonly<Record<string, unknown>> = {
  issuer: ISSUER,
  authorization_endpoint: `${ISSUER}/authorize`,
  token_endpoint: `${ISSUER}/token`,
  userinfo_endpoint: `${ISSUER}/userinfo`,
  jwks_uri: `${ISSUER}/jwks`,
  end_session_endpoint: `${ISSUER}/logout`,
  device_authorization_endpoint: `${ISSUER}/device`,
  introspection_endpoint: `${ISSUER}/introspect`,
  response_types_supported: ['code'],
  subject_types_supported: ['public'],
  id_token_signing_alg_values_supported: ['ES256'],
  authorization_response_iss_parameter_supported: true,
}

const TOKENS = {
  access_token: 'at-QmFzZTY0IG9mIGEgdG9rZW4',
  token_type: 'Bearer',
  expires_in: 3600,
  refresh_token: 'rt-QmFzZTY0IG9mIGEgdG9rZW4',
  scope: 'openid',
}

const DEVICE = {
  device_code: 'dc-QmFzZTY0IG9mIGEgY29kZQ',
  user_code: 'ABCD-EFGH',
  verification_uri: `${ISSUER}/activate`,
  verification_uri_complete: `${ISSUER}/activate?user_code=ABCD-EFGH`,
  expires_in: 600,
  interval: 5,
}

/** An application with every route of a relying party, and the provider it signs in at. */
export interface RelyingPartyWorld extends World {
  readonly provider: FakeProvider
}

/** Creates an application and its provider. */
export function createWorld(
  client: Partial<ProviderOptions> = {},
  { provider = new FakeProvider(), store = new MemoryAuthStore() }: { provider?: FakeProvider; store?: AuthStore } = {},
): RelyingPartyWorld {
  const errors: unknown[] = []
  const app = express()
  app.set('env', 'test')
  app.use(
    session({
      secret: SECRET,
      resave: false,
      saveUninitialized: false,
      store: new MemoryStore(),
      cookie: { secure: 'auto', sameSite: 'lax' },
    }),
  )
  app.use(
    relyingParty({
      baseUrl: ORIGIN,
      secret: SECRET,
      provider: {
        issuer: ISSUER,
        clientId: CLIENT_ID,
        clientSecret: 'client secret',
        idTokenSigningAlg: 'ES256',
        ...client,
      },
      http: { fetch: provider.fetch },
      store,
    }),
  )
  app.all('/login', login())
  app.all('/callback', callback())
  app.all('/logout', logout())
  app.all('/device', deviceLogin())
  app.all('/backchannel', backchannelLogout())
  app.all('/events', securityEvents())
  app.all('/revocation', globalTokenRevocation())
  app.all('/frontchannel', frontchannelLogout())
  app.get('/me', userInfoRoute())
  app.get('/profile', requireAuth(), (req, res) => void res.json(req.auth.claims))
  app.get('/recent', requireStepUp({ maxAge: 300 }), (_req, res) => void res.json({}))
  app.get('/token', requireAuth(), (req, res, next) => {
    req.auth.getAccessToken().then(() => res.json({}), next)
  })
  app.get('/', (req, res) => void res.json({ kind: req.auth.kind }))
  const keep: ErrorRequestHandler = (error, _req, _res, next) => {
    errors.push(error)
    next(error)
  }
  app.use(keep)
  return { app, errors, provider }
}

/** A login in progress. */
export interface Begun {
  readonly state: string
  readonly cookie: string
}

/** Begins a login. */
export async function begin(world: RelyingPartyWorld, query = ''): Promise<Begun> {
  const answer = await send(world, { url: `/login${query}` })
  return begun(world, answer)
}

/** Reads what a login was begun with from its redirect. */
export function begun({ provider }: RelyingPartyWorld, answer: Answer): Begun {
  if (answer.location === undefined) throw new Error(`no login was begun: ${answer.status}`)
  const asked = new URL(answer.location).searchParams
  provider.nonce = asked.get('nonce') ?? undefined
  return { state: asked.get('state') ?? '', cookie: cookiesOf(answer) }
}

/** The provider's response to a login. */
export function response({ state }: Begun): Record<string, string> {
  return { code: 'code-QmFzZTY0IG9mIGEgY29kZQ', state, iss: ISSUER }
}

/** Delivers the provider's response. @param atFault - the statuses from 500 that are right here */
export async function finish(world: RelyingPartyWorld, login: Begun, atFault: readonly number[] = []): Promise<Answer> {
  const url = `/callback?${new URLSearchParams(response(login)).toString()}`
  return send(world, { url, headers: [['cookie', login.cookie]] }, atFault)
}

/** Signs in. Resolves to the cookies of the session. */
export async function signIn(world: RelyingPartyWorld): Promise<string> {
  const answer = await finish(world, await begin(world))
  if (answer.status !== 303) throw new Error(`the login failed: ${answer.status}`, { cause: world.errors[0] })
  return cookiesOf(answer)
}
