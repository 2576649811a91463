import type { RequestListener } from 'node:http'
import type { Request } from 'express'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { listen, type Running } from '../support/bed/app.js'
import { startBed, TOKEN_LIFETIME, type TokenBed } from '../support/bed/bed.js'
import { UserAgent } from '../support/bed/userAgent.js'
import { pass } from '../support/run/waiting.js'

let bed: TokenBed
let api: Running
/** The Authorization headers that the API was called with. */
let received: (string | undefined)[]

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  received = []
  const answer: RequestListener = (req, res) => {
    received.push(req.headers.authorization)
    res.setHeader('content-type', 'application/json').end(JSON.stringify({ method: req.method, x: req.headers['x-a'] }))
  }
  api = await listen(answer)
})
afterEach(async () => {
  await api.close()
  vi.useRealTimers()
})

/** Starts an application with one route that runs `act` and answers with its result. */
async function withRoute(act: (req: Request) => Promise<unknown>, signIn = true) {
  bed = await startBed({
    routes: (app) => app.get('/act', (req, res, next) => void act(req).then((given) => res.json(given), next)),
    tokens: true,
  })
  const browser = signIn ? await bed.signIn() : new UserAgent()
  return { act: () => browser.fetch(`${bed.app.url}/act`), browser }
}

describe('req.auth.fetch', () => {
  it('adds the access token to the request, and leaves the rest as it is', async () => {
    const init = { method: 'PUT', headers: { 'x-a': 'mine', authorization: 'Basic mine' } }
    const { act, browser } = await withRoute(async (req) => (await req.auth.fetch(api.url, init)).json())
    expect((await act()).json()).toEqual({ method: 'PUT', x: 'mine' })
    const { token } = (await browser.fetch(`${bed.app.url}/token`)).json()
    expect(received).toEqual([`Bearer ${String(token)}`])
    expect(init.headers.authorization).toBe('Basic mine')
  })

  it('refreshes the token first when it has expired', async () => {
    const { act } = await withRoute(async (req) => (await req.auth.fetch(new URL(api.url))).json())
    await act()
    pass(TOKEN_LIFETIME + 1)
    await act()
    expect(bed.tokens.refreshes).toBe(1)
    expect(new Set(received).size).toBe(2)
  })

  describe('after a 401', () => {
    /** Has the API refuse the tokens it was called with so far, or every token. */
    async function withRefusingApi(init: () => RequestInit = () => ({}), { always = false } = {}) {
      const refused = new Set<unknown>()
      const bodies: string[] = []
      const picky = await listen((req, res) => {
        const { authorization } = req.headers
        let body = ''
        req.on('data', (chunk: Buffer) => {
          body += String(chunk)
        })
        req.on('end', () => {
          bodies.push(body)
          const isRefused = always || refused.size === 0 || refused.has(authorization)
          if (isRefused) refused.add(authorization)
          res.writeHead(isRefused ? 401 : 200).end(JSON.stringify({ authorization }))
        })
      })
      const { act, browser } = await withRoute(async (req) => {
        const calls = Array.from({ length: 3 }, () => req.auth.fetch(picky.url, init()))
        return (await Promise.all(calls)).map(({ status }) => status)
      })
      return { act, browser, bodies }
    }

    it.each<[string, () => RequestInit]>([
      ['no body', () => ({})],
      ['a text', () => ({ method: 'POST', body: 'a text' })],
      ['a form', () => ({ method: 'POST', body: new URLSearchParams({ a: 'b' }) })],
      ['bytes', () => ({ method: 'PUT', body: new TextEncoder().encode('bytes') })],
      ['a blob', () => ({ method: 'PUT', body: new Blob(['blob']) })],
    ])('repeats calls with %s once, with one refreshed token', async (_what, init) => {
      const { act, bodies } = await withRefusingApi(init)
      expect((await act()).json()).toEqual([200, 200, 200])
      expect(bed.tokens.refreshes).toBe(1)
      expect(bodies).toHaveLength(6)
      expect(new Set(bodies).size).toBe(1)
    })

    it('does so where the provider does not say how long a token lives', async () => {
      const { act, browser } = await withRefusingApi()
      bed.tokens.change = ({ expires_in: _, ...answer }) => answer
      pass(TOKEN_LIFETIME + 1)
      await browser.fetch(`${bed.app.url}/profile`)
      pass(100 * TOKEN_LIFETIME)
      expect((await act()).json()).toEqual([200, 200, 200])
      expect(bed.tokens.refreshes).toBe(2)
    })

    it('does not send a stream again: it was read', async () => {
      const stream = () => new Blob(['stream']).stream()
      const { act, bodies } = await withRefusingApi(() => ({ method: 'POST', body: stream(), duplex: 'half' }) as never)
      expect((await act()).json()).toContain(401)
      expect(bed.tokens.refreshes).toBe(0)
      expect(bodies).toHaveLength(3)
    })

    it('stops after the second: one refresh for the calls of a request', async () => {
      const { act, bodies } = await withRefusingApi(() => ({}), { always: true })
      expect((await act()).json()).toEqual([401, 401, 401])
      expect(bed.tokens.refreshes).toBe(1)
      expect(bodies).toHaveLength(6)
    })

    it('returns the 401 while the provider is down', async () => {
      const { act } = await withRefusingApi()
      bed.tokens.instead = () => new Response(null, { status: 503 })
      expect((await act()).json()).toEqual([401, 401, 401])
    })

    it('ends the session where the grant is gone', async () => {
      const { act, browser } = await withRefusingApi()
      bed.tokens.instead = () => new Response('Bad Request', { status: 400 })
      expect((await act()).status).toBe(401)
      expect(bed.app.errors).toMatchObject([{ code: 'ERR_SESSION_ENDED' }])
      expect((await browser.fetch(`${bed.app.url}/who`)).json()).toMatchObject({ subject: null })
    })
  })

  it.each([
    'http://api.example/',
    'http://127.0.0.1.evil.example/',
    'http://localhost.evil.example/',
    'ftp://127.0.0.1/',
  ])('does not send the token to %s', async (url) => {
    const sent = vi.spyOn(globalThis, 'fetch')
    const { act } = await withRoute(async (req) => (await req.auth.fetch(url)).text())
    const before = sent.mock.calls.length
    expect((await act()).status).toBe(500)
    expect(bed.app.errors).toMatchObject([{ code: 'ERR_CONFIGURATION' }])
    expect(sent.mock.calls.slice(before)).toEqual([])
  })

  it('sends nothing for someone who is not signed in', async () => {
    const { act } = await withRoute(async (req) => (await req.auth.fetch(api.url)).json(), false)
    expect((await act()).status).toBe(401)
    expect(bed.app.errors).toMatchObject([{ code: 'ERR_AUTHENTICATION_REQUIRED' }])
    expect(received).toEqual([])
  })

  it('does not take the token along to where the API redirects', async () => {
    const redirecting = await listen((_req, res) => void res.writeHead(307, { location: api.url }).end())
    const { act } = await withRoute(async (req) => (await req.auth.fetch(redirecting.url)).json())
    expect((await act()).status).toBe(200)
    expect(received).toEqual([undefined])
    await redirecting.close()
  })
})

