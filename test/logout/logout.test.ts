import type { Express } from 'express'
import supertest from 'supertest'
import { describe, expect, it, vi } from 'vitest'
import { type LogoutRequest, logout } from '../../src/index.js'
import { type AppOptions, startApp } from '../support/bed/app.js'
import { type Bed, startBed, useProvider } from '../support/bed/bed.js'
import { expectAccepted } from '../support/bed/conformance.js'
import { faultyFetch } from '../support/bed/faultyFetch.js'
import { logOut } from '../support/bed/loggingOut.js'
import { codesOf, contentsOf, whoIs } from '../support/bed/observed.js'
import { basket } from '../support/bed/routes.js'
import { refreshOf, type UserAgent } from '../support/bed/userAgent.js'
import { fakeDate } from '../support/run/waiting.js'
import { FaultyStore } from '../support/stores/faultyStore.js'
import { MemoryAuthStore } from '../support/stores/memoryAuthStore.js'

const { provider, browser } = useProvider()
let bed: Bed
let url: string
let store: FaultyStore
let faults: ReturnType<typeof faultyFetch>

async function start(settings: AppOptions = {}): Promise<void> {
  store = new FaultyStore()
  faults = faultyFetch()
  const options = { http: { fetch: faults.fetch }, ...settings.options }
  const routes = (app: Express) => {
    basket(app)
    settings.routes?.(app)
  }
  bed = await startBed({ ...settings, store, options, routes, at: provider })
  url = bed.app.url
}
const signIn = () => browser.visit(`${url}/profile`)
const leave = (query = '', init: Parameters<UserAgent['send']>[1] = {}) =>
  browser.send(`${url}/logout${query}`, { method: 'POST', ...init })

