import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { UnsecuredJWT } from 'jose'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import {
  type DeviceLoginOptions,
  deviceLogin,
  LoginRefusedError,
  type ProviderOptions,
  type RelyingPartyOptions,
} from '../../src/index.js'
import { type App, CLIENT_SECRET, register, startApp, startLocalProvider } from '../support/bed/app.js'
import { answerDevice } from '../support/bed/device.js'
import { type Answer, UserAgent } from '../support/bed/userAgent.js'
import { MemoryAuthStore } from '../support/stores/memoryAuthStore.js'

const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code'

interface Shown {
  readonly status: string
  readonly error?: string
  readonly user_code: string
  readonly verification_uri: string
  readonly verification_uri_complete: string
  readonly expires_in: number
  readonly interval: number
}

interface Kiosk {
  readonly app: App
  readonly provider: Awaited<ReturnType<typeof startLocalProvider>>
  /** The bodies of the token requests. */
  readonly polls: URLSearchParams[]
  /** Responses to the next token requests, instead of the provider's. */
  readonly answers: (object | number)[]
  /** Starts another process of the same application over the same store. */
  another(): Promise<App>
  /** Requests JSON, as a program does. */
  look(browser: UserAgent, app?: App): Promise<Shown>
}

async function startKiosk(
  options: DeviceLoginOptions = {},
  more: Partial<RelyingPartyOptions> = {},
  registration: Partial<ProviderOptions> = {},
): Promise<Kiosk> {
  const provider = await startLocalProvider({ features: { deviceFlow: { enabled: true } } })
  const polls: URLSearchParams[] = []
  const answers: (object | number)[] = []
  const watched: typeof fetch = async (url, init) => {
    if (!String(url).endsWith('/token')) return fetch(url, init)
    polls.push(new URLSearchParams(String(init?.body)))
    const answer = answers.shift()
    if (typeof answer === 'number') return new Response('', { status: answer })
    return answer ? Response.json(answer, { status: 'error' in answer ? 400 : 200 }) : fetch(url, init)
  }
  const store = new MemoryAuthStore()
  const start = async () => {
    const started = await startApp(provider.issuer, {
      options: { http: { fetch: watched }, store, ...more },
      provider: registration,
      routes: (express) => {
        express.all('/device', deviceLogin(options))
        express.get('/basket', (req, res) => {
          const held = req.session as { basket?: unknown }
          if (req.query.add !== undefined) held.basket = req.query.add
          res.json({ basket: held.basket })
        })
      },
    })
    return started
  }
  const app = await start()
  await register(provider, app, { grant_types: ['authorization_code', 'refresh_token', DEVICE_CODE] })
  return {
    app,
    provider,
    polls,
    answers,
    another: start,
    look: async (browser, at = app) => (await browser.fetch(`${at.url}/device`)).json(),
  }
}

/** Advances the clock by some polls. */
function later(seconds: number): void {
  vi.setSystemTime(Date.now() + seconds * 1000)
}

/** Opens the event stream and returns its text when it ends. */
async function openStream(app: App, browser: UserAgent): Promise<{ res: IncomingMessage; end(): Promise<string> }> {
  const cookie = [...browser.cookies(app.url)].map(([name, value]) => `${name}=${value}`).join('; ')
  const req = httpRequest(`${app.url}/device`, { headers: { accept: 'text/event-stream', cookie }, agent: false }).end()
  const [res] = (await once(req, 'response')) as [IncomingMessage]
  let text = ''
  res.on('data', (chunk: Buffer) => {
    text += String(chunk)
  })
  return {
    res,
    async end() {
      if (!res.readableEnded) await once(res, 'end')
      return text
    },
  }
}

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }))
afterEach(() => void vi.useRealTimers())

