import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { ProviderOptions, RelyingPartyOptions } from '../../src/index.js'
import { resolveProviderOptions } from '../../src/provider/resolveOptions.js'
import { type App, CLIENT_SECRET, type LocalProvider, register, SECRET, startApp } from '../support/bed/app.js'
import { type Areas, startAreas } from '../support/bed/areas.js'
import { PUBLIC_URL, useProvider } from '../support/bed/bed.js'
import { type Callback, upToCallback, withParameters } from '../support/bed/callbackRequest.js'
import { authorizationRequest, codesOf, whoIs } from '../support/bed/observed.js'
import { refreshOf, UserAgent } from '../support/bed/userAgent.js'
import { configurationErrorSaying } from '../support/run/configurationError.js'
import { fakeDate } from '../support/run/waiting.js'

const { provider: one, browser } = useProvider()
const { provider: two } = useProvider()
let app: App

const at = ({ issuer }: LocalProvider, clientId = 'app'): ProviderOptions => ({
  issuer,
  clientId,
  clientSecret: CLIENT_SECRET,
})

async function start(options: Partial<RelyingPartyOptions>): Promise<void> {
  app = await startApp('', { options })
  await register(one, app, { redirect_uris: [`${app.url}/callback/one`] })
  await register(two, app, { redirect_uris: [`${app.url}/callback/two`] })
}

describe('several providers', () => {
  beforeEach(() => start({ providers: { one: at(one), two: at(two) } }))

  it('are chosen by name, which the session keeps', async () => {
    for (const [name, { issuer }] of Object.entries({ one, two })) {
      const agent = new UserAgent()
      const answer = await agent.visit(`${app.url}/login?provider=${name}&returnTo=/profile`)
      expect(answer.json()).toMatchObject({ iss: issuer, sub: 'ada' })
    }
    expect(app.events).toContainEqual(expect.objectContaining({ type: 'session.opened', provider: 'two' }))
  })

  it('must be chosen by name', async () => {
    const answer = await browser.send(`${app.url}/login`, { headers: { accept: 'application/json' } })
    expect(answer.status).toBe(400)
    const [error] = app.errors.splice(0)
    expect(error).toMatchObject({
      code: 'ERR_UNKNOWN_PROVIDER',
      message: 'no provider was chosen for this login',
      hint: expect.stringContaining('the names are one, two'),
    })
  })

  it('start a login at the other when the user is signed in at one', async () => {
    await browser.visit(`${app.url}/login?provider=one`)
    expect((await browser.send(`${app.url}/login?provider=one`)).headers.location).toBe(`${app.url}/`)
    const other = await browser.send(`${app.url}/login?provider=two`)
    expect(other.headers.location).toMatch(new RegExp(`^${two.issuer}/auth`))
  })

  it('each accept only codes of logins that began there: the code of another does not sign anyone in', async () => {
    const atOne = await upToCallback(browser, { app }, '/login?provider=one')
    const attacker = new UserAgent()
    const atTwo = await upToCallback(attacker, { app }, '/login?provider=two')
    const code = String(new URL(atTwo.url).searchParams.get('code'))
    for (const changes of [{ code }, { code, iss: two.issuer }]) {
      const mixed = withParameters(atOne, changes)
      expect((await browser.clone().send(mixed.url)).status).toBe(400)
    }
    expect(codesOf(app)).toEqual(['ERR_TOKEN_REQUEST_REFUSED', 'ERR_TRANSACTION_CONSUMED'])
    expect(await whoIs(browser, app.url)).toBeNull()
  })

  it('refuse a response that another provider sent', async () => {
    const atOne = await upToCallback(browser, { app }, '/login?provider=one&returnTo=/profile')
    const mixed = withParameters(atOne, { iss: two.issuer })
    expect((await browser.clone().send(mixed.url)).status).toBe(400)
    expect(codesOf(app)).toEqual(['ERR_ISSUER_MISMATCH'])
  })
})

