import type { RequestListener } from 'node:http'
import type { Express, Request } from 'express'
import { describe, expect, it, vi } from 'vitest'
import { callback, login, requireAuth, requireScope, requireStepUp } from '../../src/index.js'
import { type App, type AppOptions, listen, register, startApp } from '../support/bed/app.js'
import { type Bed, startBed, useProvider } from '../support/bed/bed.js'
import { codesOf, transactionCookies, whoIs } from '../support/bed/observed.js'
import type { Answer } from '../support/bed/userAgent.js'
import { configurationErrorSaying } from '../support/run/configurationError.js'
import { fakeDate } from '../support/run/waiting.js'

const { provider, browser } = useProvider()

async function start(settings: AppOptions = {}): Promise<Bed> {
  return await startBed({ ...settings, at: provider })
}

/** The cookie header without the session: as where the browser has dropped its cookie. */
function withoutSession(app: Express): void {
  app.use((req, _res, next) => {
    const kept = (req.headers.cookie ?? '').split('; ').filter((pair) => !pair.startsWith('connect.sid='))
    req.headers.cookie = kept.join('; ')
    next()
  })
}

function isLoop(answer: Answer, app: Pick<App, 'errors'>): void {
  expect(answer.status).toBe(508)
  expect(answer.headers.location).toBeUndefined()
  expect(app.errors).toEqual([
    expect.objectContaining({
      code: 'ERR_LOGIN_LOOP',
      hint: expect.stringMatching(/MemoryStore.*domain, path, secure or sameSite/),
    }),
  ])
}

const signedIn = (app: Pick<App, 'events'>) => app.events.filter(({ type }) => type === 'session.opened').length

