import type { Express } from 'express'
import { describe, expect, it } from 'vitest'
import { login } from '../../src/index.js'
import { type AppOptions, startLocalProvider } from '../support/bed/app.js'
import { type Bed, startBed, useProvider } from '../support/bed/bed.js'
import { upToCallback, withParameters } from '../support/bed/callbackRequest.js'
import { faultyFetch } from '../support/bed/faultyFetch.js'
import { codesOf, contentsOf, transactionCookies, whoIs } from '../support/bed/observed.js'
import { basket } from '../support/bed/routes.js'
import { UserAgent } from '../support/bed/userAgent.js'
import { FaultyStore } from '../support/stores/faultyStore.js'

const { provider } = useProvider()
let bed: Bed
let store: FaultyStore
let faults: ReturnType<typeof faultyFetch>
let browser: UserAgent
let url: string

const OURS = 'express-relying-party:'

async function start(settings: AppOptions = {}): Promise<void> {
  store = new FaultyStore()
  faults = faultyFetch()
  browser = new UserAgent()
  const options = { http: { fetch: faults.fetch }, ...settings.options }
  bed = await startBed({ routes: basket, ...settings, store, options, at: provider })
  url = bed.app.url
}

const records = async () => Object.keys(await contentsOf(store)).filter((key) => key.startsWith(`${OURS}record:`))

describe.each(['query', 'form_post'] as const)('a store that fails during a callback with %s', (responseMode) => {
  const steps: Record<string, FaultyStore['fails']> = {
    'checking whether the login was used': (operation, key) =>
      operation === 'get' && key.startsWith(`${OURS}transaction:`),
    'marking the login as used': (operation, key) => operation === 'set' && key.startsWith(`${OURS}transaction:`),
    'storing the token record': (operation, key) => operation === 'set' && key.startsWith(`${OURS}record:`),
    'storing the session': (operation, key) => operation === 'set' && !key.startsWith(OURS),
  }

  it.each(Object.entries(steps))(
    'while %s does not sign anyone in, stores nothing, and is an outage',
    async (_step, fails) => {
      await start({ provider: { responseMode } })
      await browser.visit(`${url}/basket?add=tea`)
      const before = (await browser.fetch(`${url}/basket`)).json()
      const { url: callback, init } = await upToCallback(browser, bed)
      store.fails = fails
      const answer = await browser.send(callback, init)
      store.fails = () => false
      expect(answer.status).toBe(503)
      expect(answer.headers['retry-after']).toBe('5')
      expect(codesOf(bed.app)).toEqual(['ERR_STORE_UNAVAILABLE'])
      expect(answer.headers['set-cookie']?.join() ?? '').not.toContain('connect.sid')
      expect(await records()).toEqual([])
      expect(await whoIs(browser, url)).toBeNull()
      expect((await browser.fetch(`${url}/basket`)).json()).toEqual(before)
      expect((await browser.visit(`${url}/profile`)).status).toBe(200)
    },
  )

  it('before the response is marked as used lets a reload sign the user in', async () => {
    await start({ provider: { responseMode } })
    const { url: callback, init } = await upToCallback(browser, bed)
    store.fails = (operation, key) => operation === 'set' && key.startsWith(`${OURS}transaction:`)
    const answer = await browser.send(callback, init)
    expect(answer.status).toBe(503)
    expect(answer.headers['set-cookie']).toBeUndefined()
    expect(transactionCookies(browser, url)).toHaveLength(1)
    store.fails = () => false
    expect((await browser.visit(callback, init)).url).toBe(`${url}/profile`)
  })

  it('while removing the old session does not stop the login', async () => {
    await start({ provider: { responseMode } })
    await browser.visit(`${url}/basket?add=tea`)
    const { url: callback, init } = await upToCallback(browser, bed)
    store.fails = (operation) => operation === 'destroy'
    expect((await browser.send(callback, init)).status).toBe(303)
    store.fails = () => false
    expect(await whoIs(browser, url)).toBe('ada')
  })

  it.each(Object.entries(steps))('while %s keeps the previous user signed in', async (_step, fails) => {
    const again = (app: Express) => void app.get('/login/again', login({ prompt: 'login' }))
    await start({ provider: { responseMode }, routes: again })
    await browser.visit(`${url}/profile`)
    const { url: callback, init } = await browser.visitUntil(`${url}/login/again`, `${url}/callback`)
    const [record] = await records()
    store.fails = fails
    expect((await browser.send(callback, init)).status).toBe(503)
    store.fails = () => false
    expect(await records()).toEqual([record])
    expect(await whoIs(browser, url)).toBe('ada')
    expect((await browser.fetch(`${url}/token`)).status).toBe(200)
  })
})