describe('deviceLogin as JSON', () => {
  it('shows a code, waits, and signs this browser in once the user has approved', async () => {
    const { app, look, polls } = await startKiosk({ returnTo: '/who' })
    const browser = new UserAgent()
    const shown = await look(browser)
    expect(shown).toMatchObject({ status: 'pending', interval: 5, verification_uri: expect.any(String) as string })
    expect(shown.user_code).toMatch(/^\w{4}-\w{4}$/)
    await answerDevice(shown)
    expect((await look(browser)).status).toBe('pending')
    expect(polls).toHaveLength(0)
    later(6)
    expect(await look(browser)).toEqual({ status: 'signed_in', returnTo: '/who' })
    expect((await browser.fetch(`${app.url}/who`)).json()).toEqual({ kind: 'session', subject: 'ada' })
    expect((await browser.fetch(`${app.url}/token`)).status).toBe(200)
    const told = app.events.map(({ type }) => type).filter((type) => !/^(provider|keys)\./.test(type))
    expect(told).toEqual(['device.started', 'login.tokens', 'login.verified', 'session.opened'])
  })

  it('changes the session ID, and keeps what the anonymous session held', async () => {
    const { app, look } = await startKiosk()
    const browser = new UserAgent()
    await browser.fetch(`${app.url}/basket?add=apples`)
    const shown = await look(browser)
    const before = browser.cookies(app.url).get('connect.sid')
    await answerDevice(shown)
    later(6)
    await look(browser)
    expect(before).toEqual(expect.any(String))
    expect(browser.cookies(app.url).get('connect.sid')).not.toBe(before)
    expect((await browser.fetch(`${app.url}/basket`)).json()).toEqual({ basket: 'apples' })
    expect(browser.cookies(app.url).has('rp.device')).toBe(false)
  })

  it('keeps the device code secret: no response, event or readable cookie contains it', async () => {
    const { app, look, polls } = await startKiosk()
    const browser = new UserAgent()
    const shown = await look(browser)
    later(6)
    const answer = await browser.fetch(`${app.url}/device`)
    const secret = polls[0]?.get('device_code') ?? ''
    expect(secret).not.toBe('')
    const told = JSON.stringify([shown, answer, app.events, [...browser.cookies(app.url)]])
    expect(told).not.toContain(secret)
  })

  it('does not sign another browser in: each has its own code', async () => {
    const { app, look } = await startKiosk()
    const [mine, other] = [new UserAgent(), new UserAgent()]
    const [shown, another] = [await look(mine), await look(other)]
    expect(another.user_code).not.toBe(shown.user_code)
    await answerDevice(shown)
    later(6)
    expect((await look(other)).status).toBe('pending')
    expect((await other.fetch(`${app.url}/who`)).json()).toMatchObject({ kind: 'anonymous' })
    expect((await look(mine)).status).toBe('signed_in')
  })

  it('never sends the device code of one provider to another', async () => {
    const [one, two] = await Promise.all(
      [0, 1].map(() => startLocalProvider({ features: { deviceFlow: { enabled: true } } })),
    )
    if (!one || !two) throw new Error('no providers')
    onTestFinished(async () => void (await Promise.all([one.close(), two.close()])))
    const asked: string[] = []
    const watched: typeof fetch = (url, init) => {
      asked.push(`${String(url)} ${String(init?.body)}`)
      return fetch(url, init)
    }
    const registered = { clientId: 'app', clientSecret: CLIENT_SECRET, scope: 'openid' }
    const app = await startApp(one.issuer, {
      options: {
        http: { fetch: watched },
        providers: { one: { issuer: one.issuer, ...registered }, two: { issuer: two.issuer, ...registered } },
      },
      routes: (express) => void express.all('/device', deviceLogin()),
    })
    for (const provider of [one, two])
      await register(provider, app, { grant_types: ['authorization_code', DEVICE_CODE] })

    const browser = new UserAgent()
    const at = async (provider: string) => (await browser.fetch(`${app.url}/device?provider=${provider}`)).json<Shown>()
    const first = await at('one')
    const second = await at('two')
    expect(second.verification_uri).toContain(two.issuer)
    expect(second.user_code).not.toBe(first.user_code)
    await answerDevice(second)
    later(6)
    expect((await at('two')).status).toBe('signed_in')
    const polls = asked.filter((request) => request.includes('device_code='))
    expect(polls.filter((request) => !request.startsWith(two.issuer))).toEqual([])
    expect(polls).toHaveLength(1)
  })

  it('signs in once when two tabs request the tokens at the same time', async () => {
    const { app, look } = await startKiosk()
    const browser = new UserAgent()
    await answerDevice(await look(browser))
    later(6)
    const tabs = [browser, browser.clone(), browser.clone()]
    await Promise.all(tabs.map((tab) => look(tab)))
    later(6)
    const states = await Promise.all(tabs.map((tab) => look(tab)))
    expect(states.map(({ status }) => status)).toEqual(['signed_in', 'signed_in', 'signed_in'])
    expect(app.events.filter(({ type }) => type === 'session.opened')).toHaveLength(1)
  })

  it('polls once per interval, however many tabs and processes wait', async () => {
    const { app, look, polls, another } = await startKiosk()
    const second = await another()
    const browser = new UserAgent()
    await look(browser)
    for (const round of [1, 2, 3]) {
      later(5.5)
      const looks = Array.from({ length: 6 }, (_, index) => look(browser.clone(), index % 2 ? second : app))
      expect((await Promise.all(looks)).every(({ status }) => status === 'pending')).toBe(true)
      expect(polls).toHaveLength(round)
    }
  })

  it('finishes a login in another process than the one that started it', async () => {
    const { look, another } = await startKiosk()
    const second = await another()
    const browser = new UserAgent()
    const shown = await look(browser)
    await answerDevice(shown)
    later(6)
    expect((await look(browser, second)).status).toBe('signed_in')
  })

  it('waits 5 seconds longer after slow_down, and twice as long after an outage', async () => {
    const { look, polls, answers } = await startKiosk()
    const browser = new UserAgent()
    await look(browser)
    answers.push({ error: 'slow_down' })
    later(6)
    expect((await look(browser)).interval).toBe(10)
    later(6)
    await look(browser)
    expect(polls).toHaveLength(1)
    answers.push(503)
    later(5)
    expect((await look(browser)).interval).toBe(20)
    later(11)
    await look(browser)
    expect(polls).toHaveLength(2)
    later(10)
    expect((await look(browser)).status).toBe('pending')
    expect(polls).toHaveLength(3)
  })

  it('reports that the user refused, and does not poll again', async () => {
    const { app, look, polls } = await startKiosk()
    const browser = new UserAgent()
    await answerDevice(await look(browser), false)
    later(6)
    expect(await look(browser)).toMatchObject({ status: 'refused', error: 'ERR_AUTHORIZATION_DENIED' })
    later(6)
    expect(await look(browser)).toMatchObject({ status: 'refused', error: 'ERR_AUTHORIZATION_DENIED' })
    expect(polls).toHaveLength(1)
    expect((await browser.fetch(`${app.url}/who`)).json()).toMatchObject({ kind: 'anonymous' })
    expect(app.events.at(-1)).toMatchObject({ type: 'login.refused', code: 'ERR_AUTHORIZATION_DENIED' })
    const again = await browser.fetch(`${app.url}/device`, { method: 'POST' })
    await answerDevice(again.json<Shown>())
    later(6)
    expect((await look(browser)).status).toBe('signed_in')
  })

  it.each([
    ['according to the provider', (kiosk: Kiosk) => kiosk.answers.push({ error: 'expired_token' }), 6],
    ['according to its own expiry', () => 0, 601],
  ])('says that the code has expired %s, and begins anew on demand', async (_how, prepare, seconds) => {
    const kiosk = await startKiosk()
    const browser = new UserAgent()
    const first = await kiosk.look(browser)
    prepare(kiosk)
    later(seconds)
    const looks = await Promise.all([browser, browser.clone(), browser.clone()].map((tab) => kiosk.look(tab)))
    for (const look of looks) if (look.status !== 'pending') expect(look.error).toBe('ERR_DEVICE_CODE_EXPIRED')
    expect(await kiosk.look(browser)).toMatchObject({ status: 'refused', error: 'ERR_DEVICE_CODE_EXPIRED' })
    const refused = kiosk.app.events.filter(({ type }) => type === 'login.refused')
    expect(refused).toMatchObject([{ code: 'ERR_DEVICE_CODE_EXPIRED', transaction: expect.any(String) as string }])
    const again = (await browser.fetch(`${kiosk.app.url}/device`, { method: 'POST' })).json<Shown>()
    expect(again.user_code).not.toBe(first.user_code)
    expect(await kiosk.look(browser)).toMatchObject({ user_code: again.user_code })
  })

  it('accepts a signed ID token and refuses an unsigned one', async () => {
    const { app, look, answers, provider } = await startKiosk()
    const browser = new UserAgent()
    await look(browser)
    const claims = {
      iss: provider.issuer,
      aud: 'app',
      sub: 'ada',
      exp: Date.now() / 1000 + 300,
      iat: Date.now() / 1000,
    }
    const id_token = new UnsecuredJWT(claims).encode()
    answers.push({ access_token: 'x', token_type: 'Bearer', id_token })
    later(6)
    expect(await look(browser)).toMatchObject({ status: 'refused', error: 'ERR_ID_TOKEN_INVALID' })
    expect((await browser.fetch(`${app.url}/who`)).json()).toMatchObject({ kind: 'anonymous' })
    await answerDevice((await browser.fetch(`${app.url}/device`, { method: 'POST' })).json<Shown>())
    later(6)
    expect((await look(browser)).status).toBe('signed_in')
  })

  it('refuses a token response without an ID token', async () => {
    const { look, answers } = await startKiosk()
    const browser = new UserAgent()
    await look(browser)
    answers.push({ access_token: 'x', token_type: 'Bearer' })
    later(6)
    expect(await look(browser)).toMatchObject({ status: 'refused', error: 'ERR_TOKEN_RESPONSE_INVALID' })
  })

  it('enforces maxAge and acrValues, as other logins do', async () => {
    const { look } = await startKiosk({}, {}, { maxAge: 600 })
    const browser = new UserAgent()
    await answerDevice(await look(browser))
    later(6)
    expect((await look(browser)).status).toBe('signed_in')

    // The local provider sends no acr in this flow.
    const strict = await startKiosk({}, {}, { acrValues: 'urn:example:strong', acrEssential: true })
    const other = new UserAgent()
    await answerDevice(await strict.look(other))
    later(6)
    expect(await strict.look(other)).toMatchObject({ status: 'refused', error: 'ERR_ID_TOKEN_INVALID' })
  })

  it('calls onLogin, which can refuse: one event, and other tabs show the refusal', async () => {
    let refuse = true
    const kiosk = await startKiosk({}, { onLogin: () => void (refuse && fail()) })
    const browser = new UserAgent()
    await answerDevice(await kiosk.look(browser))
    later(6)
    const tab = browser.clone()
    expect((await browser.fetch(`${kiosk.app.url}/device`)).status).toBe(403)
    expect(await kiosk.look(tab)).toMatchObject({ status: 'refused', error: 'ERR_LOGIN_REFUSED' })
    const ends = () => kiosk.app.events.filter(({ type }) => /^(login\.refused|session\.opened)$/.test(type))
    expect(ends()).toMatchObject([{ type: 'login.refused', provider: 'default', code: 'ERR_LOGIN_REFUSED' }])
    expect((await browser.fetch(`${kiosk.app.url}/who`)).json()).toMatchObject({ kind: 'anonymous' })
    refuse = false
    await answerDevice((await browser.fetch(`${kiosk.app.url}/device`, { method: 'POST' })).json<Shown>())
    later(6)
    expect((await kiosk.look(browser)).status).toBe('signed_in')
    expect(ends().map(({ type }) => type)).toEqual(['login.refused', 'session.opened'])

    function fail(): never {
      throw new LoginRefusedError('Not today.')
    }
  })

  it('cannot be restarted by another site', async () => {
    const { app } = await startKiosk()
    const browser = new UserAgent()
    const post = (site: string): Promise<Answer> =>
      browser.fetch(`${app.url}/device`, { method: 'POST', headers: { 'sec-fetch-site': site } })
    expect((await post('cross-site')).status).toBe(403)
    expect((await post('same-origin')).status).toBe(200)
  })

  it('sends the provider no request for HEAD', async () => {
    const { app } = await startKiosk()
    const browser = new UserAgent()
    expect((await browser.send(`${app.url}/device`, { method: 'HEAD' })).status).toBe(200)
    expect(browser.cookies(app.url).has('rp.device')).toBe(false)
  })
})

