import type { Express } from 'express'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { AppOptions } from '../support/bed/app.js'
import { muteExpress, startBed, TOKEN_LIFETIME, type TokenBed } from '../support/bed/bed.js'
import { contentsOf } from '../support/bed/observed.js'
import { openResponses } from '../support/bed/openResponse.js'
import type { UserAgent } from '../support/bed/userAgent.js'
import { fakeDate, pass, until } from '../support/run/waiting.js'

const IDLE = 1800
const ROLLING: AppOptions['session'] = { rolling: true, cookie: { maxAge: IDLE * 1000 } }

let bed: TokenBed
let open: ReturnType<typeof openResponses>['open']

beforeEach(muteExpress)
beforeEach(fakeDate)

async function signedIn(settings: AppOptions = {}): Promise<UserAgent> {
  const streams = openResponses()
  open = streams.open
  const routes = (app: Express) => {
    streams.routes(app)
    settings.routes?.(app)
  }
  bed = await startBed({ ...settings, routes, tokens: true })
  return bed.signIn()
}

const begin = (browser: UserAgent) => open(browser, bed.app.url)
const tokenOf = async (browser: UserAgent) => {
  const answer = await browser.fetch(`${bed.app.url}/token`)
  return answer.status === 200 ? answer.json().token : answer.status
}
const whoIs = async (browser: UserAgent) => (await browser.fetch(`${bed.app.url}/who`)).json().subject
const logOut = (browser: UserAgent) => browser.fetch(`${bed.app.url}/logout`, { method: 'POST' })