describe('a store that fails', () => {
  it('is an outage for a signed-in user, not an anonymous request', async () => {
    await start()
    await browser.visit(`${url}/profile`)
    store.fails = (operation, key) => operation === 'get' && key.startsWith(OURS)
    for (const path of ['/profile', '/who', '/login']) {
      const answer = await browser.send(url + path)
      expect(answer.status).toBe(503)
      expect(answer.headers['set-cookie']).toBeUndefined()
    }
    codesOf(bed.app)
    store.fails = () => false
    expect(await whoIs(browser, url)).toBe('ada')
  })

  it('is not hidden by express-session, which would make the user anonymous', async () => {
    await start()
    await browser.visit(`${url}/profile`)
    store.fails = (operation) => operation === 'get'
    const answer = await browser.send(`${url}/profile`)
    expect(answer.status).toBe(500)
    expect(answer.headers['set-cookie']).toBeUndefined()
    store.fails = () => false
    expect(await whoIs(browser, url)).toBe('ada')
  })
})

describe('a provider that fails', () => {
  it('at the first login is an outage, and the login works once it is back', async () => {
    await start()
    faults.fault = () => new Response('<h1>Down</h1>', { status: 502, headers: { 'retry-after': '17' } })
    const answer = await browser.send(`${url}/profile`)
    expect(answer.status).toBe(303)
    const login = await browser.send(url + answer.headers.location)
    expect(login.status).toBe(503)
    expect(login.headers['retry-after']).toBe('17')
    expect(login.text).not.toContain('Down')
    expect(login.headers['set-cookie']).toBeUndefined()
    const [error] = bed.app.errors.splice(0)
    expect(error).toMatchObject({ code: 'ERR_PROVIDER_UNAVAILABLE', retryUrl: '/login?returnTo=%2Fprofile' })
    delete faults.fault
    expect((await browser.visit(`${url}/profile`)).status).toBe(200)
  })

  it('to accept connections at the first login is an outage, while other pages work', async () => {
    const gone = await startLocalProvider({ host: 'localhost' })
    await gone.close()
    await start({ provider: { issuer: gone.issuer } })
    const login = await browser.send(`${url}/login`)
    expect(login.status).toBe(503)
    expect(login.headers['retry-after']).toBe('5')
    expect(codesOf(bed.app)).toEqual(['ERR_PROVIDER_UNAVAILABLE'])
    expect((await browser.send(`${url}/`)).status).toBe(200)
  })

  it.each<[string, () => Response]>([
    ['503', () => new Response('down', { status: 503 })],
    ['500 with HTML', () => new Response('<b>oops</b>', { status: 500, headers: { 'content-type': 'text/html' } })],
    ['429', () => new Response(null, { status: 429 })],
    [
      'a broken connection',
      () => {
        throw new TypeError('fetch failed')
      },
    ],
  ])('at the token endpoint with %s is an outage, and leaves the session as it was', async (_name, fault) => {
    await start()
    await browser.visit(`${url}/basket?add=tea`)
    const before = await browser.fetch(`${url}/basket`)
    const { url: callback, init } = await upToCallback(browser, bed)
    faults.fault = ({ pathname }) => (pathname === '/token' ? fault() : undefined)
    const answer = await browser.send(callback, init)
    expect(answer.status).toBe(503)
    expect(answer.headers['retry-after']).toBeDefined()
    expect(answer.text).not.toContain('oops')
    const [error] = bed.app.errors.splice(0)
    expect(error).toMatchObject({ code: 'ERR_PROVIDER_UNAVAILABLE', returnTo: '/profile' })
    expect((await browser.fetch(`${url}/basket`)).json()).toEqual(before.json())
    expect(await records()).toEqual([])
    delete faults.fault
    expect((await browser.visit(url + (error as { retryUrl: string }).retryUrl)).url).toBe(`${url}/profile`)
  })
})

