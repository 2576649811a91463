import type { Request, RequestHandler } from 'express'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type ResourceServerOptions, resourceServer } from '../../src/index.js'
import { type Api, createApi } from '../support/api/api.js'
import { createProofKey, prove } from '../support/api/dpop.js'
import { register, startLocalProvider } from '../support/bed/app.js'
import { AUDIENCE, json, signToken, startIssuer, type TestIssuer } from '../support/provider/issuer.js'
import { configurationErrorSaying } from '../support/run/configurationError.js'

const CLIENT = { clientId: 'api', clientSecret: 'secret: %+/&' }

let issuer: TestIssuer
/** What the endpoint answers. */
let answer: Record<string, unknown>
/** What it was asked. */
let asked: { body: URLSearchParams; authorization: string | undefined; accept: string | undefined }[]

const now = () => Math.floor(Date.now() / 1000)

beforeEach(async () => {
  issuer = await startIssuer()
  asked = []
  answer = { active: true, aud: AUDIENCE, sub: 'ada', scope: 'reports:read', exp: now() + 600, token_type: 'Bearer' }
  issuer.handler = (req, res) => {
    let body = ''
    req.on('data', (chunk) => {
      body += String(chunk)
    })
    req.on('end', () => {
      const { authorization, accept } = req.headers
      asked.push({ body: new URLSearchParams(body), authorization, accept })
      json(res, answer)
    })
  }
})

afterEach(async () => {
  vi.useRealTimers()
  await issuer.close()
})

function createOpaqueApi(
  introspection: Partial<ResourceServerOptions['introspection']> = {},
  options: Partial<ResourceServerOptions> = {},
  onRequest: (req: Request) => void = () => {},
): Api {
  const before: RequestHandler[] = [
    (req, _res, next) => {
      onRequest(req)
      next()
    },
  ]
  return createApi(issuer.issuer, { introspection: { ...CLIENT, ...introspection }, ...options }, { before })
}