describe('tenants with a provider each', () => {
  const tenants: Record<string, () => ProviderOptions> = {
    one: () => ({ ...at(one), name: 'one' }),
    two: () => ({ ...at(two), name: 'two' }),
    'one-again': () => ({ ...at(one, 'other-app'), name: 'one-again' }),
    broken: () => ({ ...at(one), issuer: 'not a url' }),
    none: () => undefined as unknown as ProviderOptions,
  }
  let asked = 0
  beforeEach(() =>
    start({
      async provider(req) {
        asked += 1
        const tenant = tenants[String(req.headers['x-tenant'])]
        if (!tenant) throw new Error('there is no such tenant')
        return tenant()
      },
    }),
  )

  const visit = (agent: UserAgent, path: string, tenant: string) =>
    agent.send(app.url + path, { headers: { 'x-tenant': tenant } })
  async function signIn(agent: UserAgent, tenant: string): Promise<void> {
    const begun = await visit(agent, '/login', tenant)
    const callback = await agent.visitUntil(String(begun.headers.location), app.url)
    expect((await visit(agent, callback.url.slice(app.url.length), tenant)).status).toBe(303)
  }

  it('sign users in at their own provider, and do not know them at another', async () => {
    await signIn(browser, 'one')
    expect((await visit(browser, '/who', 'one')).json()).toMatchObject({ subject: 'ada' })
    for (const other of ['two', 'one-again']) {
      expect((await visit(browser, '/who', other)).json()).toEqual({ kind: 'anonymous', subject: null })
      expect((await visit(browser, '/profile', other)).status).toBe(303)
      expect((await visit(browser, '/login', other)).headers.location).toContain('/auth?')
    }
    expect((await visit(browser, '/who', 'one')).json()).toMatchObject({ subject: 'ada' })
  })

  it.each(['two', 'one-again', 'unknown'])(
    'finish a login where it began, whichever tenant the response is for: %s',
    async (other) => {
      const begun = await visit(browser, '/login', 'one')
      const { url } = await browser.visitUntil(String(begun.headers.location), app.url)
      expect((await visit(browser, url.slice(app.url.length), other)).status).toBe(303)
      expect(codesOf(app)).toEqual([])
      if (other !== 'unknown') expect((await visit(browser, '/who', other)).json()).toMatchObject({ subject: null })
      expect((await visit(browser, '/who', 'one')).json()).toMatchObject({ subject: 'ada' })
    },
  )

  it('sign users out at their own provider only', async () => {
    await signIn(browser, 'one')
    const left = await browser.send(`${app.url}/logout`, { method: 'POST', headers: { 'x-tenant': 'two' } })
    expect(refreshOf(left)).toBe(`${app.url}/`)
    await signIn(browser, 'one')
    const right = await browser.send(`${app.url}/logout`, { method: 'POST', headers: { 'x-tenant': 'one' } })
    expect(refreshOf(right)).toContain(`${one.issuer}/session/end`)
  })

  it('may have an http issuer on a loopback host only if baseUrl is on one too', () => {
    const tenant = { issuer: 'http://127.0.0.1:6379', clientId: 'app', clientAuth: 'none' } as const
    const context = { allowInsecureHttp: false, baseUrlIsSecure: true, baseUrlIsLoopback: false, isResolved: true }
    const resolve = (options: ProviderOptions, changes: object) =>
      resolveProviderOptions(options, 'tenant', { ...context, ...changes })
    for (const host of ['127.0.0.1', 'localhost', '[::1]', '2130706433']) {
      const issuer = `http://${host}:6379`
      expect(() => resolve({ ...tenant, issuer }, {})).toThrow('tenant.issuer is http on a loopback host')
      expect(resolve({ ...tenant, issuer }, { baseUrlIsLoopback: true }).issuer).toBe(issuer)
      expect(resolve({ ...tenant, issuer }, { isResolved: false }).issuer).toBe(issuer)
    }
    expect(resolve({ ...tenant, issuer: 'https://op.example' }, {}).issuer).toBe('https://op.example')
  })

  it('are held to that where users reach the application by https', async () => {
    await app.close()
    await start({ baseUrl: PUBLIC_URL, provider: () => at(one) })
    const answer = await browser.send(`${app.url}/login`, { headers: { 'x-forwarded-proto': 'https' } })
    expect(answer.status).toBe(500)
    expect(codesOf(app)).toEqual(['ERR_CONFIGURATION'])
  })

  it('that do not exist, or are misconfigured, fail closed', async () => {
    await signIn(browser, 'one')
    for (const tenant of ['unknown', 'broken', 'none']) {
      for (const path of ['/who', '/profile', '/login']) {
        const answer = await visit(browser, path, tenant)
        expect(answer.status).toBe(500)
        expect(answer.headers.location).toBeUndefined()
      }
    }
    expect(new Set(codesOf(app).map(String))).toEqual(new Set(['ERR_CONFIGURATION', 'Error: there is no such tenant']))
    expect((await visit(browser, '/who', 'one')).json()).toMatchObject({ subject: 'ada' })
  })

  it('are not looked up for anonymous requests for pages', async () => {
    asked = 0
    await visit(browser, '/who', 'unknown')
    await visit(browser, '/profile', 'unknown')
    expect(asked).toBe(0)
  })
})

