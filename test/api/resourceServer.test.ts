import express from 'express'
import request from 'supertest'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type RelyingPartyError, resourceServer } from '../../src/index.js'
import { createApi } from '../support/api/api.js'
import { AUDIENCE, startIssuer, type TestIssuer } from '../support/provider/issuer.js'
import { configurationErrorSaying } from '../support/run/configurationError.js'
import { fakeDate } from '../support/run/waiting.js'

let issuer: TestIssuer

beforeAll(async () => {
  issuer = await startIssuer()
})

afterAll(() => issuer.close())

describe('resourceServer({ clientsWithoutAudience })', () => {
  const withoutAud = { aud: undefined, client_id: 'mobile', token_use: 'access' } as never

  it('accepts tokens of these clients without aud, and of no other', async () => {
    const api = createApi(issuer.issuer, { clientsWithoutAudience: ['mobile', 'web'] })
    await api.get('/', await issuer.token(withoutAud)).expect(200)
    await api.get('/', await issuer.token()).expect(200)
    for (const client_id of ['other', undefined, ['mobile'], '']) {
      await api.get('/', await issuer.token({ aud: undefined, client_id, scope: 'x' } as never)).expect(401)
    }
    await createApi(issuer.issuer)
      .get('/', await issuer.token(withoutAud))
      .expect(401)
  })

  it('still checks an aud, also if there is no audience to expect', async () => {
    const app = express().use(resourceServer({ issuer: issuer.issuer, clientsWithoutAudience: 'mobile' }))
    app.get('/', (_req, res) => void res.json({}))
    const get = (token: string) => request(app).get('/').set('Authorization', `Bearer ${token}`)
    await get(await issuer.token(withoutAud)).expect(200)
    for (const aud of [AUDIENCE, 'mobile', '', null, [], ['mobile']]) {
      await get(await issuer.token({ aud, client_id: 'mobile' } as never)).expect(401)
    }
  })

  it('still refuses ID tokens', async () => {
    const api = createApi(issuer.issuer, { clientsWithoutAudience: 'mobile' })
    const idToken = { aud: undefined, client_id: 'mobile', token_use: 'id' } as never
    await api.get('/', await issuer.token(idToken)).expect(401)
    await api.get('/', await issuer.token(withoutAud)).expect(200)
  })
})