describe('introspection (RFC 7662)', () => {
  it('introspects an opaque token, and accepts JWTs too', async () => {
    const api = createOpaqueApi()
    const { body } = await api.get('/', 'opaque').expect(200)
    expect(body).toMatchObject({
      kind: 'access_token',
      subject: 'ada',
      scopes: ['reports:read'],
      provider: issuer.issuer,
    })
    expect(asked).toHaveLength(1)
    expect(Object.fromEntries(asked[0]?.body ?? [])).toEqual({ token: 'opaque', token_type_hint: 'access_token' })
    expect(asked[0]?.authorization).toBe(`Basic ${Buffer.from('api:secret%3A+%25%2B%2F%26').toString('base64')}`)
    await api.get('/reports', await issuer.token()).expect(200)
    expect(asked).toHaveLength(1)
  })

  it('authenticates in the body if so configured', async () => {
    await createOpaqueApi({ clientAuth: 'client_secret_post' }).get('/', 'opaque').expect(200)
    expect(asked[0]?.body.get('client_secret')).toBe(CLIENT.clientSecret)
    expect(asked[0]?.authorization).toBeUndefined()
  })

  it('introspects JWTs too if so configured', async () => {
    const api = createOpaqueApi({ tokens: 'all' })
    answer = { active: false }
    await api.get('/', await issuer.token()).expect(401)
    expect(asked).toHaveLength(1)
  })

  it.each<[string, () => Record<string, unknown>]>([
    ['no longer active', () => ({ active: false })],
    ['active as a string', () => ({ active: 'true' })],
    ['of nothing', () => ({ active: undefined })],
    ['for another audience', () => ({ aud: 'https://other.example' })],
    ['for no audience', () => ({ aud: undefined })],
    ['of another issuer', () => ({ iss: 'https://evil.example' })],
    ['expired', () => ({ exp: now() - 10 })],
    ['with exp as a string', () => ({ exp: String(now() + 600) })],
    ['not valid yet', () => ({ nbf: now() + 60 })],
    ['with exp in milliseconds', () => ({ exp: (now() + 600) * 1000 })],
    ['an ID token', () => ({ token_use: 'id' })],
    ['of another type', () => ({ token_type: 'refresh_token' })],
    ['whose type is no string', () => ({ token_type: { toString: 1 } })],
    ['used for refreshing', () => ({ token_use: 'refresh_token' })],
    ['an ID token of Keycloak', () => ({ typ: 'ID' })],
    ['a refresh token of Keycloak', () => ({ typ: 'Refresh' })],
    ['an offline token of Keycloak', () => ({ typ: 'Offline' })],
    ['with a subject that is none', () => ({ sub: 7 })],
    ['bound to a key', () => ({ cnf: { jkt: 'key' } })],
  ])('refuses a token that is %s', async (_what, change) => {
    answer = { ...answer, ...change() }
    const { headers } = await createOpaqueApi().get('/', 'opaque').expect(401)
    expect(headers['www-authenticate']).toBe('Bearer error="invalid_token"')
  })

  it.each(['Bearer', 'DPoP', 'at+jwt', undefined])('accepts a token of the typ %s', async (typ) => {
    answer = { ...answer, typ }
    await createOpaqueApi().get('/', 'opaque').expect(200)
  })

  it('accepts a response without aud only if so configured', async () => {
    answer = { ...answer, aud: undefined, exp: undefined }
    await createOpaqueApi({ allowMissingAudience: true }).get('/', 'opaque').expect(200)
    answer = { ...answer, aud: 'https://other.example' }
    await createOpaqueApi({ allowMissingAudience: true }).get('/', 'other').expect(401)
  })

  it('notices a revocation at once, regardless of the cache of JWTs', async () => {
    const api = createOpaqueApi({}, { cache: { ttl: 3600 } })
    await api.get('/', 'opaque').expect(200)
    await api.get('/', 'opaque').expect(200)
    expect(asked).toHaveLength(2)
    answer = { active: false }
    await api.get('/', 'opaque').expect(401)
    const all = createOpaqueApi({ tokens: 'all' })
    await all.get('/', await issuer.token()).expect(401)
  })

  it('caches an active token as long as a revocation may go unnoticed, but never beyond exp', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const api = createOpaqueApi({ revocationDelay: 30 }, { cache: { ttl: 0 } })
    await api.get('/', 'opaque').expect(200)
    answer = { active: false }
    vi.setSystemTime(Date.now() + 29_000)
    await api.get('/', 'opaque').expect(200)
    expect(asked).toHaveLength(1)
    vi.setSystemTime(Date.now() + 2000)
    await api.get('/', 'opaque').expect(401)
    answer = { active: true, aud: AUDIENCE, exp: now() + 20 }
    await api.get('/', 'short').expect(200)
    vi.setSystemTime(Date.now() + 26_000)
    await api.get('/', 'short').expect(401)
    expect(asked).toHaveLength(4)
  })

  it('caches an inactive token for ten seconds, but not one that is only for another API', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const api = createOpaqueApi()
    const good = answer
    answer = { active: false }
    for (let i = 0; i < 5; i++) await api.get('/', 'inactive').expect(401)
    expect(asked).toHaveLength(1)
    answer = good
    await api.get('/', 'active').expect(200)
    vi.setSystemTime(Date.now() + 10_001)
    await api.get('/', 'inactive').expect(200)
    answer = { ...good, aud: 'https://other.example' }
    await api.get('/', 'unfit').expect(401)
    answer = good
    await api.get('/', 'unfit').expect(200)
  })

  it('introspects a token of concurrent requests once, even a long one', async () => {
    const waiting: (() => void)[] = []
    issuer.handler = (_req, res) => void waiting.push(() => json(res, answer))
    const api = createOpaqueApi({}, { cache: { ttl: 0 } })
    for (const token of ['opaque', 'x'.repeat(9000)]) {
      const arrived: unknown[] = []
      const counted = createOpaqueApi({}, { cache: { ttl: 0 } }, (req) => void arrived.push(req))
      const requests = Promise.all(Array.from({ length: 5 }, () => counted.get('/', token).expect(200)))
      await vi.waitUntil(() => arrived.length === 5 && waiting.length === 1)
      for (const reply of waiting.splice(0)) reply()
      await requests
      expect(waiting).toEqual([])
    }
    issuer.handler = (_req, res) => void res.writeHead(500).end()
    await api.get('/', 'opaque').expect(503)
    issuer.handler = (_req, res) => json(res, answer)
    await api.get('/', 'opaque').expect(200)
  })

  it('refuses a response over 64 KiB', async () => {
    answer = { ...answer, groups: ['x'.repeat(66_000)] }
    await createOpaqueApi().get('/', 'opaque').expect(502)
    answer = { ...answer, groups: ['x'.repeat(60_000)] }
    await createOpaqueApi().get('/', 'opaque').expect(200)
  })

  it('refuses a response nested 10,000 deep, which nothing could store or send on', async () => {
    const nested = (depth: number) =>
      `{"deep":${'['.repeat(depth)}${']'.repeat(depth)},${JSON.stringify(answer).slice(1)}`
    for (const [depth, status] of [
      [10_000, 502],
      [50, 200],
    ] as const) {
      issuer.handler = (_req, res) => void res.setHeader('content-type', 'application/json').end(nested(depth))
      await createOpaqueApi().get('/', 'opaque').expect(status)
    }
  })

  it('checks the proof for a token that is bound to a key', async () => {
    const key = await createProofKey()
    answer = { ...answer, token_type: 'DPoP', cnf: { jkt: key.jkt } }
    const api = createOpaqueApi({}, { resource: AUDIENCE, dpop: true })
    const DPoP = await prove(key, { htu: `${AUDIENCE}/`, token: 'opaque' })
    await api.get('/', { Authorization: 'DPoP opaque', DPoP }).expect(200)
    await api.get('/', 'opaque').expect(401)
  })

  it.each([
    [500, 503],
    [401, 502],
    [400, 502],
  ])('answers neither 401 nor 200 when the endpoint answers %d', async (status, expected) => {
    issuer.handler = (_req, res) => void res.writeHead(status).end()
    const { headers } = await createOpaqueApi().get('/', 'opaque').expect(expected)
    expect(headers['www-authenticate']).toBeUndefined()
  })

  it.each(['no JSON', '[]', 'null', '"active"'])('refuses the response %s', async (text) => {
    issuer.handler = (_req, res) => void res.writeHead(200).end(text)
    await createOpaqueApi().get('/', 'opaque').expect(502)
  })

  it('accepts the tokens of a real provider until they are revoked', async () => {
    const provider = await startLocalProvider({
      features: {
        clientCredentials: { enabled: true },
        introspection: { enabled: true },
        resourceIndicators: {
          enabled: true,
          getResourceServerInfo: () => ({ audience: AUDIENCE, scope: 'reports:read', accessTokenFormat: 'opaque' }),
        },
      },
    })
    try {
      await register(provider, { url: 'http://127.0.0.1:1' } as never, {
        client_id: 'api',
        client_secret: 'secret',
        redirect_uris: [],
        response_types: [],
        post_logout_redirect_uris: [],
        grant_types: ['client_credentials'],
      })
      const headers = { authorization: `Basic ${Buffer.from('api:secret').toString('base64')}` }
      const post = (path: string, body: Record<string, string>) =>
        fetch(`${provider.issuer}${path}`, { method: 'POST', headers, body: new URLSearchParams(body) })
      const granted = await post('/token', {
        grant_type: 'client_credentials',
        scope: 'reports:read',
        resource: AUDIENCE,
      })
      const { access_token: token } = (await granted.json()) as { access_token: string }
      const introspection = { clientId: 'api', clientSecret: 'secret' }
      const api = createApi(provider.issuer, { introspection })
      await api.get('/reports', token).expect(200)
      await post('/token/revocation', { token })
      await api.get('/reports', token).expect(401)
    } finally {
      await provider.close()
    }
  })
})