describe('tenants that the session identifies', () => {
  type Resolver = Extract<RelyingPartyOptions['provider'], (...args: never) => unknown>
  const tenants: Record<string, ProviderOptions> = {}
  const bySession: Resolver = (req) => tenants[(req.session as { tenant?: string }).tenant ?? ''] as ProviderOptions
  const byHint: Resolver = (req, hint) => (hint?.name ? (tenants[hint.name] as ProviderOptions) : bySession(req))

  beforeAll(() => {
    tenants.one = { ...at(one), name: 'one', responseMode: 'form_post' }
    tenants.two = { ...at(two), name: 'two', responseMode: 'form_post' }
  })

  async function startProcess(provider: Resolver, of?: App): Promise<App> {
    const process = await startApp('', {
      options: { provider, ...(of ? { baseUrl: of.url } : {}) },
      ...(of ? { store: of.store } : {}),
      session: { cookie: { sameSite: 'lax' } },
      routes: (express) =>
        void express.get('/enter/:tenant', (req, res) => {
          Object.assign(req.session, { tenant: req.params.tenant })
          res.end()
        }),
    })
    if (!of) await register(one, process, { redirect_uris: [`${process.url}/callback/one`] })
    return process
  }

  async function upToFormPost(process: App): Promise<Callback> {
    await browser.visit(`${process.url}/enter/one`)
    return browser.visitUntil(`${process.url}/login?returnTo=/profile`, `${process.url}/callback`)
  }

  it('finish a login with form_post, which comes without the session', async () => {
    const process = await startProcess(bySession)
    const response = await upToFormPost(process)
    expect(response.init).toMatchObject({ method: 'POST' })
    expect((await browser.visit(response.url, response.init)).json()).toMatchObject({ iss: one.issuer, sub: 'ada' })
    expect(codesOf(process)).toEqual([])
  })

  it('finish it in a process that has not seen them, if the function uses the hint', async () => {
    const process = await startProcess(byHint)
    const response = await upToFormPost(process)
    const other = await startProcess(byHint, process)
    const url = response.url.replace(process.url, other.url)
    const answer = await browser.send(url, response.init)
    expect(codesOf(other)).toEqual([])
    expect([answer.status, answer.headers.location]).toEqual([303, `${process.url}/profile`])
    expect(await whoIs(browser, process.url)).toBe('ada')
  })

  it('are refused there with a hint, if the function uses the session or returns another provider', async () => {
    const process = await startProcess(bySession)
    const response = await upToFormPost(process)
    const other = await startProcess(() => tenants.two as ProviderOptions, process)
    expect((await browser.clone().send(response.url.replace(process.url, other.url), response.init)).status).toBe(400)
    expect(other.errors).toMatchObject([
      { code: 'ERR_UNKNOWN_PROVIDER', hint: expect.stringContaining('second argument, { name }') as string },
    ])
    expect((await browser.visit(response.url, response.init)).json()).toMatchObject({ sub: 'ada' })
  })

  it('with one path for two issuers are refused at the login, until the login of the first has expired', async () => {
    const paths = { one: { ...at(one), callbackPath: '/in' }, two: { ...at(two), callbackPath: '/IN/' } }
    const process = await startProcess((req) => paths[req.query.tenant as 'one' | 'two'])
    const begin = (tenant: string) => browser.send(`${process.url}/login?tenant=${tenant}`)
    expect((await begin('one')).status).toBe(303)
    expect((await begin('two')).status).toBe(500)
    expect(process.errors.splice(0)).toEqual([
      configurationErrorSaying(/is the callback path of two issuers.*its own path/),
    ])
    expect((await begin('one')).status).toBe(303)
    fakeDate()
    vi.setSystemTime(Date.now() + 601_000)
    expect((await begin('two')).status).toBe(303)
  })
})