describe('deviceLogin as a page', () => {
  it('shows code, link and QR code without loading anything, and redirects to returnTo', async () => {
    const { app } = await startKiosk()
    const browser = new UserAgent()
    const page = await browser.visit(`${app.url}/device?returnTo=/who`)
    expect(page.text).toContain('<svg')
    expect(page.text).toMatch(/<noscript><meta http-equiv="refresh" content="\d+"><\/noscript>/)
    expect(page.headers['content-security-policy']).toContain("default-src 'none'")
    expect(page.headers['cache-control']).toBe('no-store')
    const [, userCode = ''] = /id="code">([^<]+)</.exec(page.text) ?? []
    const [, uri = ''] = /href="([^"]+)"/.exec(page.text) ?? []
    await answerDevice({ verification_uri_complete: `${uri}?user_code=${userCode}` })
    later(6)
    const done = await browser.visit(`${app.url}/device?returnTo=/who`)
    expect(done.json()).toEqual({ kind: 'session', subject: 'ada' })
    expect((await browser.visit(`${app.url}/device?returnTo=/who`)).url).toBe(`${app.url}/who`)
  })

  it('escapes the values of the provider, and refuses a link that is not a web page', async () => {
    const { app, provider } = await startKiosk({}, { http: { fetch: spoiled } })
    let body: Record<string, unknown> = { user_code: '<script>alert(1)</script>' }
    async function spoiled(...[url, init]: Parameters<typeof fetch>): Promise<Response> {
      const response = await fetch(url, init)
      if (!String(url).includes('/device/auth')) return response
      return Response.json({ ...((await response.json()) as object), ...body })
    }
    const page = await new UserAgent().visit(`${app.url}/device`)
    expect(page.text).toContain('&lt;script&gt;alert(1)')
    expect(page.text).not.toContain('<script>alert')
    body = { verification_uri: 'javascript:alert(1)' }
    expect((await new UserAgent().visit(`${app.url}/device`)).status).toBe(400)
    body = { verification_uri: `${provider.issuer}/device` }
    expect((await new UserAgent().visit(`${app.url}/device`)).status).toBe(200)
  })

  it('shows the reason of a failure, with a button for a new code', async () => {
    const { app, answers } = await startKiosk()
    const browser = new UserAgent()
    await browser.visit(`${app.url}/device`)
    answers.push({ error: 'access_denied' })
    later(6)
    const page = await browser.visit(`${app.url}/device`)
    expect(page.text).toContain('>The sign-in was refused on the other device.<')
    const again = await browser.visit(`${app.url}/device`, { method: 'POST', from: page.url })
    expect(again.text).toContain('id="code"')
  })

  it('passes everything to the application’s own page', async () => {
    const { app } = await startKiosk({
      render: (view, _req, res) => void res.send(`own ${view.status} ${view.qrCode}`),
    })
    expect((await new UserAgent().visit(`${app.url}/device`)).text).toMatch(/^own pending <svg/)
  })
})