describe('signed introspection (RFC 9701)', () => {
  const TYPE = 'application/token-introspection+jwt'
  let claims: Record<string, unknown>
  let header: Record<string, unknown>
  let type: string

  beforeEach(() => {
    claims = { aud: 'api', token_introspection: answer, exp: undefined, sub: undefined, scope: undefined }
    header = { typ: 'token-introspection+jwt' }
    type = TYPE
    issuer.handler = (_req, res) => {
      void signToken(issuer.issuer, issuer.key, claims, header).then((token) => {
        res.writeHead(200, { 'content-type': type }).end(token)
      })
    }
  })

  it('accepts a signed response', async () => {
    await createOpaqueApi({ signedResponse: true }).get('/reports', 'opaque').expect(200)
  })

  it.each<[string, () => void]>([
    ['for another client', () => Object.assign(claims, { aud: 'other' })],
    ['of another issuer', () => Object.assign(claims, { iss: 'https://evil.example' })],
    ['of another kind', () => Object.assign(header, { typ: 'JWT' })],
    ['with an extension in its header', () => Object.assign(header, { zip: 'DEF' })],
    ['without the token', () => Object.assign(claims, { token_introspection: undefined })],
    ['by an unknown key', () => Object.assign(header, { kid: 'unknown' })],
    [
      'as plain JSON',
      () => {
        type = 'application/json'
      },
    ],
  ])('refuses an answer %s', async (_what, spoil) => {
    spoil()
    await createOpaqueApi({ signedResponse: true }).get('/reports', 'opaque').expect(502)
  })
})

describe('the options of introspection', () => {
  it.each<[string, unknown, RegExp]>([
    ['no client', {}, /clientId is missing/],
    ['no secret', { clientId: 'api' }, /clientSecret is missing/],
    ['an endpoint over http', { ...CLIENT, endpoint: 'http://idp.example/introspect' }, /https/],
    ['another issuer', { ...CLIENT, issuer: 'https://other.example' }, /not in resourceServer.issuer/],
    ['an unknown option', { ...CLIENT, client: 'x' }, /not an option/],
  ])('refuse %s', (_what, introspection, message) => {
    const construct = () => resourceServer({ issuer: 'https://idp.example', audience: 'a', introspection } as never)
    expect(construct).toThrow(configurationErrorSaying(message))
  })

  it('ask which of several issuers is meant', () => {
    const issuers = ['https://a.example', 'https://b.example']
    expect(() => resourceServer({ issuer: issuers, audience: 'a', introspection: CLIENT })).toThrow(/ambiguous/)
    const introspection = { ...CLIENT, issuer: 'https://b.example' }
    expect(() => resourceServer({ issuer: issuers, audience: 'a', introspection })).not.toThrow()
  })
})