describe('resourceServer', () => {
  it('identifies the caller from the access token', async () => {
    const { body } = await createApi(issuer.issuer)
      .get('/', await issuer.token())
      .expect(200)
    expect(body).toEqual({
      isAuthenticated: true,
      kind: 'access_token',
      subject: 'ada',
      scopes: ['reports:read', 'reports:write'],
      provider: issuer.issuer,
    })
  })

  it('has deeply frozen claims, and the token of the request', async () => {
    const token = await issuer.token({ address: { country: ['NL'] } })
    const api = createApi(
      issuer.issuer,
      {},
      {
        routes: (app) =>
          app.get('/claims', async (req, res) => {
            const { claims } = req.auth
            const { address } = claims as { address?: { country: string[] } }
            const frozen = [claims, address, address?.country, req.auth.scopes].every((value) => Object.isFrozen(value))
            res.json({ frozen, token: await req.auth.getAccessToken() })
          }),
      },
    )
    await api.get('/claims', token).expect({ frozen: true, token })
  })

  it('does not send the token to another API', async () => {
    const api = createApi(
      issuer.issuer,
      {},
      {
        routes: (app) =>
          app.get('/other', (req, _res, next) => void req.auth.fetch('https://other.example').catch(next)),
      },
    )
    await api.get('/other', await issuer.token()).expect(500)
    expect(api.errors[0]).toMatchObject({ code: 'ERR_CONFIGURATION' })
  })

  it('calls next() synchronously for a cached token', async () => {
    const middleware = resourceServer({ issuer: issuer.issuer, audience: AUDIENCE })
    const app = express()
    const moments: string[] = []
    app.use((req, res, next) => {
      middleware(req, res, (error?: unknown) => {
        moments.push('next')
        next(error)
      })
      moments.push('returned')
    })
    app.get('/', (_req, res) => void res.end())
    const headers = { Authorization: `Bearer ${await issuer.token()}` }
    await request(app).get('/').set(headers).expect(200)
    await request(app).get('/').set(headers).expect(200)
    expect(moments).toEqual(['returned', 'next', 'next', 'returned'])
  })

  it('lets anonymous requests pass if tokens are optional, and the guards decide', async () => {
    const api = createApi(issuer.issuer, { optional: true })
    await api.get('/').expect(200, { isAuthenticated: false, kind: 'anonymous', scopes: [] })
    const refused = await api.get('/reports').expect(401)
    expect(refused.headers['www-authenticate']).toBe('Bearer')
    await api.get('/reports', await issuer.token()).expect(200)
  })

  it('refuses a bad token even if tokens are optional', async () => {
    const api = createApi(issuer.issuer, { optional: true })
    await api.get('/', await issuer.token({ aud: 'https://other.example' })).expect(401)
  })

  it('accepts tokens of several issuers, each with its own keys', async () => {
    const other = await startIssuer('ES256')
    try {
      const api = createApi([issuer.issuer, { issuer: other.issuer, algorithms: ['ES256'] }])
      await api.get('/', await issuer.token()).expect(200)
      await api.get('/', await other.token()).expect(200)
      await api.get('/', await issuer.token({ iss: other.issuer })).expect(401)
      await api.get('/', await other.token({ iss: 'https://third.example' })).expect(401)
    } finally {
      await other.close()
    }
  })

  it('asks a function which issuers are trusted, and fetches nothing from others', async () => {
    const stranger = await startIssuer()
    try {
      const asked: string[] = []
      const api = createApi(async (name) => {
        asked.push(name)
        return name === issuer.issuer ? name : undefined
      })
      await api.get('/', await issuer.token()).expect(200)
      await api.get('/', await stranger.token()).expect(401)
      expect(asked).toEqual([issuer.issuer, stranger.issuer])
      expect(stranger.requests).toEqual([])
    } finally {
      await stranger.close()
    }
  })

  it('uses keys that are passed directly, and fetches nothing', async () => {
    const before = issuer.requests.length
    const api = createApi({ issuer: issuer.issuer, keys: [issuer.key.jwk] })
    await api.get('/', await issuer.token()).expect(200)
    await api.get('/', await issuer.token({}, { kid: 'another' })).expect(401)
    expect(issuer.requests).toHaveLength(before)
  })

  it('fetches the keys from jwksUri without metadata', async () => {
    const before = issuer.requests.length
    const api = createApi({ issuer: issuer.issuer, jwksUri: `${issuer.issuer}/jwks` })
    await api.get('/', await issuer.token()).expect(200)
    expect(issuer.requests.slice(before)).toEqual(['/jwks'])
  })

  it.each(['http://adfs.example/adfs/services/trust', 'urn:example:issuer', 'internal'])(
    'takes an issuer that is only a name, with its keys at jwksUri: %s',
    async (name) => {
      const before = issuer.requests.length
      const api = createApi({ issuer: name, jwksUri: `${issuer.issuer}/jwks` })
      await api.get('/', await issuer.token({ iss: name })).expect(200)
      await api.get('/', await issuer.token({ iss: `${name}/` })).expect(401)
      expect(issuer.requests.slice(before)).toEqual(['/jwks'])
    },
  )

  it('finds the metadata of an OAuth 2.0 server that is not an OpenID Provider', async () => {
    const server = await startIssuer()
    const name = `${server.issuer}/tenant`
    server.handler = (req, res) => {
      const found = req.url === '/.well-known/oauth-authorization-server/tenant'
      res.writeHead(found ? 200 : 404).end(found ? JSON.stringify({ ...server.metadata, issuer: name }) : '')
    }
    try {
      await createApi(name)
        .get('/', await server.token({ iss: name }))
        .expect(200)
    } finally {
      await server.close()
    }
  })

  it('refuses metadata that names another issuer', async () => {
    const server = await startIssuer()
    server.metadata.issuer = issuer.issuer
    try {
      const api = createApi(server.issuer)
      await api.get('/', await server.token()).expect(502)
      const [{ hint }] = api.errors as [RelyingPartyError]
      expect(hint).toContain(`"${server.issuer}"`)
      expect(hint).toContain(`"${issuer.issuer}"`)
    } finally {
      await server.close()
    }
  })

  it.each([
    ['scope as an array', { scope: ['reports:read'] }, undefined],
    ['scp as a string', { scope: undefined, scp: 'reports:read' }, undefined],
    ['scp as an array', { scope: undefined, scp: ['reports:read'] }, undefined],
    ['permissions where they are named', { scope: undefined, permissions: ['reports:read'] }, 'permissions'],
    ['a function', { scope: undefined, roles: { api: 'reports:read' } }, () => ['reports:read']],
  ])('reads scopes from %s', async (_what, claims, scopes) => {
    const api = createApi(issuer.issuer, scopes ? { scopes } : {})
    await api.get('/reports', await issuer.token(claims)).expect(200)
  })

  it('does not read scopes from permissions unless configured', async () => {
    const api = createApi(issuer.issuer)
    const token = await issuer.token({ scope: undefined, permissions: ['reports:read'] })
    await api.get('/', token).expect(200)
    await api.get('/reports', token).expect(403)
  })

  it('calls the hook to check whether a scope implies another', async () => {
    const scopeImplies = (granted: string, needed: string) =>
      granted.endsWith(':*') && needed.startsWith(granted.slice(0, -1))
    const token = await issuer.token({ scope: 'reports:*' })
    await createApi(issuer.issuer).get('/reports', token).expect(403)
    await createApi(issuer.issuer, { scopeImplies }).get('/reports', token).expect(200)
    await createApi(issuer.issuer, { scopeImplies })
      .get('/reports', await issuer.token({ scope: 'invoices:*' }))
      .expect(403)
  })

  it.each([
    ['true', () => true, 200],
    ['a promise of true', async () => true, 200],
    ['false', () => false, 401],
    ['nothing', (() => undefined) as unknown as () => boolean, 401],
    ['a promise of false', async () => false, 401],
    ['a rejection', () => Promise.reject(new Error('database down')), 500],
  ])('calls validate for each request: %s', async (_what, validate, status) => {
    const api = createApi(issuer.issuer, { validate })
    const token = await issuer.token()
    await api.get('/', token).expect(status)
    await api.get('/', token).expect(status)
  })

  it('calls isRevoked for each request, even if the token is cached', async () => {
    const revoked = new Set<unknown>()
    const api = createApi(issuer.issuer, { isRevoked: async ({ jti }) => revoked.has(jti) })
    const token = await issuer.token({ jti: 'one' })
    await api.get('/', token).expect(200)
    revoked.add('one')
    await api.get('/', token).expect(401)
    await api.get('/', await issuer.token({ jti: 'two' })).expect(200)
  })

  it('refuses a token that is older than maxTokenAge', async () => {
    fakeDate()
    const api = createApi(issuer.issuer, { maxTokenAge: 30 })
    const token = await issuer.token()
    await api.get('/', token).expect(200)
    vi.setSystemTime(Date.now() + 40_000)
    await api.get('/', token).expect(401)
    await createApi(issuer.issuer, { maxTokenAge: 300 }).get('/', token).expect(200)
  })

  it('verifies HS256 only with an explicit secret', async () => {
    const secret = 'a secret of at least thirty-two characters'
    const key = { alg: 'HS256', kid: 'secret', privateKey: Buffer.from(secret) }
    const { signToken } = await import('../support/provider/issuer.js')
    const token = await signToken(issuer.issuer, key)
    await createApi({ issuer: issuer.issuer, secret }).get('/', token).expect(200)
    await createApi(issuer.issuer).get('/', token).expect(401)
    await createApi({ issuer: issuer.issuer, secret: `${secret}!` })
      .get('/', token)
      .expect(401)
    await createApi({ issuer: issuer.issuer, secret })
      .get('/', await issuer.token())
      .expect(401)
  })
})

