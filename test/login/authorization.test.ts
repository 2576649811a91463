import express from 'express'
import request from 'supertest'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import {
  RelyingPartyError,
  type ResourceServerOptions,
  requireAnyScope,
  requireAuth,
  requireClaim,
  requireSameOrigin,
  requireScope,
  requireStepUp,
} from '../../src/index.js'
import { createApi } from '../support/api/api.js'
import { register, startApp } from '../support/bed/app.js'
import { useBed } from '../support/bed/bed.js'
import { UserAgent } from '../support/bed/userAgent.js'
import { startIssuer, type TestIssuer } from '../support/provider/issuer.js'
import { fakeDate } from '../support/run/waiting.js'

let issuer: TestIssuer

/** A guard for sessions and tokens: `/guarded` returns the caller that passed. */
const answer: express.RequestHandler = (req, res) => void res.json({ kind: req.auth.kind })

beforeAll(async () => {
  issuer = await startIssuer()
  return () => issuer.close()
})
const { bed } = useBed({
  local: {
    features: { claimsParameter: { enabled: true } },
    configuration: { acrValues: ['urn:example:mfa', 'urn:example:pwd'] },
  },
  provider: { maxAge: 3600 },
  options: { scopeImplies: (granted, needed) => granted === 'reports:read' && needed === 'reports:read:all' },
  routes(app) {
    app.get('/all', requireScope('reports:read:all'), answer)
    app.get('/any', requireAnyScope('reports:read', 'nothing'), answer)
    app.get('/none', requireAnyScope('nothing', 'something'), answer)
    app.get('/claim', requireClaim('email_verified', { equals: true }), answer)
    app.get('/no-claim', requireClaim('email_verified', { equals: false }), answer)
    app.get('/mfa', requireStepUp({ acr: 'urn:example:mfa' }), answer)
    app.get('/recent', requireStepUp({ maxAge: 60 }), answer)
    app.post('/change', requireSameOrigin(), answer)
  },
})

async function signedIn(): Promise<UserAgent> {
  const browser = new UserAgent()
  await browser.visit(`${bed.app.url}/profile`)
  return browser
}

describe('guards and a session', () => {
  it('accept a scope that another one implies', async () => {
    const browser = await signedIn()
    expect((await browser.fetch(`${bed.app.url}/all`)).status).toBe(200)
  })

  it('requireAnyScope accepts any of its scopes and no other', async () => {
    const browser = await signedIn()
    expect((await browser.fetch(`${bed.app.url}/any`)).json()).toEqual({ kind: 'session' })
    const refused = await browser.fetch(`${bed.app.url}/none`)
    expect(refused.status).toBe(403)
    expect(refused.headers['www-authenticate']).toContain('scope="nothing something"')
  })

  it('requireClaim checks the claims of the login', async () => {
    const browser = await signedIn()
    expect((await browser.fetch(`${bed.app.url}/claim`)).status).toBe(200)
    expect((await browser.fetch(`${bed.app.url}/no-claim`)).status).toBe(403)
  })
})