describe('a browser that is signed in again and again without being recognized', () => {
  it.each(['query', 'form_post'] as const)(
    'is stopped where its session cookie is lost, by %s',
    async (responseMode) => {
      const { app } = await start({ before: withoutSession, provider: { responseMode } })
      isLoop(await browser.visit(`${app.url}/profile`), app)
      expect(signedIn(app)).toBe(2)
      expect(app.events.filter(({ type }) => type === 'login.refused')).toMatchObject([{ code: 'ERR_LOGIN_LOOP' }])
    },
  )

  it('is stopped at a guard of the application, too', async () => {
    const own: NonNullable<AppOptions['routes']> = (app) => {
      app.get('/own', (req, res) => (req.auth.isAuthenticated ? res.end() : res.redirect('/login?returnTo=/own')))
    }
    const { app } = await start({ before: withoutSession, routes: own })
    isLoop(await browser.visit(`${app.url}/own`), app)
  })

  it.each<[string, (request: number, req: Request) => boolean]>([
    ['in turn', (request) => request % 2 === 0],
    ['by what is asked for', (_request, req) => req.url.startsWith('/profile')],
  ])('is stopped where two processes do not share their sessions, and answer %s', async (_how, toFirst) => {
    const front = await listen()
    const options = { options: { baseUrl: front.url } }
    const apps = [await startApp(provider.issuer, options), await startApp(provider.issuer, options)] as const
    await register(provider, front)
    const [first, second] = apps.map(({ server }) => server.listeners('request')[0] as RequestListener)
    let request = 0
    front.server.on('request', (req, res) => {
      const app = toFirst(request++, req as Request) ? first : second
      app?.(req, res)
    })
    const answer = await browser.visit(`${front.url}/profile`)
    isLoop(answer, { errors: apps.flatMap(({ errors }) => errors) })
  })

  it('is told so in words for people, and may try again at once', async () => {
    const { app } = await start({
      before: withoutSession,
      options: {
        onError: (error, _req, res) =>
          void res.status(error.status).json({ message: error.message, to: error.retryUrl }),
      },
    })
    const { message, to } = (await browser.visit(`${app.url}/profile`)).json<{ message: string; to: string }>()
    expect(message).toMatch(/cookies/)
    expect(message).not.toMatch(/baseUrl|session\(|MemoryStore/)
    expect((await browser.send(app.url + to)).status).toBe(303)
  })

  it('is not stopped when the logins lie further apart than half a minute', async () => {
    const { app } = await start({ before: withoutSession })
    fakeDate()
    for (let i = 0; i < 4; i++) {
      const { url, init } = await browser.visitUntil(`${app.url}/profile`, `${app.url}/callback`)
      expect((await browser.send(url, init)).status).toBe(303)
      vi.setSystemTime(Date.now() + 31_000)
    }
    expect(codesOf(app)).toEqual([])
  })

  it('is remembered in one small cookie, which lasts half a minute and goes when the user is recognized', async () => {
    const { app } = await start()
    const { url, init } = await browser.visitUntil(`${app.url}/profile`, `${app.url}/callback`)
    const { headers } = await browser.send(url, init)
    const [line = ''] = headers['set-cookie']?.filter((each) => each.startsWith('rp.loop=')) ?? []
    expect(line).toMatch(/^rp\.loop=[\w-]{1,250}; Max-Age=30; Path=\/; Expires=[^;]+; HttpOnly; SameSite=Lax$/)
    await browser.send(`${app.url}/profile`)
    expect(browser.cookies(app.url).has('rp.loop')).toBe(false)
  })

  it('cannot be made up by what a browser sends', async () => {
    const { app } = await start()
    for (const value of ['', 'x', 'A'.repeat(200), '{"count":9}']) {
      browser.setCookie(app.url, 'rp.loop', value)
      expect((await browser.visit(`${app.url}/profile`)).status).toBe(200)
      browser.deleteCookie(app.url, 'connect.sid')
    }
  })
})

describe('with cookies blocked altogether', () => {
  it.each(['query', 'form_post'] as const)('a login ends in an error, by %s', async (responseMode) => {
    const { app } = await start({
      before: (express) => void express.use((req, _res, next) => next(void delete req.headers.cookie)),
      provider: { responseMode },
    })
    expect((await browser.visit(`${app.url}/profile`)).status).toBe(400)
    expect(codesOf(app)).toEqual(['ERR_TRANSACTION_MISSING'])
  })
})

describe('no loop is', () => {
  it.each(['query', 'form_post'] as const)('to sign in and out again and again, by %s', async (responseMode) => {
    const { app } = await start({ provider: { responseMode } })
    for (let i = 0; i < 5; i++) {
      expect((await browser.visit(`${app.url}/profile`)).json()).toMatchObject({ sub: 'ada' })
      await browser.visit(`${app.url}/logout`, { method: 'POST' })
      expect(await whoIs(browser, app.url)).toBeNull()
    }
    expect(codesOf(app)).toEqual([])
  })

  it('to sign out right after the callback, again and again', async () => {
    const { app } = await start()
    for (let i = 0; i < 4; i++) {
      const { url, init } = await browser.visitUntil(`${app.url}/login`, `${app.url}/callback`)
      expect((await browser.send(url, init)).status).toBe(303)
      await browser.send(`${app.url}/logout`, { method: 'POST' })
    }
    expect(codesOf(app)).toEqual([])
  })

  it('to step up again and again', async () => {
    const { app } = await start({
      routes: (each) => void each.get('/again', login({ prompt: 'login', returnTo: '/who' })),
    })
    await browser.visit(`${app.url}/profile`)
    for (let i = 0; i < 5; i++) expect((await browser.visit(`${app.url}/again`)).url).toBe(`${app.url}/who`)
    expect(codesOf(app)).toEqual([])
  })

  it('a second user in the same browser', async () => {
    const { app } = await start({
      routes: (each) =>
        void each.get(
          '/as',
          login((req) => ({ loginHint: String(req.query.user), prompt: 'login', returnTo: '/who' })),
        ),
    })
    for (const user of ['ada', 'grace', 'ada', 'grace', 'ada']) {
      for (const name of browser.cookies('http://localhost').keys()) browser.deleteCookie('http://localhost', name)
      expect((await browser.visit(`${app.url}/as?user=${user}`)).json()).toMatchObject({ subject: user })
    }
    expect(codesOf(app)).toEqual([])
  })

  it.each([
    ['at their own pages', (tab: number) => `/profile?tab=${tab}`],
    ['at the same page', () => '/profile'],
  ])('a window of tabs that sign in at once, %s', async (_where, path) => {
    const { app } = await start()
    await browser.visit(`${app.url}/profile`)
    browser.deleteCookie(app.url, 'connect.sid')
    const answers = await Promise.all(Array.from({ length: 8 }, (_, tab) => browser.visit(app.url + path(tab))))
    for (const answer of answers) expect(answer.status).toBe(200)
    expect(codesOf(app)).toEqual([])
    expect(transactionCookies(browser, app.url)).toEqual([])
  })

  it('a login that is opened again and again by someone signed in', async () => {
    const { app } = await start()
    await browser.visit(`${app.url}/profile`)
    for (let i = 0; i < 6; i++) expect((await browser.send(`${app.url}/login?returnTo=/who`)).status).toBe(303)
    for (let i = 0; i < 6; i++) expect((await browser.visit(`${app.url}/login?returnTo=/who`)).status).toBe(200)
    expect(codesOf(app)).toEqual([])
  })

  it('a login that is begun again and again, and given up', async () => {
    const { app } = await start()
    for (let i = 0; i < 6; i++) expect((await browser.send(`${app.url}/login`)).status).toBe(303)
    expect((await browser.visit(`${app.url}/profile`)).status).toBe(200)
  })
})

describe('a guard in front of the routes of a login', () => {
  it.each([
    ['requireAuth()', requireAuth()],
    ['requireScope()', requireScope('openid')],
    ['requireStepUp()', requireStepUp({ maxAge: 60 })],
  ])('is a configuration error at the first login: %s', async (_name, guard) => {
    const { app } = await start({ routes: (each) => void each.use(guard) })
    expect((await browser.visit(`${app.url}/profile`)).status).toBe(500)
    expect(app.errors).toEqual([configurationErrorSaying('mount login() and callback() before')])
  })

  it('is fine behind them', async () => {
    const { app } = await start({
      routes(each) {
        each.get('/login', login())
        each.all('/callback', callback())
        each.use(requireAuth())
      },
    })
    expect((await browser.visit(`${app.url}/profile`)).status).toBe(200)
  })
})

describe('login() for every path', () => {
  it.each(['/', '/profile'])('is a configuration error, not a circle: %s', async (path) => {
    const { app } = await start({ routes: (each) => void each.use(login()) })
    expect((await browser.visit(app.url + path)).status).toBe(500)
    expect(app.errors).toEqual([configurationErrorSaying("app.get('/login', login())")])
  })

  it('is a configuration error behind callback() as well', async () => {
    const { app } = await start({
      routes(each) {
        each.all('/callback', callback())
        each.use(login())
      },
    })
    expect((await browser.visit(`${app.url}/profile`)).status).toBe(500)
    expect(app.errors).toEqual([configurationErrorSaying('leads back to itself')])
  })

  it('is none at a path of its own', async () => {
    const { app } = await start({ routes: (each) => void each.use('/sign-in', login({ returnTo: '/who' })) })
    expect((await browser.visit(`${app.url}/sign-in`)).json()).toMatchObject({ subject: 'ada' })
  })
})