describe('an open response', () => {
  it('refreshes the session when the token expires, and other requests use the new one', async () => {
    const browser = await signedIn()
    const old = await tokenOf(browser)
    const stream = await begin(browser)
    expect(await stream.req.auth.getAccessToken()).toBe(old)
    pass(TOKEN_LIFETIME + 1)
    const renewed = await stream.req.auth.getAccessToken()
    expect(renewed).not.toBe(old)
    expect(await tokenOf(browser)).toBe(renewed)
    expect(bed.tokens.refreshes).toBe(1)
    await stream.end('renewed')
    expect(stream.text()).toBe('data: open\n\ndata: renewed\n\n')
    expect(await tokenOf(browser)).toBe(renewed)
    expect(bed.app.errors).toEqual([])
  })

  it('uses the token that another request has refreshed', async () => {
    const browser = await signedIn()
    const stream = await begin(browser)
    pass(TOKEN_LIFETIME - 30)
    const renewed = await tokenOf(browser)
    expect(await stream.req.auth.getAccessToken()).toBe(renewed)
    expect(bed.tokens.refreshes).toBe(1)
    await stream.end('done')
  })

  it('shares a refresh with the requests that come beside it', async () => {
    const browser = await signedIn()
    const stream = await begin(browser)
    pass(TOKEN_LIFETIME + 1)
    const tokens = await Promise.all([
      stream.req.auth.getAccessToken(),
      tokenOf(browser),
      stream.req.auth.getAccessToken(),
      tokenOf(browser),
    ])
    expect(new Set(tokens).size).toBe(1)
    expect(bed.tokens.refreshes).toBe(1)
    await stream.end('done')
  })

  it('calls APIs with the token of the day', async () => {
    const bearers: unknown[] = []
    const browser = await signedIn({
      routes: (app) => void app.get('/api', (req, res) => void res.json(bearers.push(req.headers.authorization))),
    })
    const stream = await begin(browser)
    await stream.req.auth.fetch(`${bed.app.url}/api`)
    pass(TOKEN_LIFETIME + 1)
    await stream.req.auth.fetch(`${bed.app.url}/api`)
    expect(bearers[1]).toBe(`Bearer ${String(await tokenOf(browser))}`)
    expect(bearers[1]).not.toBe(bearers[0])
    await stream.end('done')
  })

  it.each([
    ['while its token is valid', 2],
    ['when its token has expired', TOKEN_LIFETIME + 1],
  ])('gets no token after a logout, %s, and its end revives nothing', async (_when, seconds) => {
    const browser = await signedIn()
    const [twin, another] = [browser.clone(), await bed.signIn()]
    const stream = await begin(twin)
    const unharmed = await begin(another)
    await logOut(browser)
    pass(seconds)
    await expect(stream.req.auth.getAccessToken()).rejects.toMatchObject({ code: 'ERR_SESSION_ENDED', status: 401 })
    await expect(stream.req.auth.fetch(bed.app.url)).rejects.toMatchObject({ code: 'ERR_AUTHENTICATION_REQUIRED' })
    expect(stream.req.auth.isAuthenticated).toBe(false)
    expect(await unharmed.req.auth.getAccessToken()).toEqual(expect.any(String))
    Object.assign(stream.req.session, { basket: ['book'] })
    await stream.end('over')
    await unharmed.end('done')
    expect(JSON.stringify(await contentsOf(bed.store))).toContain('book')
    expect(await whoIs(twin)).toBeNull()
    expect(await tokenOf(twin)).toBe(401)
    expect(await whoIs(another)).toBe('ada')
  })

  it('whose handler has ended the session itself gets tokens no longer than the record lives, and ends well', async () => {
    const browser = await signedIn({ session: ROLLING })
    const stream = await begin(browser)
    await new Promise((resolve) => stream.req.session.destroy(resolve))
    pass(2)
    expect(await stream.req.auth.getAccessToken()).toEqual(expect.any(String))
    await stream.end('done')
    expect(await whoIs(browser)).toBeNull()
    expect(bed.app.errors).toEqual([])
  })

  it('whose handler fails midway is cut off, and costs the session nothing', async () => {
    const browser = await signedIn({
      routes(app) {
        app.get('/broken', async (req, res) => {
          res.write('half')
          await req.auth.getAccessToken()
          throw new Error('the handler failed')
        })
      },
    })
    pass(TOKEN_LIFETIME + 1)
    await expect(browser.fetch(`${bed.app.url}/broken`)).rejects.toThrow()
    expect(bed.app.errors).toMatchObject([{ message: 'the handler failed' }])
    expect(await tokenOf(browser)).toEqual(expect.any(String))
    expect(bed.tokens.refreshes).toBe(1)
  })

  it('that ends before its refresh leaves the new tokens to the next request', async () => {
    let refreshing: Promise<string> | undefined
    const browser = await signedIn({
      routes(app) {
        app.get('/hasty', (req, res) => {
          refreshing = req.auth.getAccessToken()
          res.end('done')
        })
      },
    })
    const old = await tokenOf(browser)
    pass(TOKEN_LIFETIME + 1)
    expect((await browser.fetch(`${bed.app.url}/hasty`)).text).toBe('done')
    const renewed = await refreshing
    expect(renewed).not.toBe(old)
    expect(await tokenOf(browser)).toBe(renewed)
    expect(bed.tokens.refreshes).toBe(1)
  })
})