describe('the options of resourceServer', () => {
  it.each([
    ['no issuer', {}, /issuer is missing/],
    ['no audience', { issuer: 'https://idp.example' }, /audience is missing/],
    ['an audience that is undefined', { issuer: 'https://idp.example', audience: undefined }, /environment variable/],
    ['an issuer without scheme', { issuer: 'idp.example', audience: 'a' }, /https:\/\/idp\.example/],
    ['an http issuer', { issuer: 'http://idp.example', audience: 'a' }, /allowInsecureHttp/],
    [
      'a name with keys over http',
      { issuer: { issuer: 'http://idp.example/name', jwksUri: 'http://idp.example/jwks' }, audience: 'a' },
      /jwksUri.*allowInsecureHttp/,
    ],
    [
      'an https issuer with keys over http',
      { issuer: { issuer: 'https://idp.example', jwksUri: 'http://127.0.0.1/jwks' }, audience: 'a' },
      /jwksUri uses http/,
    ],
    [
      'keys at no web address',
      { issuer: { issuer: 'https://idp.example', jwksUri: 'file:///jwks' }, audience: 'a' },
      /jwksUri uses file:/,
    ],
    [
      'introspection at an issuer that is only a name',
      {
        issuer: { issuer: 'http://idp.example/name', jwksUri: 'https://idp.example/jwks' },
        audience: 'a',
        introspection: { clientId: 'api', clientSecret: 'secret' },
      },
      /endpoint is missing/,
    ],
    ['an empty list', { issuer: [], audience: 'a' }, /empty/],
    ['an issuer twice', { issuer: ['https://idp.example', 'https://idp.example'], audience: 'a' }, /twice/],
    ['an unknown option', { issuer: 'https://idp.example', audience: 'a', audiences: [] }, /did you mean audience/],
    ['none', { issuer: 'https://idp.example', audience: 'a', algorithms: ['none'] }, /none/],
    ['HS256 without a secret', { issuer: 'https://idp.example', audience: 'a', algorithms: ['HS256'] }, /secret/],
    ['a short secret', { issuer: { issuer: 'https://idp.example', secret: 'short' }, audience: 'a' }, /32 characters/],
    [
      'RS256 with a secret',
      { issuer: { issuer: 'https://idp.example', secret: 's'.repeat(32), algorithms: ['RS256'] }, audience: 'a' },
      /RS256/,
    ],
    [
      'a key that is none',
      { issuer: { issuer: 'https://idp.example', keys: [{ kty: 'oct', k: 'x' }] }, audience: 'a' },
      /key/,
    ],
    ['a resource without scheme', { issuer: 'https://idp.example', resource: 'api.example' }, /resource must be/],
    ['an http resource', { issuer: 'https://idp.example', resource: 'http://api.example' }, /https/],
  ])('refuse %s', (_what, options, message) => {
    const construct = () => resourceServer(options as never)
    expect(construct).toThrow(configurationErrorSaying(message))
  })

  it('accept correct values', () => {
    expect(() => resourceServer({ issuer: 'https://idp.example', audience: 'a' })).not.toThrow()
    const adfs = {
      issuer: 'http://idp.example/adfs/services/trust',
      jwksUri: 'https://idp.example/adfs/discovery/keys',
    }
    expect(() => resourceServer({ issuer: adfs, audience: 'a' })).not.toThrow()
    const introspection = { clientId: 'api', clientSecret: 'secret', endpoint: 'https://idp.example/introspect' }
    expect(() => resourceServer({ issuer: adfs, audience: 'a', introspection })).not.toThrow()
    const insecure = { ...adfs, jwksUri: 'http://idp.example/keys' }
    expect(() => resourceServer({ issuer: insecure, audience: 'a', allowInsecureHttp: true })).not.toThrow()
    expect(() => resourceServer({ issuer: 'https://idp.example', resource: 'https://api.example/mcp' })).not.toThrow()
  })
})