describe('a logout', () => {
  it('ends the session and sends the user to end it at the provider, with hint, client, address and state', async () => {
    await start()
    await signIn()
    const answer = await leave()
    const location = new URL(String(refreshOf(answer)))
    expect(location.origin + location.pathname).toBe(`${provider.issuer}/session/end`)
    const { id_token_hint, state, ...rest } = Object.fromEntries(location.searchParams)
    expect(rest).toEqual({ client_id: 'app', post_logout_redirect_uri: `${url}/` })
    expect(state).toMatch(/^[\w-]{100,200}$/)
    const [, payload = ''] = String(id_token_hint).split('.')
    expect(JSON.parse(Buffer.from(payload, 'base64url').toString())).toMatchObject({ sub: 'ada', aud: 'app' })
    expect(await whoIs(browser, url)).toBeNull()
    expect(Object.keys(await contentsOf(store)).filter((key) => key.includes('record:'))).toEqual([])
  })

  it('goes to the URL that the provider option logoutUrl returns, and back with its state', async () => {
    const requests: LogoutRequest[] = []
    const logoutUrl = (request: LogoutRequest) => {
      requests.push(request)
      return `${provider.issuer}/bye?client_id=${request.clientId}`
    }
    await start({ provider: { logoutUrl } })
    await signIn()
    expect(refreshOf(await leave('?returnTo=/who'))).toBe(`${provider.issuer}/bye?client_id=app`)
    const [{ state = '', endSessionUrl = '', ...rest } = {}] = requests
    expect(rest).toEqual({ clientId: 'app', postLogoutRedirectUri: `${url}/` })
    expect(new URL(endSessionUrl).searchParams.get('state')).toBe(state)
    const answer = await browser.send(`${url}/?${new URLSearchParams({ state })}`)
    expect(answer.headers.location).toBe(`${url}/who`)
  })

  it('adds logoutParams and the languages of the browser to the URL, and changes none of its own', async () => {
    await start({ provider: { logoutParams: { logout_hint: 'ada' }, uiLocales: 'request' } })
    await signIn()
    const headers = { accept: 'application/json', 'accept-language': 'pt-br, de;q=0.5, *;q=0.1' }
    const answer = await browser.fetch(`${url}/logout`, { method: 'POST', headers })
    const { searchParams } = new URL(answer.json<{ logoutUrl: string }>().logoutUrl)
    expect(Object.fromEntries(searchParams)).toMatchObject({
      logout_hint: 'ada',
      ui_locales: 'pt-BR de',
      client_id: 'app',
      post_logout_redirect_uri: `${url}/`,
      id_token_hint: expect.stringMatching(/^ey/),
    })
    for (const logoutParams of [{ state: 'x' }, { client_id: 'x' }, { logout_hint: 1 }]) {
      await expect(start({ provider: { logoutParams: logoutParams as Record<string, string> } })).rejects.toThrow(
        /logoutParams must/,
      )
    }
  })

  it('stays local if logoutUrl throws or returns no URL', async () => {
    for (const logoutUrl of [
      () => 'bye',
      () => {
        throw new Error('no')
      },
    ]) {
      await start({ provider: { logoutUrl: logoutUrl as () => string } })
      await signIn()
      expect(refreshOf(await leave('?returnTo=/who'))).toBe(`${url}/who`)
      expect(await whoIs(browser, url)).toBeNull()
    }
  })

  it('changes the session ID, and drops what the session held', async () => {
    await start()
    await signIn()
    await browser.visit(`${url}/basket?add=tea`)
    const before = (await browser.fetch(`${url}/basket`)).json<{ sessionID: string }>()
    await leave()
    const after = (await browser.fetch(`${url}/basket?add=coffee`)).json<{ sessionID: string }>()
    expect(after).toMatchObject({ basket: 'coffee' })
    expect(after.sessionID).not.toBe(before.sessionID)
    expect(await contentsOf(store)).not.toHaveProperty(before.sessionID)
  })

  it('works without a session, and if the session has ended', async () => {
    await start()
    expect(refreshOf(await leave('?returnTo=/who'))).toBe(`${url}/who`)
    await signIn()
    const twin = browser.clone()
    await leave()
    const again = await twin.send(`${url}/logout?returnTo=/who`, { method: 'POST' })
    expect(refreshOf(again)).toBe(`${url}/who`)
  })

  it('removes the tokens even if the provider of the session is no longer configured', async () => {
    await start()
    await signIn()
    const records = async () => Object.keys(await contentsOf(store)).filter((key) => key.includes('record:'))
    expect(await records()).toHaveLength(1)
    const later = await startApp(provider.issuer, { store, provider: { clientId: 'another' } })
    expect(await whoIs(browser, later.url)).toBeNull()
    const answer = await browser.send(`${later.url}/logout?returnTo=/who`, { method: 'POST' })
    await later.close()
    expect(refreshOf(answer)).toBe(`${later.url}/who`)
    expect(await records()).toEqual([])
  })

  it('is not undone by a slow request that saves the session it read before', async () => {
    const slow = { arrived: () => {}, goOn: Promise.resolve() }
    await start({
      routes(app) {
        app.get('/slow', async (req, res) => {
          slow.arrived()
          await slow.goOn
          Object.assign(req.session, { touched: true })
          res.json({ subject: req.auth.subject })
        })
      },
    })
    await signIn()
    let goOn = () => {}
    slow.goOn = new Promise<void>((resolve) => {
      goOn = resolve
    })
    const arrived = new Promise<void>((resolve) => {
      slow.arrived = resolve
    })
    const answer = browser.clone().fetch(`${url}/slow`)
    await arrived
    const twin = browser.clone()
    await leave()
    goOn()
    expect((await answer).json()).toEqual({ subject: 'ada' })
    // The session is back in the store, as the slow request saved it, and belongs to no one.
    expect(JSON.stringify(await contentsOf(store))).toContain('touched')
    expect(await whoIs(twin, url)).toBeNull()
    expect((await twin.fetch(`${url}/token`)).status).toBe(401)
  })

  it('calls onLogout and onEvent with the subject', async () => {
    const calls: unknown[] = []
    await start({ options: { onLogout: (who) => void calls.push(who) } })
    await leave()
    expect(calls).toEqual([])
    await signIn()
    await leave()
    expect(calls).toEqual([{ subject: 'ada', provider: 'default' }])
    expect(bed.app.events).toContainEqual(
      expect.objectContaining({ type: 'session.ended', subject: 'ada', reason: 'logout' }),
    )
  })

  it('answers a form with a page that forwards the browser, links and other clients with a redirect', async () => {
    await start({ routes: (app) => void app.get('/logout', logout()) })
    await signIn()
    const answer = await leave('?returnTo=/who')
    expect(answer.status).toBe(200)
    expect(answer.headers).toMatchObject({ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' })
    expect(answer.headers.location).toBeUndefined()
    expect(refreshOf(answer)).toContain(`${provider.issuer}/session/end?`)
    const onward = await browser.visit(String(refreshOf(answer)))
    expect(onward.url).toBe(`${url}/who`)
    expect((await browser.send(`${url}/logout?returnTo=/who`)).status).toBe(303)
    expect((await leave('', { headers: { accept: 'text/plain' } })).status).toBe(303)
  })

  it('sends scripts the URL of the provider as JSON', async () => {
    await start()
    await signIn()
    const answer = await browser.fetch(`${url}/logout?returnTo=/who`, { method: 'POST' })
    expect(answer.status).toBe(200)
    const { logoutUrl } = answer.json<{ logoutUrl: string }>()
    expect(logoutUrl).toContain(`${provider.issuer}/session/end?`)
    expect((await browser.visit(logoutUrl)).url).toBe(`${url}/who`)
  })

  it.each<[string, (url: URL) => Response | undefined]>([
    ['is down', () => new Response(null, { status: 503 })],
    [
      'has no RP-initiated logout',
      ({ pathname }) => (pathname.includes('.well-known') ? Response.json(withoutLogout()) : undefined),
    ],
  ])('stays local where the provider %s', async (_how, fault) => {
    await start()
    await signIn()
    // The cached metadata has expired, and is too old to be served stale.
    fakeDate()
    vi.setSystemTime(Date.now() + 2 * 86_400_000)
    faults.fault = fault
    const answer = await leave('?returnTo=/who')
    expect(refreshOf(answer)).toBe(`${url}/who`)
    expect(await whoIs(browser, url)).toBeNull()
  })

  const withoutLogout = () => ({
    issuer: provider.issuer,
    authorization_endpoint: `${provider.issuer}/auth`,
    token_endpoint: `${provider.issuer}/token`,
    jwks_uri: `${provider.issuer}/jwks`,
  })

  it('is not reported as done if the record cannot be removed', async () => {
    await start()
    await signIn()
    store.fails = (operation, key) => operation === 'destroy' && key.includes('record:')
    const answer = await leave()
    expect(answer.status).toBe(503)
    expect(codesOf(bed.app)).toEqual(['ERR_STORE_UNAVAILABLE'])
    store.fails = () => false
    expect(await whoIs(browser, url)).toBe('ada')
    expect((await leave()).status).toBe(200)
    expect(await whoIs(browser, url)).toBeNull()
  })

  it('signs out even if the session itself cannot be removed', async () => {
    await start()
    await signIn()
    store.fails = (operation, key) => operation === 'destroy' && !key.includes('record:')
    expect((await leave()).status).toBe(200)
    store.fails = () => false
    expect(await whoIs(browser, url)).toBeNull()
  })
})

describe('a logout forged by another site', () => {
  /** Sends only these headers and the cookies, as browsers without Fetch Metadata do. */
  const bare = (method: 'post' | 'get', headers: Record<string, string>) => {
    const cookie = [...browser.cookies(url)].map(([name, value]) => `${name}=${value}`).join('; ')
    return supertest(url)
      [method]('/logout')
      .set({ cookie, accept: 'text/html', ...headers })
  }

  it.each([
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' },
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { origin: 'http://127.0.0.1' },
    { origin: 'https://127.0.0.1' },
  ])('is refused: %j', async (headers) => {
    await start({ routes: (app) => void app.get('/logout', logout()) })
    await signIn()
    for (const method of ['post', 'get'] as const) {
      const answer = await bare(method, headers)
      expect(answer.status).toBe(403)
      expect(answer.headers['set-cookie']).toBeUndefined()
    }
    expect(codesOf(bed.app)).toEqual(['ERR_CROSS_SITE_REQUEST', 'ERR_CROSS_SITE_REQUEST'])
    expect(await whoIs(browser, url)).toBe('ada')
  })

  it.each<(origin: string) => Record<string, string>>([
    () => ({ 'sec-fetch-site': 'same-origin' }),
    () => ({ 'sec-fetch-site': 'none' }),
    (origin) => ({ 'sec-fetch-site': 'same-origin', origin }),
    (origin) => ({ origin }),
    () => ({}),
  ])('is distinguished from one that the application itself or no browser sent', async (headers) => {
    await start()
    await signIn()
    const answer = await bare('post', headers(url))
    expect(answer.status).toBe(200)
    expect(answer.text).toContain('/session/end')
    expect(await whoIs(browser, url)).toBeNull()
  })
})

describe('the ID token as a hint', () => {
  const groups = (count: number) => ({ groups: Array.from({ length: count }, (_, i) => `group-${i}-of-the-directory`) })

  it.each([
    ['a usual one is sent', {}, true],
    ['one with 40 groups is sent', groups(40), true],
    ['one with 200 groups is left out: servers refuse such a URL', groups(200), false],
    ['one that is just too long together with the rest is left out', { padding: 'x'.repeat(2520) }, false],
  ])('%s', async (_, claims, sent) => {
    const bed = await startBed({ spoil: { claims } })
    expect((await logOut(bed, await expectAccepted(bed))).url).toBe(`${bed.app.url}/who?after=logout`)
    const [{ path, parameters } = expect.fail('no logout')] = bed.provider.requests('end_session')
    expect(parameters.has('id_token_hint')).toBe(sent)
    expect(parameters.get('client_id')).toBe('app')
    expect(parameters.get('post_logout_redirect_uri')).toBe(`${bed.app.url}/`)
    expect(`${bed.provider.issuer}${path}?${parameters}`.length).toBeLessThanOrEqual(4096)
  })

  it('is stored only if it is short enough for that', async () => {
    const sizes: number[] = []
    for (const claims of [{}, groups(200)]) {
      const authStore = new MemoryAuthStore()
      const bed = await startBed({ options: { store: authStore }, spoil: { claims } })
      await expectAccepted(bed)
      const [key = ''] = authStore.keys().filter((name) => name.startsWith('record:'))
      const stored = String(await authStore.get(key))
      sizes.push(stored.length - stored.indexOf('\n'))
    }
    const [usual = 0, large = 0] = sizes
    expect(usual).toBeGreaterThan(500)
    expect(large).toBeLessThan(usual)
  })
})
