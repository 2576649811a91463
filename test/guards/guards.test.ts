import { once } from 'node:events'
import { connect } from 'node:net'
import express, { type ErrorRequestHandler, type RequestHandler } from 'express'
import supertest from 'supertest'
import { describe, expect, it } from 'vitest'
import {
  callback,
  deviceLogin,
  login,
  logout,
  passwordLogin,
  type RelyingPartyError,
  type RequireAuthOptions,
  requireAuth,
  requireClaim,
  requireScope,
} from '../../src/index.js'
import { useBed } from '../support/bed/bed.js'
import { codesOf } from '../support/bed/observed.js'
import { UserAgent } from '../support/bed/userAgent.js'
import { configurationErrorSaying } from '../support/run/configurationError.js'

const { bed } = useBed({
  routes(app) {
    const who: RequestHandler = (req, res) => void res.json({ subject: req.auth.subject })
    app.all('/auto', requireAuth(), who)
    app.all('/json', requireAuth({ respondWith: 'json' }), who)
    app.all('/redirect', requireAuth({ respondWith: 'login' }), who)
    app.get('/at-default', requireAuth({ provider: 'default' }), who)
    app.get('/one', requireScope('reports:read'), who)
    app.get('/two', requireScope('reports:read', 'reports:write'), who)
    app.get('/three', requireScope('openid', 'reports:write', 'admin'), who)
    app.use('/guarded', requireAuth(), who)
    app.get('/deep/*rest', requireAuth(), who)
    const guard = requireAuth()
    app.use((req, res, next) => (/^\/(login|callback)$/.test(req.path) ? next() : guard(req, res, next)))
  },
})

const signedIn = async () => {
  const browser = new UserAgent()
  await browser.visit(`${bed.app.url}/profile`)
  return browser
}