describe('req.auth.getAccessToken({ forceRefresh: true })', () => {
  const forced = (req: Request) => req.auth.getAccessToken({ forceRefresh: true })

  it('gets a new token though the old one is valid, one for any number of calls at once', async () => {
    const { act, browser } = await withRoute((req) => Promise.all(Array.from({ length: 5 }, () => forced(req))))
    const old = (await browser.fetch(`${bed.app.url}/token`)).json<{ token: string }>().token
    const [given, again] = await Promise.all([act(), act()])
    const tokens = new Set([...given.json<string[]>(), ...again.json<string[]>()])
    expect(tokens.has(old)).toBe(false)
    expect(bed.tokens.refreshes).toBeLessThanOrEqual(2)
    expect(bed.app.events.filter(({ type }) => type === 'session.refreshed')).toHaveLength(bed.tokens.refreshes)
    const { refreshes } = bed.tokens
    await act()
    expect(bed.tokens.refreshes).toBe(refreshes + 1)
  })

  it('fails while the provider is down, and ends the session where the grant is gone', async () => {
    const { act, browser } = await withRoute(forced)
    bed.tokens.instead = () => new Response(null, { status: 503 })
    expect((await act()).status).toBe(503)
    expect((await browser.fetch(`${bed.app.url}/token`)).status).toBe(200)
    pass(2)
    bed.tokens.instead = () => Response.json({ error: 'invalid_grant' }, { status: 400 })
    expect((await act()).status).toBe(401)
    expect((await browser.fetch(`${bed.app.url}/who`)).json()).toMatchObject({ subject: null })
  })
})

describe('req.auth.fetchUserInfo', () => {
  it('resolves to the claims of the signed-in subject', async () => {
    const { act } = await withRoute((req) => req.auth.fetchUserInfo())
    expect((await act()).json()).toMatchObject({ sub: 'ada', email: expect.any(String) as string })
  })

  it.each([
    { refusals: 1, challenge: 'Bearer error="invalid_token"', status: 200, requests: 2 },
    { refusals: 1, challenge: undefined, status: 200, requests: 2 },
    { refusals: 2, challenge: 'Bearer error="invalid_token"', status: 400, requests: 2 },
  ])('repeats the request once with a refreshed token after a 401: %o', async (given) => {
    const { act } = await withRoute((req) => req.auth.fetchUserInfo())
    const real = globalThis.fetch
    const sent: (string | null)[] = []
    vi.spyOn(globalThis, 'fetch').mockImplementation(async (url, init) => {
      if (!String(url).endsWith('/me')) return real(url, init)
      sent.push(new Headers(init?.headers).get('authorization'))
      if (sent.length > given.refusals) return real(url, init)
      const headers = given.challenge === undefined ? {} : { 'WWW-Authenticate': given.challenge }
      return new Response('', { status: 401, headers })
    })
    pass(2)
    expect((await act()).status).toBe(given.status)
    expect(new Set(sent).size).toBe(given.requests)
    expect(sent).toHaveLength(given.requests)
    expect(bed.tokens.refreshes).toBe(1)
  })

  it('refuses the claims of another subject', async () => {
    const { act } = await withRoute((req) => req.auth.fetchUserInfo())
    const real = globalThis.fetch
    vi.spyOn(globalThis, 'fetch').mockImplementation(async (url, init) =>
      String(url).endsWith('/me') ? Response.json({ sub: 'grace', email: 'grace@example' }) : real(url, init),
    )
    expect((await act()).status).toBe(400)
    expect(bed.app.errors).toMatchObject([{ code: 'ERR_USERINFO_INVALID', cause: { claim: 'sub' } }])
  })

  it('rejects if no one is signed in', async () => {
    const { act } = await withRoute((req) => req.auth.fetchUserInfo(), false)
    expect((await act()).status).toBe(401)
  })
})