describe('requireStepUp and a session', () => {
  it('sends a navigation to a new login that requests the acr, and back', async () => {
    const browser = await signedIn()
    const before = browser.visited.length
    const page = await browser.visit(`${bed.app.url}/mfa`)
    expect(page.url).toBe(`${bed.app.url}/mfa`)
    expect(page.json()).toEqual({ kind: 'session' })
    const asked = browser.visited.slice(before).find((url) => url.startsWith(`${bed.provider.issuer}/auth?`)) ?? ''
    expect(JSON.parse(new URL(asked).searchParams.get('claims') ?? '{}')).toMatchObject({
      id_token: { acr: { essential: true, values: ['urn:example:mfa'] } },
    })
    expect((await browser.fetch(`${bed.app.url}/mfa`)).status).toBe(200)
  })

  it('answers a script with 401, the challenge and the login URL', async () => {
    const browser = await signedIn()
    const refused = await browser.fetch(`${bed.app.url}/mfa`)
    expect(refused.status).toBe(401)
    expect(refused.headers['www-authenticate']).toBe(
      'Bearer error="insufficient_user_authentication", acr_values="urn:example:mfa"',
    )
    const { error, loginUrl } = refused.json<{ error: string; loginUrl: string }>()
    expect(error).toBe('insufficient_user_authentication')
    await browser.visit(`${bed.app.url}${loginUrl}&returnTo=/mfa`)
    expect((await browser.fetch(`${bed.app.url}/mfa`)).status).toBe(200)
  })

  it('requires a new login if the sign-in is too old', async () => {
    const browser = await signedIn()
    expect((await browser.fetch(`${bed.app.url}/recent`)).status).toBe(200)
    fakeDate()
    vi.setSystemTime(Date.now() + 120_000)
    expect((await browser.fetch(`${bed.app.url}/recent`)).status).toBe(401)
  })

  it.each([
    [0, 401],
    [30, 200],
  ])('counts the age within a clockTolerance of %i seconds', async (clockTolerance, status) => {
    const other = await startApp(bed.provider.issuer, {
      provider: { maxAge: 3600 },
      options: { clockTolerance },
      routes: (app) => app.get('/recent', requireStepUp({ maxAge: 60 }), answer),
    })
    await register(bed.provider, bed.app, { redirect_uris: [bed.app, other].map(({ url }) => `${url}/callback`) })
    const browser = new UserAgent()
    await browser.visit(`${other.url}/profile`)
    fakeDate()
    vi.setSystemTime(Date.now() + 80_000)
    expect((await browser.fetch(`${other.url}/recent`)).status).toBe(status)
  })

  it('ignores parameters that the browser adds to the login URL', async () => {
    const browser = await signedIn()
    const page = await browser.visit(`${bed.app.url}/login?step_up=forged&returnTo=/who`)
    expect(page.json()).toMatchObject({ kind: 'session' })
    expect((await browser.fetch(`${bed.app.url}/mfa`)).status).toBe(401)
  })

  it('redirects to the login if no one is signed in', async () => {
    const page = await new UserAgent().visit(`${bed.app.url}/mfa`)
    expect(page.url).toBe(`${bed.app.url}/mfa`)
    expect(page.status).toBe(200)
  })
})

