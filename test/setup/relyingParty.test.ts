import express from 'express'
import session, { MemoryStore } from 'express-session'
import supertest from 'supertest'
import { describe, expect, it } from 'vitest'
import { type RelyingPartyEvent, type RelyingPartyOptions, relyingParty } from '../../src/index.js'
import { listen, SECRET } from '../support/bed/app.js'
import { configurationErrorSaying } from '../support/run/configurationError.js'

const PROVIDER = { issuer: 'https://op.example.com', clientId: 'app', clientSecret: 'client secret' }
const VALID: RelyingPartyOptions = { baseUrl: 'https://app.example.com', secret: SECRET, provider: PROVIDER }

/** Options as a program without types may pass them. */
type Loose = Record<string, unknown>

function construct(changes: Loose, provider: Loose = {}): () => unknown {
  return () => relyingParty({ ...VALID, provider: { ...PROVIDER, ...provider }, ...changes } as RelyingPartyOptions)
}

describe('valid options', () => {
  it.each<[string, Loose]>([
    ['the minimum', {}],
    ['a base URL with a path', { baseUrl: 'https://example.com/app/' }],
    ['http on a loopback host', { baseUrl: 'http://localhost:3000' }],
    ['http on a loopback host by IPv6', { baseUrl: 'http://[::1]:3000' }],
    ['http on another host, if allowInsecureHttp is set', { baseUrl: 'http://app.test', allowInsecureHttp: true }],
    ['several secrets', { secret: [SECRET, `${SECRET} of before`] }],
    ['a secret in hexadecimal', { secret: '4fa1c0d96b3e72854fa1c0d96b3e7285' }],
    ['a secret of 32 characters', { secret: SECRET.slice(0, 32) }],
    ['an option that is undefined', { callbackPath: undefined, onLogin: undefined }],
    ['a resolver', { provider: () => PROVIDER }],
    ['several providers', { provider: undefined, providers: { one: PROVIDER, two: PROVIDER } }],
    ['times at their limits', { clockTolerance: 0, http: { timeout: 60 }, transactions: { lifetime: 3600, max: 30 } }],
    [
      'form_post over http on a loopback host',
      { baseUrl: 'http://127.0.0.1', provider: { ...PROVIDER, responseMode: 'form_post' } },
    ],
    ['a public client', { provider: { issuer: PROVIDER.issuer, clientId: 'app', clientAuth: 'none' } }],
  ])('are accepted: %s', (_name, changes) => {
    expect(construct(changes)).not.toThrow()
  })
})