describe('the idle lifetime, with an open response', () => {
  it('ends where the response uses no token and no other request comes', async () => {
    const browser = await signedIn({ session: ROLLING })
    const stream = await begin(browser.clone())
    pass(IDLE + 1)
    await stream.end('done')
    expect(await whoIs(browser)).toBeNull()
  })

  it('counts from when the response began, though express-session stores that at its end only', async () => {
    const browser = await signedIn({ session: ROLLING })
    pass(IDLE * 0.9)
    const stream = await begin(browser)
    pass(IDLE * 0.9)
    expect(await whoIs(browser)).toBe('ada')
    await stream.end('done')
    expect(await whoIs(browser)).toBe('ada')
  })

  it('counts from its end too', async () => {
    const browser = await signedIn({ session: ROLLING })
    const twin = browser.clone()
    const stream = await begin(browser)
    pass(IDLE * 0.9)
    await stream.end('done')
    pass(IDLE * 0.9)
    expect(await whoIs(twin)).toBe('ada')
  })

  it('counts from its end also if another request has extended the session meanwhile', async () => {
    const browser = await signedIn({ session: ROLLING })
    const twin = browser.clone()
    const stream = await begin(browser)
    pass(IDLE * 0.5)
    expect(await whoIs(twin)).toBe('ada')
    pass(IDLE * 0.7)
    const set = vi.spyOn(bed.store, 'set')
    await stream.end('done')
    await until(() => set.mock.calls.length > 0)
    pass(IDLE * 0.9)
    expect(await whoIs(twin)).toBe('ada')
  })

  it('is not shortened by the end of a long one: a user of other pages stays signed in', async () => {
    const browser = await signedIn({ session: ROLLING })
    const stream = await begin(browser.clone())
    for (let elapsed = 0; elapsed < 2 * IDLE; elapsed += IDLE / 2) {
      pass(IDLE / 2)
      expect(await whoIs(browser)).toBe('ada')
    }
    await stream.end('done')
    expect(await whoIs(browser)).toBe('ada')
    pass(IDLE * 0.9)
    expect(await whoIs(browser)).toBe('ada')
  })

  it('is prolonged by the use of tokens: session and record live on together', async () => {
    const browser = await signedIn({ session: ROLLING })
    const twin = browser.clone()
    const stream = await begin(browser.clone())
    for (let elapsed = 0; elapsed < 2 * IDLE; elapsed += IDLE / 2) {
      pass(IDLE / 2)
      expect(await stream.req.auth.getAccessToken()).toEqual(expect.any(String))
    }
    expect(await whoIs(twin)).toBe('ada')
    await stream.end('done')
    expect(await whoIs(twin)).toBe('ada')
  })

  it('costs a request no write beside that of express-session, but once in a tenth of it', async () => {
    const browser = await signedIn({ session: ROLLING })
    expect(await whoIs(browser)).toBe('ada')
    const touch = vi.spyOn(bed.store, 'touch')
    const set = vi.spyOn(bed.store, 'set')
    for (let i = 0; i < 10; i++) {
      pass(IDLE * 0.009)
      expect(await whoIs(browser)).toBe('ada')
    }
    expect(touch).toHaveBeenCalledTimes(10)
    expect(set).not.toHaveBeenCalled()
    pass(IDLE * 0.1)
    expect(await whoIs(browser)).toBe('ada')
    // The session, and its record.
    expect(touch).toHaveBeenCalledTimes(12)
    expect(set).toHaveBeenCalledTimes(1)
  })

  it('never goes beyond the absolute end', async () => {
    const browser = await signedIn({ session: ROLLING, options: { session: { absoluteLifetime: 2 * IDLE } } })
    pass(IDLE * 0.9)
    const twin = browser.clone()
    const stream = await begin(browser)
    pass(IDLE * 0.9)
    await stream.end('done')
    const { session, record } = endsOf(await contentsOf(bed.store))
    expect(session).toBeGreaterThan(record - 1)
    expect(session).toBeLessThanOrEqual(record + 1)
    expect(await whoIs(twin)).toBe('ada')
    pass(IDLE * 0.2)
    expect(await whoIs(twin)).toBeNull()
  })
})

/** When the one session in a store ends, by its cookie, and its record for good. In milliseconds since the epoch. */
function endsOf(contents: Awaited<ReturnType<typeof contentsOf>>): { session: number; record: number } {
  const [session = []] = Object.entries(contents).filter(([id]) => !id.startsWith('express-relying-party:'))
  const [, record = ''] = /endsAt\W+([\d.]+)/.exec(JSON.stringify(contents)) ?? []
  return { session: new Date(session[1]?.cookie.expires ?? 0).getTime(), record: Number(record) * 1000 }
}