describe('guards and an access token', () => {
  const guarded = (guard: express.RequestHandler, options: Partial<ResourceServerOptions> = {}) =>
    createApi(issuer.issuer, options, { routes: (app) => app.get('/guarded', guard, answer) })

  it('requireAuth accepts it', async () => {
    await guarded(requireAuth())
      .get('/guarded', await issuer.token())
      .expect(200, { kind: 'access_token' })
  })

  it('requireAnyScope checks its scopes', async () => {
    const api = guarded(requireAnyScope('reports:read', 'admin'))
    await api.get('/guarded', await issuer.token({ scope: 'admin' })).expect(200)
    const { headers } = await api.get('/guarded', await issuer.token({ scope: 'other' })).expect(403)
    expect(headers['www-authenticate']).toBe('Bearer error="insufficient_scope", scope="reports:read admin"')
  })

  it.each<[string, express.RequestHandler, Record<string, unknown>, number]>([
    ['equals', requireClaim('role', { equals: 'admin' }), { role: 'admin' }, 200],
    ['equals, and the value is another', requireClaim('role', { equals: 'admin' }), { role: 'user' }, 403],
    ['equals, and it is missing', requireClaim('role', { equals: 'admin' }), {}, 403],
    ['equals, and it is of another type', requireClaim('level', { equals: 1 }), { level: '1' }, 403],
    ['equals, and it is a list', requireClaim('role', { equals: 'admin' }), { role: ['admin'] }, 403],
    ['equals false', requireClaim('blocked', { equals: false }), { blocked: false }, 200],
    ['equals false, and it is missing', requireClaim('blocked', { equals: false }), {}, 403],
    ['includes', requireClaim('groups', { includes: 'a' }), { groups: ['b', 'a'] }, 200],
    ['includes, in a string', requireClaim('groups', { includes: 'a' }), { groups: 'b a' }, 200],
    ['includes, and it is a part', requireClaim('groups', { includes: 'a' }), { groups: 'ab' }, 403],
    ['includes several', requireClaim('groups', { includes: ['a', 'b'] }), { groups: ['a', 'b'] }, 200],
    ['includes several, and one is missing', requireClaim('groups', { includes: ['a', 'b'] }), { groups: ['a'] }, 403],
    ['includes, and it is an object', requireClaim('groups', { includes: 'a' }), { groups: { a: true } }, 403],
    ['a name of the prototype', requireClaim('constructor', { includes: 'a' }), {}, 403],
    ['a predicate', requireClaim(({ sub }) => sub === 'ada'), {}, 200],
    ['an async predicate', requireClaim(async ({ sub }) => sub === 'ada'), {}, 200],
    ['a predicate of false', requireClaim(() => false), {}, 403],
    ['an async predicate of false', requireClaim(async () => false), {}, 403],
    ['a predicate of something', requireClaim((() => 'yes') as never), {}, 403],
    ['a predicate that throws', requireClaim(() => assertNever()), {}, 403],
    ['a predicate that rejects', requireClaim(() => Promise.reject(new Error('no'))), {}, 403],
  ])('requireClaim: %s', async (_what, guard, claims, status) => {
    await guarded(guard)
      .get('/guarded', await issuer.token(claims as never))
      .expect(status)
  })

  const now = () => Math.floor(Date.now() / 1000)
  it.each<[string, Record<string, unknown>, () => Record<string, unknown>, number]>([
    ['the acr', { acr: 'mfa' }, () => ({ acr: 'mfa' }), 200],
    ['one of the acr', { acr: 'mfa phr' }, () => ({ acr: 'phr' }), 200],
    ['another acr', { acr: 'mfa' }, () => ({ acr: 'pwd' }), 401],
    ['no acr', { acr: 'mfa' }, () => ({}), 401],
    ['an acr in a list', { acr: 'mfa' }, () => ({ acr: ['mfa'] }), 401],
    ['a fresh auth_time', { maxAge: 60 }, () => ({ auth_time: now() - 10 }), 200],
    ['an old auth_time', { maxAge: 60 }, () => ({ auth_time: now() - 600 }), 401],
    ['a clock ahead within the tolerance', { maxAge: 60 }, () => ({ auth_time: now() + 4 }), 200],
    ['an auth_time in the future', { maxAge: 60 }, () => ({ auth_time: now() + 60 }), 401],
    ['auth_time in milliseconds', { maxAge: 60 }, () => ({ auth_time: Date.now() }), 401],
    ['no auth_time', { maxAge: 60 }, () => ({}), 401],
    ['auth_time as a string', { maxAge: 60 }, () => ({ auth_time: String(now()) }), 401],
    ['only one of both', { acr: 'mfa', maxAge: 60 }, () => ({ acr: 'mfa' }), 401],
  ])('requireStepUp judges %s', async (_what, options, claims, status) => {
    const api = guarded(requireStepUp(options))
    await api.get('/guarded', await issuer.token(claims() as never)).expect(status)
  })

  it.each([
    [60, 0, 65, 401],
    [60, 30, 65, 200],
    [60, 30, 95, 401],
    [60, 0, -5, 401],
    [60, 30, -5, 200],
  ])(
    'requireStepUp({ maxAge: %i }) with a clockTolerance of %i answers an authentication %i seconds ago with %i',
    async (maxAge, clockTolerance, age, status) => {
      const api = guarded(requireStepUp({ maxAge }), { clockTolerance })
      await api.get('/guarded', await issuer.token({ auth_time: now() - age } as never)).expect(status)
    },
  )

  it('requireStepUp responds with the challenge of RFC 9470', async () => {
    const { headers } = await guarded(requireStepUp({ acr: ['a', 'b'], maxAge: 5 }))
      .get('/guarded', await issuer.token())
      .expect(401)
    expect(headers['www-authenticate']).toBe(
      'Bearer error="insufficient_user_authentication", acr_values="a b", max_age="5"',
    )
  })
})