describe('invalid options throw at construction, with their name and the fix', () => {
  it.each<[Loose, string]>([
    [{ baseURL: 'https://app.example.com' }, 'relyingParty.baseURL is not an option: did you mean baseUrl?'],
    [{ cookieName: 'x' }, 'relyingParty.cookieName is not an option: the options are baseUrl, secret'],
    [{ baseUrl: undefined }, 'relyingParty.baseUrl is undefined (is the environment variable it comes from set?)'],
    [{ baseUrl: 'localhost:3000' }, 'relyingParty.baseUrl has no scheme: write https://localhost:3000'],
    [{ baseUrl: 'app.example.com' }, 'relyingParty.baseUrl has no scheme: write https://app.example.com'],
    [{ baseUrl: '//app.example.com' }, 'relyingParty.baseUrl has no scheme: write https://app.example.com'],
    [{ baseUrl: 'ftp://app.example.com' }, 'relyingParty.baseUrl'],
    [
      { baseUrl: 'http://app.example.com' },
      'relyingParty.baseUrl uses http for a non-loopback host: write https://app.ex',
    ],
    [{ baseUrl: 'http://localhost.example.com' }, 'relyingParty.baseUrl uses http for a non-loopback host'],
    [{ baseUrl: 'http://127.0.0.1.example.com' }, 'relyingParty.baseUrl uses http for a non-loopback host'],
    [
      { baseUrl: 'https://app.example.com/?a=b' },
      'relyingParty.baseUrl has a query, fragment or user: write https://app',
    ],
    [{ baseUrl: 'https://me@app.example.com/' }, 'relyingParty.baseUrl has a query, fragment or user'],
    [{ baseUrl: 'https://:pw@app.example.com/' }, 'relyingParty.baseUrl has a query, fragment or user'],
    [{ secret: undefined }, 'relyingParty.secret is undefined'],
    [{ secret: 'short' }, 'relyingParty.secret must have at least 32 random characters: use the output of'],
    [{ secret: SECRET.slice(0, 31) }, 'relyingParty.secret must have at least 32 random characters'],
    [{ secret: 'changeme'.repeat(8) }, 'relyingParty.secret must have at least 32 random characters'],
    [{ secret: [SECRET, '1234567'.repeat(8)] }, 'relyingParty.secret must have at least 32 random characters'],
    [{ secret: [SECRET, 'short'] }, 'relyingParty.secret must have at least 32 random characters'],
    [{ secret: [] }, 'relyingParty.secret must be a string or an array of strings'],
    [{ secret: [SECRET, undefined] }, 'relyingParty.secret must be a string or an array of strings'],
    [{ provider: undefined }, 'relyingParty.provider is missing, and so is providers: set exactly one of the two'],
    [{ providers: { a: PROVIDER } }, 'relyingParty.provider and providers are both set: set exactly one of the two'],
    [{ provider: undefined, providers: {} }, 'relyingParty.providers is empty'],
    [{ provider: undefined, providers: { '..': PROVIDER } }, 'relyingParty.providers... cannot be part of a path'],
    [
      { provider: undefined, providers: { corp: PROVIDER, CORP: { ...PROVIDER, issuer: 'https://other.example' } } },
      'is the callback path of two issuers',
    ],
    [
      { provider: undefined, providers: { login: { ...PROVIDER, callbackPath: '/login' } } },
      'callbackPath of the provider login is also loginPath or postLogoutPath (/login)',
    ],
    [
      { provider: { ...PROVIDER, name: 'corp' } },
      'relyingParty.provider.name is only for providers that a function returns',
    ],
    [{ provider: undefined, providers: { a: undefined } }, 'relyingParty.providers.a must be an object'],
    [{ provider: 'https://op.example.com' }, 'relyingParty.provider must be an object'],
    [{ provider: null }, 'relyingParty.provider must be an object, not null'],
    [{ callbackPath: 'callback' }, 'relyingParty.callbackPath must begin with a slash: write /callback'],
    [{ callbackPath: 'https://app.example.com/callback' }, 'must be a path, not a full URL: write /callback'],
    [{ callbackPath: 'https:' }, 'relyingParty.callbackPath must be a path'],
    [{ callbackPath: '//evil.example' }, 'relyingParty.callbackPath must be a path such as /callback'],
    [{ callbackPath: '/callback?x=1' }, 'relyingParty.callbackPath must be a path such as /callback, without query'],
    [{ callbackPath: '/login' }, 'relyingParty.callbackPath is also loginPath or postLogoutPath'],
    [{ callbackPath: '/' }, 'relyingParty.callbackPath is also loginPath or postLogoutPath'],
    [
      { baseUrl: 'https://example.com/app', callbackPath: '/app/callback' },
      'relyingParty.callbackPath repeats the path of baseUrl: paths are relative to baseUrl: write /callback',
    ],
    [{ postLogoutUrls: ['/bye'] }, 'relyingParty.postLogoutUrls must be an array of absolute URLs'],
    [{ postLogoutUrls: ['javascript:alert(1)'] }, 'relyingParty.postLogoutUrls must be an array of absolute URLs'],
    [{ postLogoutUrls: 'https://example.com' }, 'relyingParty.postLogoutUrls must be an array of absolute URLs'],
    [{ allowInsecureHttp: 'true' }, 'relyingParty.allowInsecureHttp must be true or false'],
    [{ clockTolerance: -1 }, 'relyingParty.clockTolerance must be a number of seconds from 0 to 300, not -1'],
    [{ clockTolerance: Number.NaN }, 'relyingParty.clockTolerance must be a number of seconds from 0 to 300, not NaN'],
    [{ clockTolerance: '30' }, 'relyingParty.clockTolerance must be a number'],
    [{ http: { timeout: 5000 } }, 'relyingParty.http.timeout must be a number of seconds from 0.01 to 60, not 5000'],
    [{ http: { retries: 1 } }, 'relyingParty.http.retries is not an option'],
    [{ store: {} }, 'relyingParty.store has no get(): pass an AuthStore'],
    [{ store: new MemoryStore() }, 'relyingParty.store has no add(): pass an AuthStore'],
    [{ session: { key: 'cookie' } }, 'relyingParty.session.key must be a name'],
    [{ session: { absoluteLifetime: 1 } }, 'relyingParty.session.absoluteLifetime must be a number of seconds'],
    [{ transactions: { max: 31 } }, 'relyingParty.transactions.max must be a number of logins from 1 to 30, not 31'],
    [{ onLogin: 'deny' }, 'relyingParty.onLogin must be a function'],
    [{ onEvent: [] }, 'relyingParty.onEvent must be a function, not an array'],
  ])('%j', (changes, message) => {
    expect(construct(changes)).toThrow(configurationErrorSaying(message))
  })

  it.each<[Loose, string]>([
    [{ issuer: undefined }, 'relyingParty.provider.issuer is undefined'],
    [{ issuer: 'op.example.com' }, 'relyingParty.provider.issuer is not a URL: include the scheme'],
    [{ issuer: 'http://op.example.com' }, 'relyingParty.provider.issuer uses http for a non-loopback host: use https'],
    [
      { issuer: 'https://op.example.com/.well-known/openid-configuration' },
      'relyingParty.provider.issuer is the metadata URL: write https://op.example.com',
    ],
    [{ issuer: 'https://op.example.com?tenant=1' }, 'relyingParty.provider.issuer has a query or fragment'],
    [{ clientId: '' }, 'relyingParty.provider.clientId must be a non-empty string, not an empty string'],
    [{ clientSecret: undefined }, 'relyingParty.provider.clientSecret is undefined'],
    [{ clientSecret: undefined, clientAuth: 'client_secret_post' }, 'client_secret_post needs it; for a public client'],
    [{ clientSecret: undefined, clientAuth: 'none', idTokenSigningAlg: 'HS256' }, 'idTokenSigningAlg HS256 verifies'],
    [{ clientAuth: 'basic' }, 'relyingParty.provider.clientAuth must be one of client_secret_basic'],
    [{ client_id: 'app' }, 'relyingParty.provider.client_id is not an option: did you mean clientId?'],
    [{ scope: 'profile email' }, "relyingParty.provider.scope lacks openid: add it, as in 'openid profile email'"],
    [{ scope: [] }, 'relyingParty.provider.scope must be a string or an array of strings'],
    [{ responseMode: 'fragment' }, 'relyingParty.provider.responseMode must be one of query, form_post'],
    [{ idTokenSigningAlg: 'none' }, 'relyingParty.provider.idTokenSigningAlg must not be none: an unsigned'],
    [{ idTokenSigningAlg: 'RS1' }, 'relyingParty.provider.idTokenSigningAlg must be one of'],
    [{ maxAge: -1 }, 'relyingParty.provider.maxAge must be a number of seconds'],
    [{ acrEssential: true }, 'relyingParty.provider.acrEssential needs acrValues'],
    [{ authorizationParams: { state: 'mine' } }, 'authorizationParams must not hold state: this package sets it'],
    [{ authorizationParams: { scope: 'openid' } }, 'authorizationParams must not hold scope: use the option scope'],
    [
      { authorizationParams: { audience: 1 } },
      'authorizationParams must hold strings only, and audience is not a string',
    ],
    [{ authorizationParams: { claims: '[]' } }, 'authorizationParams must hold claims as a JSON object'],
    [{ metadata: { issuer: 'https://other.example' } }, 'relyingParty.provider.metadata.issuer is not the issuer'],
  ])('provider %j', (provider, message) => {
    expect(construct({}, provider)).toThrow(configurationErrorSaying(message))
  })

  it('form_post if a browser would not send the cookie of the login', () => {
    const options = { baseUrl: 'http://app.test', allowInsecureHttp: true }
    expect(construct(options, { responseMode: 'form_post' })).toThrow('responseMode form_post needs an https baseUrl')
    expect(construct(options, { responseMode: 'query' })).not.toThrow()
  })

  it('without secrets in the message', () => {
    const secret = 'hunter2'
    expect(construct({ secret })).toThrow(expect.objectContaining({ message: expect.not.stringContaining(secret) }))
    const provider = { clientSecret: 'pa55word', clientAuth: 'pa55word' }
    expect(construct({}, provider)).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('pa55word') }),
    )
  })

  it.each([undefined, null, 'https://app.example.com', []])('no options object at all: %j', (options) => {
    expect(() => relyingParty(options as unknown as RelyingPartyOptions)).toThrow('relyingParty must be an object')
  })
})

