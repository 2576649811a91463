import { once } from 'node:events'
import { type ClientRequest, request } from 'node:http'
import type { Express } from 'express'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { AppOptions } from '../support/bed/app.js'
import { muteExpress, startBed, TOKEN_LIFETIME, type TokenBed } from '../support/bed/bed.js'
import { contentsOf } from '../support/bed/observed.js'
import { breakOff, openResponses } from '../support/bed/openResponse.js'
import { basket } from '../support/bed/routes.js'
import { type Answer, UserAgent } from '../support/bed/userAgent.js'
import { gate, pass } from '../support/run/waiting.js'

let bed: TokenBed
/** Errors that were not caught. */
const uncaught: unknown[] = []
const note = (error: unknown) => void uncaught.push(error)

beforeEach(() => {
  muteExpress()
  vi.useFakeTimers({ toFake: ['Date'] })
  process.on('unhandledRejection', note).on('uncaughtException', note)
})
afterEach(async () => {
  vi.useRealTimers()
  await new Promise(setImmediate)
  process.off('unhandledRejection', note).off('uncaughtException', note)
  expect(uncaught.splice(0)).toEqual([])
})

/** Starts a bed in which logins wait for `codes.held` after their token request, and counts them. */
async function start(settings: AppOptions = {}): Promise<{ codes: { asked: number; held?: Promise<void> } }> {
  const codes: { asked: number; held?: Promise<void> } = { asked: 0 }
  bed = await startBed({
    ...settings,
    options: {
      ...settings.options,
      async onLogin() {
        codes.asked += 1
        await codes.held
      },
    },
    tokens: true,
  })
  return { codes }
}

const url = (path = '') => bed.app.url + path
const whoIs = async (browser: UserAgent) => (await browser.fetch(url('/who'))).json().subject
const tokenOf = async (browser: UserAgent) => (await browser.fetch(url('/token'))).json().token

/** The keys of token records in the store, and of sessions that point to one. */
async function signedInThings(): Promise<string[]> {
  const contents = Object.entries(await contentsOf(bed.store))
  return contents.filter(([id, data]) => id.includes(':record:') || data.auth !== undefined).map(([id]) => id)
}

describe('a request that the browser aborts', () => {
  it('during a refresh lets the refresh finish: one token request, and the next request has the new token', async () => {
    await start()
    const browser = await bed.signIn()
    const old = await tokenOf(browser)
    pass(TOKEN_LIFETIME + 1)
    const { open, opened } = gate()
    bed.tokens.held = opened
    const refreshing = vi.waitUntil(() => bed.tokens.refreshes === 1)
    await breakOff(browser, url('/token'), refreshing)
    open()
    const refreshed = await tokenOf(browser)
    expect(refreshed).not.toBe(old)
    expect(await tokenOf(browser)).toBe(refreshed)
    expect(bed.tokens.refreshes).toBe(1)
  })

  it('during an event stream does not affect the session', async () => {
    const streams = openResponses()
    await start({ routes: streams.routes })
    const browser = await bed.signIn()
    const stream = await streams.open(browser, url())
    await stream.leave()
    pass(TOKEN_LIFETIME + 1)
    const refreshed = await stream.req.auth.getAccessToken()
    stream.res.write('data: to no one\n\n')
    stream.res.end()
    expect(await tokenOf(browser)).toBe(refreshed)
    expect(bed.tokens.refreshes).toBe(1)
  })

  it('during a logout still ends the session', async () => {
    const { open, opened } = gate()
    await start({ options: { onLogout: () => opened } })
    const browser = await bed.signIn()
    const twin = browser.clone()
    const ended = vi.waitUntil(() => bed.app.events.some(({ type }) => type === 'session.ended'))
    await breakOff(browser, url('/logout'), ended, 'POST')
    open()
    expect(await signedInThings()).toEqual([])
    expect(await whoIs(twin)).toBeNull()
  })

  it('before a logout has found its session still ends it', async () => {
    await start()
    const browser = await bed.signIn()
    const { open, opened } = gate()
    const { get } = bed.store
    const asked = vi.spyOn(bed.store, 'get').mockImplementation((id, done) => {
      void opened.then(() => get.call(bed.store, id, done))
    })
    await breakOff(
      browser,
      url('/logout'),
      vi.waitUntil(() => asked.mock.calls.length > 0),
      'POST',
    )
    asked.mockRestore()
    open()
    await vi.waitUntil(async () => (await signedInThings()).length === 0)
    expect(await whoIs(browser)).toBeNull()
  })
})