describe('misuse of a guard', () => {
  it.each<[string, () => unknown]>([
    ['requireScope without scopes', () => requireScope()],
    ['requireScope with a list', () => requireScope(['a', 'b'] as never)],
    ['requireScope with two scopes in one', () => requireScope('a b')],
    ['requireAnyScope without scopes', () => requireAnyScope()],
    ['requireAnyScope with an empty scope', () => requireAnyScope('')],
    ['requireClaim without anything', () => requireClaim(undefined as never)],
    ['requireClaim without an expectation', () => requireClaim('role' as never)],
    ['requireClaim with an empty expectation', () => requireClaim('role', {})],
    ['requireClaim with both', () => requireClaim('role', { equals: 'a', includes: 'a' })],
    ['requireClaim with an undefined value', () => requireClaim('role', { equals: undefined } as never)],
    ['requireClaim with an empty list', () => requireClaim('role', { includes: [] })],
    ['requireClaim with an unknown option', () => requireClaim('role', { is: 'a' } as never)],
    ['requireClaim with a function and more', () => requireClaim((() => true) as never, { equals: 1 })],
    ['requireStepUp without anything', () => requireStepUp({})],
    ['requireStepUp with a negative age', () => requireStepUp({ maxAge: -1 })],
    ['requireSameOrigin with a URL', () => requireSameOrigin({ origins: ['https://a.example/path'] })],
  ])('throws at construction: %s', (_what, construct) => {
    expect(construct).toThrow(RelyingPartyError)
  })

  it.each<[string, express.RequestHandler]>([
    ['requireScope', requireScope('a')],
    ['requireAnyScope', requireAnyScope('a')],
    ['requireClaim', requireClaim('a', { equals: 1 })],
    ['requireStepUp', requireStepUp({ maxAge: 1 })],
    ['requireSameOrigin', requireSameOrigin()],
  ])('explains in the error what is missing before %s', async (name, guard) => {
    const bare = express().set('env', 'test').get('/', guard, answer)
    const { text } = await request(bare).get('/').expect(500)
    expect(text).toContain(`${name}() needs relyingParty() or resourceServer() before it`)
  })
})

describe('requireSameOrigin', () => {
  it.each<[string, Record<string, string>, number]>([
    ['a page of the application', { 'sec-fetch-site': 'same-origin' }, 200],
    ['a page of another site', { 'sec-fetch-site': 'cross-site' }, 403],
    ['a page of a sibling host', { 'sec-fetch-site': 'same-site' }, 403],
  ])('judges a POST of %s', async (_what, headers, status) => {
    const browser = await signedIn()
    const sent = await browser.fetch(`${bed.app.url}/change`, { method: 'POST', headers })
    expect(sent.status).toBe(status === 200 ? 200 : 403)
  })

  const post = (guard: express.RequestHandler, headers: Record<string, string>) => {
    const api = createApi(
      issuer.issuer,
      { optional: true, resource: 'https://api.example.com' },
      {
        routes: (app) => app.all('/change', guard, answer),
      },
    )
    return request(api.app).post('/change').set(headers)
  }

  it('checks Origin if there is no Sec-Fetch-Site', async () => {
    await post(requireSameOrigin(), { Origin: 'https://api.example.com' }).expect(200)
    await post(requireSameOrigin(), { Origin: 'https://evil.example' }).expect(403)
    await post(requireSameOrigin(), { Origin: 'null' }).expect(403)
    await post(requireSameOrigin({ origins: ['https://www.example.com'] }), {
      Origin: 'https://www.example.com',
      'Sec-Fetch-Site': 'same-site',
    }).expect(200)
  })

  it('requires a custom header if one is configured', async () => {
    const guard = requireSameOrigin({ header: 'X-Requested-With' })
    await post(guard, {}).expect(403)
    await post(guard, { 'X-Requested-With': 'fetch' }).expect(200)
    await post(guard, { 'X-Requested-With': 'fetch', Origin: 'https://evil.example' }).expect(403)
  })

  it('refuses a token in a form body, which a form of any site can send', async () => {
    const api = createApi(
      issuer.issuer,
      { allowBodyToken: true, resource: 'https://api.example.com' },
      {
        before: [express.urlencoded({ extended: false })],
        routes: (app) => app.post('/change', requireSameOrigin(), answer),
      },
    )
    const form = async (origin: string) =>
      request(api.app)
        .post('/change')
        .type('form')
        .set('Origin', origin)
        .send({ access_token: await issuer.token() })
    expect((await form('https://evil.example')).status).toBe(403)
    expect((await form('https://api.example.com')).status).toBe(200)
    await request(api.app)
      .post('/change')
      .set({ Origin: 'https://evil.example', Authorization: `Bearer ${await issuer.token()}` })
      .expect(200)
  })

  it('accepts an access token in the header, and every GET', async () => {
    const foreign = { Origin: 'https://evil.example', 'Sec-Fetch-Site': 'cross-site' }
    await post(requireSameOrigin(), { ...foreign, Authorization: `Bearer ${await issuer.token()}` }).expect(200)
    await post(requireSameOrigin(), foreign).expect(403)
    const api = createApi(
      issuer.issuer,
      { optional: true },
      { routes: (app) => app.get('/x', requireSameOrigin(), answer) },
    )
    await api.get('/x', foreign).expect(200)
  })
})

function assertNever(): never {
  throw new Error('no')
}