describe('a missing session', () => {
  function application(withSession: express.RequestHandler | undefined): express.Express {
    const app = express().set('env', 'test')
    if (withSession) app.use(withSession)
    app.use(relyingParty({ ...VALID, baseUrl: 'http://localhost' }))
    app.get('/', (req, res) => void res.send(req.auth.kind))
    return app
  }
  const sessions = (store: MemoryStore) => session({ secret: SECRET, resave: false, saveUninitialized: false, store })

  it('is an error that shows the missing line', async () => {
    const answer = await supertest(application(undefined)).get('/')
    expect(answer.status).toBe(500)
    expect(answer.text).toContain('add app.use(session({ … })) of express-session')
    expect((await supertest(application(sessions(new MemoryStore()))).get('/')).text).toBe('anonymous')
  })

  it('is an outage, not an anonymous user, when the store is disconnected', async () => {
    const store = new MemoryStore()
    const app = application(sessions(store))
    expect((await supertest(app).get('/')).status).toBe(200)
    store.emit('disconnect')
    const answer = await supertest(app).get('/')
    expect(answer.status).toBe(503)
    expect(answer.headers['retry-after']).toBe('5')
    store.emit('connect')
    expect((await supertest(app).get('/')).status).toBe(200)
  })

  it('is an error that names the store, if it was never connected since the process started', async () => {
    const store = new MemoryStore()
    const app = application(sessions(store))
    store.emit('disconnect')
    const answer = await supertest(app).get('/')
    expect(answer.status).toBe(500)
    expect(answer.text).toContain('its store is disconnected')
    store.emit('connect')
    expect((await supertest(app).get('/')).text).toBe('anonymous')
  })

  it('is also one that other middleware put in its place', async () => {
    const answer = await supertest(
      application((req, _res, next) => {
        Object.assign(req, { session: {} })
        next()
      }),
    ).get('/')
    expect(answer.status).toBe(500)
    expect(answer.text).toContain('express-session')
  })
})

describe('the provider', () => {
  it('is not contacted at construction, nor by requests without a login', async () => {
    let asked = 0
    const provider = await listen((_req, res) => {
      asked += 1
      res.end()
    })
    const events: RelyingPartyEvent[] = []
    const app = express()
    app.use(session({ secret: SECRET, resave: false, saveUninitialized: false }))
    app.use(
      relyingParty({
        baseUrl: 'http://localhost',
        secret: SECRET,
        provider: { ...PROVIDER, issuer: provider.url },
        onEvent: (event) => events.push(event),
      }),
    )
    app.get('/', (req, res) => void res.send(req.auth.kind))
    expect((await supertest(app).get('/')).text).toBe('anonymous')
    await provider.close()
    expect(asked).toBe(0)
    expect(events).toEqual([])
  })
})