describe('a callback that the browser aborts', () => {
  /** A login of a browser with something in its basket, up to the callback's request. */
  async function upToCallback(): Promise<{ browser: UserAgent; callback: string }> {
    const browser = new UserAgent()
    await browser.visit(url('/basket?add=tea'))
    const step = await browser.visitUntil(url('/profile'), url('/callback'))
    return { browser, callback: step.url }
  }
  const basketOf = async (browser: UserAgent) => (await browser.fetch(url('/basket'))).json().basket
  const codeRequests = () => bed.tokens.given.length

  it('after its code was exchanged does not sign anyone in, keeps the anonymous session, and cannot be delivered again', async () => {
    const { codes } = await start({ routes: basket })
    const { open, opened } = gate()
    codes.held = opened
    const { browser, callback } = await upToCallback()
    const gone = closedResponse()
    await breakOff(
      browser,
      callback,
      vi.waitUntil(() => codes.asked === 1),
    )
    await gone
    open()
    await vi.waitUntil(() => bed.app.errors.length > 0)
    expect(bed.app.errors).toMatchObject([{ code: 'ERR_TRANSACTION_CONSUMED' }])
    expect(await signedInThings()).toEqual([])
    const given = codeRequests()
    expect((await browser.send(callback)).status).toBe(400)
    expect(codeRequests()).toBe(given)
    expect(await whoIs(browser)).toBeNull()
    expect(await basketOf(browser)).toBe('tea')
    expect((await browser.visit(url('/profile'))).json()).toMatchObject({ sub: 'ada' })
    expect(await basketOf(browser)).toBe('tea')
  })

  it('is not confused with one whose browser waits', async () => {
    const { codes } = await start({ routes: basket })
    const { open, opened } = gate()
    codes.held = opened
    const { browser, callback } = await upToCallback()
    const answer = browser.send(callback)
    await vi.waitUntil(() => codes.asked === 1)
    open()
    expect((await answer).status).toBe(303)
    expect(await whoIs(browser)).toBe('ada')
    expect(await basketOf(browser)).toBe('tea')
    expect(await signedInThings()).toHaveLength(2)
  })

  /** Resolves when the next request to the application is closed before it is answered. */
  async function closedResponse(): Promise<void> {
    const [, res] = (await once(bed.app.server, 'request')) as [unknown, NodeJS.EventEmitter]
    await once(res, 'close')
  }
})

describe('a form_post response that the browser aborts', () => {
  const type = 'application/x-www-form-urlencoded'

  async function upToCallback(
    before?: (app: Express) => void,
  ): Promise<{ browser: UserAgent; url: string; body: string }> {
    await start({ provider: { responseMode: 'form_post' }, ...(before ? { before } : {}) })
    const browser = new UserAgent()
    const step = await browser.visitUntil(url('/profile'), url('/callback'))
    return { browser, url: step.url, body: String(new URLSearchParams(step.init.body as Record<string, string>)) }
  }

  /** Starts to send a body that is shorter than its Content-Length. */
  function beginUpload(target: string, body: string): ClientRequest {
    const headers = { 'content-type': type, 'content-length': String(body.length + 1000) }
    const outgoing = request(target, { method: 'POST', headers, agent: false }).on('error', () => {})
    outgoing.write(body)
    return outgoing
  }

  const deliver = (browser: UserAgent, target: string, body: string): Promise<Answer> =>
    browser.send(target, { method: 'POST', body, from: bed.provider.issuer })

  it('while sending it fails, and does not consume the login', async () => {
    const { browser, url: target, body } = await upToCallback()
    const incoming = once(bed.app.server, 'request')
    const outgoing = beginUpload(target, body)
    const [req] = (await incoming) as [NodeJS.EventEmitter]
    await vi.waitUntil(() => req.listenerCount('data') > 0)
    outgoing.destroy()
    await vi.waitUntil(() => bed.app.errors.length > 0)
    expect(bed.app.errors).toHaveLength(1)
    expect((await deliver(browser, target, body)).status).toBe(303)
    expect(await whoIs(browser)).toBe('ada')
  })

  it('before it was read fails, and does not consume the login', async () => {
    const { open, opened } = gate()
    let arrived = 0
    const {
      browser,
      url: target,
      body,
    } = await upToCallback((app) => {
      app.post('/callback', (_req, res, next) => {
        arrived += 1
        if (arrived > 1) next()
        else res.once('close', () => void opened.then(() => next()))
      })
    })
    const outgoing = beginUpload(target, body)
    await vi.waitUntil(() => arrived === 1)
    outgoing.destroy()
    open()
    await vi.waitUntil(() => bed.app.errors.length > 0)
    expect(bed.app.errors).toMatchObject([{ code: 'ERR_AUTHORIZATION_RESPONSE_INVALID' }])
    expect((await deliver(browser, target, body)).status).toBe(303)
    expect(await whoIs(browser)).toBe('ada')
  })
})