describe('requireAuth', () => {
  const NAVIGATION = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }
  const FETCH = { 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' }

  it.each<[string, string, Record<string, string>]>([
    ['a page', 'get', { ...NAVIGATION, 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }],
    ['the head of a page', 'head', { ...NAVIGATION, 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }],
    ['a page, asked for by a browser without Fetch Metadata', 'get', NAVIGATION],
    ['a page as XHTML', 'get', { accept: 'application/xhtml+xml' }],
  ])('sends %s to the login, and back to the same URL', async (_what, method, headers) => {
    const answer = await supertest(bed.app.url)[method as 'get']('/auto?tab=1&q=%26').set(headers)
    expect(answer.status).toBe(303)
    expect(answer.headers.location).toBe('/login?returnTo=%2Fauto%3Ftab%3D1%26q%3D%2526')
    expect(answer.headers['cache-control']).toBe('no-store')
  })

  it.each<[string, string, Record<string, string>]>([
    ['fetch()', 'get', { ...FETCH, accept: '*/*' }],
    ['fetch() that takes HTML', 'get', { ...FETCH, ...NAVIGATION }],
    ['fetch() of the same origin', 'get', { ...FETCH, ...NAVIGATION, 'sec-fetch-mode': 'same-origin' }],
    ['a frame', 'get', { ...NAVIGATION, 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' }],
    ['an image', 'get', { accept: 'image/avif,image/*', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' }],
    ['a frame', 'get', { ...NAVIGATION, 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' }],
    ['a script', 'get', { ...NAVIGATION, 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'script' }],
    ['a WebSocket', 'get', { ...NAVIGATION, 'sec-fetch-mode': 'websocket', 'sec-fetch-dest': 'websocket' }],
    ['XMLHttpRequest that says so', 'get', { ...NAVIGATION, 'x-requested-with': 'XMLHttpRequest' }],
    ['a client that takes JSON', 'get', { accept: 'application/json' }],
    ['a client that takes anything', 'get', { accept: '*/*' }],
    ['a client that says nothing', 'get', { accept: '' }],
    ['an event stream', 'get', { accept: 'text/event-stream' }],
    ['a form', 'post', { ...NAVIGATION, 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }],
    ['PUT', 'put', NAVIGATION],
    ['DELETE', 'delete', NAVIGATION],
    ['PATCH', 'patch', NAVIGATION],
    ['OPTIONS', 'options', NAVIGATION],
  ])('answers %s with 401 and JSON, and no redirect', async (_what, method, headers) => {
    const answer = await supertest(bed.app.url)[method as 'get']('/auto').set(headers)
    expect(answer.status).toBe(401)
    expect(answer.headers.location).toBeUndefined()
    expect(answer.headers['cache-control']).toBe('no-store')
    expect(answer.body).toEqual({ error: 'authentication_required', loginUrl: '/login' })
  })

  it('can be overridden by the route', async () => {
    expect((await supertest(bed.app.url).get('/json').set(NAVIGATION)).status).toBe(401)
    const redirected = await supertest(bed.app.url).post('/redirect').set('accept', 'application/json')
    expect(redirected.status).toBe(303)
    expect(redirected.headers.location).toBe('/login?returnTo=%2Fredirect')
    const chosen = await supertest(bed.app.url).get('/at-default').set(NAVIGATION)
    expect(chosen.headers.location).toBe('/login?returnTo=%2Fat-default&provider=default')
    expect((await supertest(bed.app.url).get('/at-default')).body).toMatchObject({
      loginUrl: '/login?provider=default',
    })
  })

  it('lets a signed-in user pass, whatever the request accepts', async () => {
    const browser = await signedIn()
    for (const path of ['/auto', '/json', '/redirect', '/guarded/a', '/deep/a/b']) {
      expect((await browser.send(bed.app.url + path)).json()).toEqual({ subject: 'ada' })
      expect((await browser.fetch(bed.app.url + path)).json()).toEqual({ subject: 'ada' })
    }
    expect((await browser.send(`${bed.app.url}/auto`, { method: 'POST' })).status).toBe(200)
  })

  it.each<[object, string]>([
    [{ respondWith: 'redirect' }, 'requireAuth.respondWith must be one of auto, login, json'],
    [{ respondwith: 'json' }, 'requireAuth.respondwith is not an option: did you mean respondWith?'],
    [{ provider: '' }, 'requireAuth.provider must be a non-empty string'],
    [['/a'], 'requireAuth must be an object, not an array'],
  ])('refuses wrong options at construction: %j', (options, message) => {
    expect(() => requireAuth(options as RequireAuthOptions)).toThrow(configurationErrorSaying(message))
  })
})

describe('a URL made to mislead', () => {
  /** Sends a request target as it stands, which no URL parser would leave so. */
  async function raw(target: string, host = new URL(bed.app.url).host): Promise<string> {
    const socket = connect(Number(new URL(bed.app.url).port), '127.0.0.1')
    socket.setEncoding('latin1')
    let text = ''
    socket.on('data', (chunk: string) => {
      text += chunk
    })
    socket.end(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\nAccept: text/html\r\nConnection: close\r\n\r\n`)
    await once(socket, 'close')
    return text
  }
  const locationOf = (answer: string) => /^location: (.*)$/im.exec(answer)?.[1]

  it.each([
    '//evil.example',
    '//evil.example/guarded/../..',
    '///evil.example',
    '/\\evil.example',
    '/guarded//evil.example',
    '/guarded/%2f%2fevil.example',
    '/guarded/..//evil.example',
    '/guarded\\..\\\\evil.example',
    '/guarded?//evil.example',
    '/guarded/%0d%0aSet-Cookie:a=b',
    '/guarded/%',
    '/guarded/%ff%fe',
    '/guarded/%00',
    'http://evil.example/guarded',
    'https://evil.example/guarded/a',
    'http://127.0.0.1@evil.example/guarded',
    '/guarded/@evil.example',
    `/guarded/${'a'.repeat(4000)}`,
    '/guarded;/evil.example',
    '/.//evil.example/guarded',
  ])('never leads off the origin: GET %s', async (target) => {
    for (const host of [undefined, 'evil.example']) {
      const answer = await raw(target, host)
      expect(answer).toMatch(/^HTTP\/1\.1 (303|400) /)
      const location = locationOf(answer)
      if (location === undefined) continue
      expect(location).toMatch(/^\/login(\?|$)/)
      const returnTo = new URL(location, bed.app.url).searchParams.get('returnTo')
      const begun = await new UserAgent().send(new URL(location, bed.app.url).href)
      expect(begun.headers.location).toContain(`${bed.provider.issuer}/auth`)
      if (returnTo !== null) expect(new URL(returnTo, bed.app.url).origin).toBe(bed.app.url)
    }
  })

  it('on a guarded catch-all leads to the login, and from there into the application', async () => {
    expect(locationOf(await raw('//evil.example'))).toBe('/login')
    expect(locationOf(await raw('/not-there/x'))).toBe('/login?returnTo=%2Fnot-there%2Fx')
    const browser = new UserAgent()
    const { headers } = await browser.send(`${bed.app.url}/login`)
    const callback = await browser.visitUntil(String(headers.location), `${bed.app.url}/callback`)
    expect((await browser.send(callback.url)).headers.location).toBe(`${bed.app.url}/`)
  })
})

describe('requireScope', () => {
  it.each<[string, unknown[]]>([
    ['no scope', []],
    ['an empty one', ['']],
    ['several in one string', ['a b']],
    ['an array', [['a', 'b']]],
    ['an empty array', [[]]],
    ['undefined', [undefined]],
    ['null', [null]],
    ['a number', [1]],
    ['a function', [() => true]],
    ['a promise', [Promise.resolve('a')]],
    ['a good one and a bad one', ['a', '']],
    ['a quote', ['a"b']],
    ['a line break', ['a\nb']],
    ['a letter that RFC 6749 has not', ['\u00e9']],
  ])('refuses %s at construction', (_what, scopes) => {
    expect(() => requireScope(...(scopes as string[]))).toThrow(
      expect.objectContaining({ code: 'ERR_CONFIGURATION', message: expect.stringContaining('requireScope()') }),
    )
  })

  it('lets a request pass only if it has all of them', async () => {
    const browser = await signedIn()
    expect((await browser.fetch(`${bed.app.url}/one`)).json()).toEqual({ subject: 'ada' })
    expect((await browser.fetch(`${bed.app.url}/two`)).status).toBe(403)
    expect((await browser.fetch(`${bed.app.url}/three`)).status).toBe(403)
    codesOf(bed.app)
  })

  it('lists every required scope in the challenge, and the missing ones in the message', async () => {
    const browser = await signedIn()
    bed.app.events.length = 0
    const answer = await browser.fetch(`${bed.app.url}/three`)
    expect(answer.status).toBe(403)
    expect(answer.headers['www-authenticate']).toBe(
      'Bearer error="insufficient_scope", scope="openid reports:write admin"',
    )
    const [error] = bed.app.errors.splice(0)
    expect(error).toMatchObject({
      code: 'ERR_INSUFFICIENT_SCOPE',
      message: 'the request lacks the scope reports:write admin',
      cause: { missing: ['reports:write', 'admin'] },
    })
    expect(bed.app.events).toEqual([
      expect.objectContaining({ type: 'access.refused', missing: ['reports:write', 'admin'] }),
    ])
  })

  it('answers an anonymous request as requireAuth does', async () => {
    const page = await new UserAgent().send(`${bed.app.url}/two?a=b`)
    expect(page.headers.location).toBe('/login?returnTo=%2Ftwo%3Fa%3Db')
    const script = await new UserAgent().fetch(`${bed.app.url}/two`)
    expect(script.status).toBe(401)
    expect(script.json()).toEqual({ error: 'authentication_required', loginUrl: '/login' })
  })
})

describe('without relyingParty before it', () => {
  it.each<[string, RequestHandler]>([
    ['login()', login()],
    ['callback()', callback()],
    ['logout()', logout()],
    ['requireAuth()', requireAuth()],
    ['requireScope()', requireScope('a')],
  ])('%s refuses every request, and the hint shows the missing line', async (name, middleware) => {
    const errors: RelyingPartyError[] = []
    const app = express()
    const keep: ErrorRequestHandler = (error: RelyingPartyError, _req, _res, next) => {
      errors.push(error)
      next(error)
    }
    app.all('/', middleware, (_req, res) => void res.send('through'))
    app.use(keep)
    const answer = await supertest(app).post('/')
    expect(answer.status).toBe(500)
    expect(answer.text).not.toContain('through')
    expect(errors).toEqual([expect.objectContaining({ code: 'ERR_CONFIGURATION' })])
    expect(errors[0]?.message).toMatch(new RegExp(`^${name.replace('()', '\\(\\)')} needs`))
    expect(`${errors[0]?.message} ${errors[0]?.hint}`).toContain('app.use(relyingParty({ … }))')
  })
})

describe('requireClaim', () => {
  it.each<[unknown, string]>([
    ['admin', 'write requireClaim("role", { equals: "admin" })'],
    [true, 'write requireClaim("role", { equals: true })'],
    [['a', 'b'], 'write requireClaim("role", { includes: ["a","b"] })'],
  ])('says how to compare, when it is given only what to compare with: %j', (expected, fix) => {
    expect(() => requireClaim('role', expected as never)).toThrow(configurationErrorSaying(fix))
  })

  it('takes what it asks for', () => {
    expect(() => requireClaim('role', { equals: 'admin' })).not.toThrow()
    expect(() => requireClaim('role', { includes: ['a', 'b'] })).not.toThrow()
  })
})

describe('returnTo of a route', () => {
  const limiter: RequestHandler = (_req, _res, next) => next()
  it.each<[string, (returnTo: string) => unknown]>([
    ['login', (returnTo) => login({ returnTo })],
    ['deviceLogin', (returnTo) => deviceLogin({ returnTo })],
    ['passwordLogin', (returnTo) => passwordLogin({ allowPasswordGrant: true, rateLimit: limiter, returnTo })],
    ['logout', (returnTo) => logout({ returnTo })],
  ])('is a path of the application, checked when the application starts: %s', (name, create) => {
    for (const returnTo of ['//evil.example', 'profile', '/\\evil.example', 'javascript:alert(1)', '/a b']) {
      expect(() => create(returnTo)).toThrow(configurationErrorSaying(`${name}.returnTo must be a path`))
    }
    // Only a logout may lead to another origin, where postLogoutUrls lists it.
    const abroad = () => create('https://app.example.com/profile')
    if (name === 'logout') expect(abroad).not.toThrow()
    else expect(abroad).toThrow(configurationErrorSaying('not a full URL: write /profile'))
    expect(() => create('/profile?tab=1#top')).not.toThrow()
  })
})