describe('deviceLogin as a stream of events', () => {
  it('reports the approval, and leaves the sign-in to the page', async () => {
    const { app, look, answers } = await startKiosk()
    const browser = new UserAgent()
    const shown = await look(browser)
    await answerDevice(shown)
    later(6)
    const stream = await openStream(app, browser)
    expect(stream.res.headers['content-type']).toContain('text/event-stream')
    const told = await stream.end()
    expect(told).toContain(`event: code\ndata: {"user_code":"${shown.user_code}"}`)
    expect(told).toContain('event: approved')
    expect(answers).toEqual([])
    expect((await browser.fetch(`${app.url}/who`)).json()).toMatchObject({ kind: 'anonymous' })
    expect((await look(browser)).status).toBe('signed_in')
  })

  it('reports a refusal', async () => {
    const { app, look, answers } = await startKiosk()
    const browser = new UserAgent()
    await look(browser)
    answers.push({ error: 'access_denied' })
    later(6)
    expect(await (await openStream(app, browser)).end()).toContain('event: refused')
  })

  it('ends at once in a browser without a device login', async () => {
    const { app } = await startKiosk()
    expect(await (await openStream(app, new UserAgent())).end()).toContain('event: refused')
  })

  it('stops polling when no one is waiting any more', async () => {
    vi.useRealTimers()
    const seen: string[] = []
    const fast: typeof fetch = async (url, init) => {
      seen.push(String(url))
      const response = await fetch(url, init)
      if (!String(url).includes('/device/auth')) return response
      return Response.json({ ...((await response.json()) as object), interval: 1 })
    }
    const { app, look } = await startKiosk({}, { http: { fetch: fast } })
    const browser = new UserAgent()
    await look(browser)
    const polls = () => seen.filter((url) => url.endsWith('/token')).length
    const stream = await openStream(app, browser)
    await vi.waitFor(() => expect(polls()).toBeGreaterThan(0), { timeout: 10_000, interval: 20 })
    stream.res.destroy()
    await once(stream.res, 'close')
    const before = polls()
    // Another waiting browser shows that the clock advances.
    const other = new UserAgent()
    await look(other)
    const otherStream = await openStream(app, other)
    await vi.waitFor(() => expect(polls()).toBeGreaterThan(before + 1), { timeout: 10_000, interval: 20 })
    otherStream.res.destroy()
    const codes = seen.filter((url) => url.endsWith('/token')).length - before
    expect(codes).toBe(2)
  })
})

it.each([{ scope: 5 }, { returnTO: '/' }, { render: 'page' }])('refuses %o at construction', (options: object) => {
  expect(() => deviceLogin(options as DeviceLoginOptions)).toThrow(/deviceLogin\./)
  expect(() => deviceLogin({ scope: 'openid profile' })).not.toThrow()
})