describe("an error in the provider's response", () => {
  it.each([
    ['access_denied', 403, 'ERR_AUTHORIZATION_DENIED'],
    ['ACCESS_DENIED', 403, 'ERR_AUTHORIZATION_DENIED'],
    ['temporarily_unavailable', 503, 'ERR_PROVIDER_UNAVAILABLE'],
    ['server_error', 503, 'ERR_PROVIDER_UNAVAILABLE'],
    ['login_required', 400, 'ERR_AUTHORIZATION_FAILED'],
    ['invalid_scope', 400, 'ERR_AUTHORIZATION_FAILED'],
    ['<script>alert(1)</script>', 400, 'ERR_AUTHORIZATION_FAILED'],
    ['\u0000\r\nSet-Cookie: a=b', 400, 'ERR_AUTHORIZATION_FAILED'],
    ['x'.repeat(3000), 400, 'ERR_AUTHORIZATION_FAILED'],
  ])('%j is typed, says how to go on, and brings no text from outside into the page', async (error, status, code) => {
    await start()
    const changes = {
      code: undefined,
      error,
      error_description: '<img src=x onerror=alert(2)>',
      error_uri: 'javascript:1',
    }
    const denied = withParameters(await upToCallback(browser, bed, '/profile?tab=1'), changes)
    const answer = await browser.send(denied.url, denied.init)
    expect(answer.status).toBe(status)
    expect(answer.headers['content-type']).toContain('text/html')
    for (const markup of ['<script', '<img', 'alert(', 'onerror']) expect(answer.text).not.toContain(markup)
    const [reported] = bed.app.errors.splice(0) as [Error]
    expect(reported).toMatchObject({
      code,
      returnTo: '/profile?tab=1',
      retryUrl: '/login?returnTo=%2Fprofile%3Ftab%3D1',
    })
    expect(reported.message).not.toMatch(/<|\r|\n/)
    expect(JSON.stringify(reported.cause).length).toBeLessThan(500)
    expect(await whoIs(browser, url)).toBeNull()
    expect((await browser.visit(`${url}/login?returnTo=/profile`)).status).toBe(200)
  })

  it.each<[string, Record<string, string>, number, string, object]>([
    ['cancelled at LinkedIn', { error: 'user_cancelled_login' }, 403, 'ERR_AUTHORIZATION_DENIED', {}],
    ['refused at Facebook', { error_reason: 'user_denied' }, 403, 'ERR_AUTHORIZATION_DENIED', { error: 'user_denied' }],
    [
      'Facebook for an application that is not set up',
      { error_code: '1349126', error_message: 'App not set up' },
      400,
      'ERR_AUTHORIZATION_FAILED',
      { error: '1349126', error_description: 'App not set up' },
    ],
    ['a sentence', { error: 'Access is off' }, 400, 'ERR_AUTHORIZATION_FAILED', { error_description: 'Access is off' }],
    ['only a description', { error_description: 'No' }, 400, 'ERR_AUTHORIZATION_FAILED', { error_description: 'No' }],
  ])('is shown in the shape of other providers: %s', async (_, changes, status, code, cause) => {
    await start()
    const denied = withParameters(await upToCallback(browser, bed), { code: undefined, ...changes })
    expect((await browser.send(denied.url, denied.init)).status).toBe(status)
    expect(bed.app.errors.splice(0)).toMatchObject([{ code, cause }])
  })

  it('is ignored next to a code, unless it is an error of RFC 6749', async () => {
    await start()
    const extra = withParameters(await upToCallback(browser, bed), { error_code: '0', error_message: 'none' })
    expect((await browser.visit(extra.url, extra.init)).status).toBe(200)
    expect(bed.app.errors).toEqual([])
  })

  it.each([
    ['access_denied', 403, 'ERR_AUTHORIZATION_DENIED'],
    ['invalid_scope', 400, 'ERR_AUTHORIZATION_FAILED'],
    ['server_error', 400, 'ERR_AUTHORIZATION_FAILED'],
  ])('is shown without state too, and touches no login: %s', async (error, status, code) => {
    await start()
    const response = await upToCallback(browser, bed)
    const bare = withParameters(response, { code: undefined, state: undefined, error, error_description: 'Why' })
    expect((await browser.send(bare.url, bare.init)).status).toBe(status)
    expect(bed.app.errors.splice(0)).toMatchObject([{ code, cause: { error, error_description: 'Why' } }])
    expect((await browser.visit(response.url, response.init)).url).toBe(`${url}/profile`)
  })

  it('is escaped on the error page of Express in development', async () => {
    await start()
    const [app] = bed.app.server.listeners('request') as [Express]
    app.set('env', 'development')
    const changes = { code: undefined, error: '<script>alert(1)</script>', error_description: '<script>' }
    const denied = withParameters(await upToCallback(browser, bed), changes)
    const answer = await browser.send(denied.url, denied.init)
    expect(answer.status).toBe(400)
    expect(answer.text).toContain('the provider answered the authorization request with an error')
    expect(answer.text).not.toContain('<script')
  })
})
