import express from 'express'
import rateLimit from 'express-rate-limit'
import { describe, expect, it, vi } from 'vitest'
import { addPasswordGrant } from '../../examples/provider/password-grant.js'
import { type PasswordLoginOptions, type ProviderOptions, passwordLogin } from '../../src/index.js'
import { type App, register, startApp, startLocalProvider } from '../support/bed/app.js'
import { type Answer, UserAgent } from '../support/bed/userAgent.js'
import { fakeDate } from '../support/run/waiting.js'

const RIGHT = { username: 'ada', password: 'correct horse battery staple' }

interface Shop {
  readonly app: App
  post(body: Record<string, string>, browser?: UserAgent, headers?: Record<string, string>): Promise<Answer>
}

async function start(
  options: Partial<PasswordLoginOptions> = {},
  before?: express.RequestHandler,
  registration: Partial<ProviderOptions> = {},
): Promise<Shop> {
  const provider = await startLocalProvider({ ttl: { accessToken: 600 } })
  addPasswordGrant(provider, { ada: RIGHT.password })
  const app = await startApp(provider.issuer, {
    provider: registration,
    before: (outer) => void (before && outer.use(before)),
    routes: (inner) => {
      inner.all(
        '/password-login',
        passwordLogin({ allowPasswordGrant: true, rateLimit: rateLimit({ limit: 5 }), ...options }),
      )
    },
  })
  await register(provider, app, { grant_types: ['authorization_code', 'refresh_token', 'password'] })
  return {
    app,
    post: (body, browser = new UserAgent(), headers = {}) =>
      browser.send(`${app.url}/password-login?returnTo=/who`, { method: 'POST', body, headers, from: app.url }),
  }
}

describe('passwordLogin', () => {
  it('opens a full session: scopes, refresh, and a new session ID', async () => {
    fakeDate()
    const { app, post } = await start()
    const browser = new UserAgent()
    const answer = await post(RIGHT, browser)
    expect(answer.headers.location).toBe(`${app.url}/who`)
    expect((await browser.visit(`${app.url}/reports`)).status).toBe(200)
    const first = (await browser.fetch(`${app.url}/token`)).json().token
    vi.setSystemTime(Date.now() + 550_000)
    const second = (await browser.fetch(`${app.url}/token`)).json().token
    expect(second).toEqual(expect.any(String))
    expect(second).not.toBe(first)
    expect((await browser.fetch(`${app.url}/who`)).json()).toEqual({ kind: 'session', subject: 'ada' })
  })

  it('answers a wrong user name and a wrong password alike, and repeats neither', async () => {
    const { app, post } = await start()
    const wrong = [
      { username: 'ada', password: 'a wrong password' },
      { username: 'nobody', password: 'a wrong password' },
    ]
    const answers = []
    for (const body of wrong) {
      const browser = new UserAgent()
      const { status, text } = await post(body, browser)
      answers.push({ status, text })
      expect((await browser.fetch(`${app.url}/who`)).json()).toMatchObject({ kind: 'anonymous' })
    }
    expect(answers[0]).toEqual(answers[1])
    expect(answers[0]?.status).toBe(401)
    expect(app.errors).toMatchObject([{ code: 'ERR_INVALID_CREDENTIALS' }, { code: 'ERR_INVALID_CREDENTIALS' }])
    expect(JSON.stringify([app.errors, app.events])).not.toContain('a wrong password')
    expect((await post(RIGHT)).status).toBe(303)
  })

  it('limits attempts, even those with the right password', async () => {
    const { post } = await start()
    for (let attempt = 0; attempt < 5; attempt++) {
      expect((await post({ username: 'ada', password: `${attempt}` })).status).toBe(401)
    }
    expect((await post(RIGHT)).status).toBe(429)
  })

  it('lets the limiter count by user name, whether a body parser ran before or not', async () => {
    const limiter = rateLimit({ limit: 1, keyGenerator: (req) => String((req.body as { username: unknown }).username) })
    for (const parser of [undefined, express.urlencoded({ extended: false })]) {
      const { post } = await start({ rateLimit: limiter }, parser)
      limiter.resetKey('ada')
      limiter.resetKey('grace')
      expect((await post({ username: 'grace', password: 'x' })).status).toBe(401)
      expect((await post(RIGHT)).status).toBe(303)
      expect((await post(RIGHT)).status).toBe(429)
    }
  })

  it('accepts JSON that was parsed before', async () => {
    const { app } = await start({}, express.json())
    const send = (body: unknown) =>
      new UserAgent().fetch(`${app.url}/password-login`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
    expect((await send(RIGHT)).json()).toEqual({ returnTo: '/' })
    expect((await send({ username: ['ada'], password: RIGHT.password })).status).toBe(400)
  })

  it('refuses a form of another site', async () => {
    const { post } = await start()
    expect((await post(RIGHT, undefined, { 'sec-fetch-site': 'cross-site' })).status).toBe(403)
    expect((await post(RIGHT)).status).toBe(303)
  })

  it.each([{ username: 'ada' }, { ...RIGHT, password: 'x'.repeat(2000) }, { ...RIGHT, username: '' }])(
    'refuses a form with missing or overlong fields',
    async (body) => {
      const { app, post } = await start()
      expect((await post(body as Record<string, string>)).status).toBe(400)
      expect(app.errors).toMatchObject([{ code: 'ERR_CREDENTIALS_MALFORMED' }])
      expect((await post(RIGHT)).status).toBe(303)
    },
  )

  it('opens no session if the ID token lacks the auth_time or acr that is asked for', async () => {
    for (const asked of [{ maxAge: 600 }, { acrValues: 'urn:example:strong', acrEssential: true }]) {
      const { app, post } = await start({}, undefined, asked)
      expect((await post(RIGHT)).status).toBe(400)
      expect(app.errors).toMatchObject([{ code: 'ERR_ID_TOKEN_INVALID' }])
    }
    expect((await (await start()).post(RIGHT)).status).toBe(303)
  })

  it('accepts POST only, and does not redirect to another site', async () => {
    const { app } = await start()
    const asked = `${app.url}/password-login?username=ada&password=x`
    expect((await new UserAgent().visit(asked)).status).toBe(405)
    const init = { method: 'POST', body: RIGHT, from: app.url }
    const answer = await new UserAgent().send(`${app.url}/password-login?returnTo=//evil.example`, init)
    expect(answer.headers.location).toBe(`${app.url}/`)
  })

  it.each([
    ['allowPasswordGrant', { allowPasswordGrant: undefined }],
    ['allowPasswordGrant', { allowPasswordGrant: false }],
    ['rateLimit', { rateLimit: undefined }],
    ['scope', { scope: 5 }],
  ])('is off without a right %s', (option, options) => {
    const right = { allowPasswordGrant: true, rateLimit: rateLimit() } as const
    expect(() => passwordLogin(right)).not.toThrow()
    expect(() => passwordLogin({ ...right, ...options } as never)).toThrow(`passwordLogin.${option}`)
  })
})