describe('areas with their own relying parties', () => {
  let areas: Areas
  afterEach(() => areas.close())

  const area =
    (provider: ProviderOptions, more: Partial<RelyingPartyOptions> = {}) =>
    (baseUrl: string): RelyingPartyOptions => ({ baseUrl, secret: SECRET, provider, ...more })
  async function open(staff: (url: string) => RelyingPartyOptions): Promise<void> {
    areas = await startAreas({ '/shop': area(at(one)), '/staff': staff })
    const redirect_uris = ['/shop', '/staff'].map((path) => `${areas.url}${path}/callback`)
    const post_logout_redirect_uris = ['/shop', '/staff'].map((path) => `${areas.url}${path}/`)
    await register(one, areas, { redirect_uris, post_logout_redirect_uris })
    await register(two, areas, { redirect_uris, post_logout_redirect_uris })
  }
  const shop = () => `${areas.url}/shop`
  const staff = () => `${areas.url}/staff`

  it('each use their own provider, and return to themselves', async () => {
    await open(area(at(two), { session: { key: 'staff' } }))
    for (const [url, { issuer }] of [
      [shop(), one],
      [staff(), two],
    ] as const) {
      const begun = await browser.send(`${url}/login`)
      expect(begun.headers.location).toContain(`${issuer}/auth`)
      expect(authorizationRequest(begun).get('redirect_uri')).toBe(`${url}/callback`)
      const demanded = await browser.send(`${url}/`)
      expect(demanded.headers.location).toBe(
        `${new URL(url).pathname}/login?${new URLSearchParams({ returnTo: `${new URL(url).pathname}/` })}`,
      )
    }
  })

  it.each<[string, () => (url: string) => RelyingPartyOptions]>([
    ['another provider', () => area(at(two))],
    ['another provider and key', () => area(at(two), { session: { key: 'staff' } })],
    ['the same provider, but another key', () => area(at(one), { session: { key: 'staff' } })],
  ])('do not accept a session of the other: %s', async (_name, staffArea) => {
    await open(staffArea())
    await browser.visit(`${shop()}/login`)
    expect(await whoIs(browser, shop())).toBe('ada')
    expect(await whoIs(browser, staff())).toBeNull()
    expect((await browser.send(`${staff()}/`)).status).toBe(303)
    await browser.visit(`${staff()}/login`)
    expect(await whoIs(browser, staff())).toBe('ada')
  })

  it('share a session if provider, client and key are the same', async () => {
    await open(area(at(one)))
    await browser.visit(`${shop()}/login`)
    expect([await whoIs(browser, shop()), await whoIs(browser, staff())]).toEqual(['ada', 'ada'])
  })

  it('may both have a user signed in, with their own keys', async () => {
    await open(area(at(two), { session: { key: 'staff' } }))
    await browser.visit(`${shop()}/login`)
    await browser.visit(`${staff()}/login`)
    expect([await whoIs(browser, shop()), await whoIs(browser, staff())]).toEqual(['ada', 'ada'])
  })

  it('do not finish a login that began in the other', async () => {
    await open(area(at(one), { session: { key: 'staff' } }))
    const begun = await browser.visitUntil(`${shop()}/login`, `${shop()}/callback`)
    const moved = begun.url.replace('/shop/', '/staff/')
    expect((await browser.clone().send(moved)).status).toBe(400)
    expect(await whoIs(browser, staff())).toBeNull()
  })
})
