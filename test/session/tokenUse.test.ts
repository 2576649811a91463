import type { RequestListener } from 'node:http'
import type { Request } from 'express'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { listen, type Running } from '../support/bed/app.js'
import { pass, type Scene, startScene, TOKEN_LIFETIME } from '../support/bed/signedIn.js'
import { UserAgent } from '../support/bed/userAgent.js'

let scene: Scene
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
  await scene.close()
  await api.close()
  vi.useRealTimers()
})

/** Starts an application with one route that runs `act` and answers with what it gives. */
async function withRoute(act: (req: Request) => Promise<unknown>, signIn = true) {
  scene = await startScene({
    routes: (app) => app.get('/act', (req, res, next) => void act(req).then((given) => res.json(given), next)),
  })
  const browser = signIn ? await scene.signIn() : new UserAgent()
  return { act: () => browser.fetch(`${scene.app.url}/act`), browser }
}

describe('req.auth.fetch', () => {
  it('adds the access token to the request, and leaves the rest as it is', async () => {
    const init = { method: 'PUT', headers: { 'x-a': 'mine', authorization: 'Basic mine' } }
    const { act, browser } = await withRoute(async (req) => (await req.auth.fetch(api.url, init)).json())
    expect((await act()).json()).toEqual({ method: 'PUT', x: 'mine' })
    const { token } = (await browser.fetch(`${scene.app.url}/token`)).json()
    expect(received).toEqual([`Bearer ${String(token)}`])
    expect(init.headers.authorization).toBe('Basic mine')
  })

  it('refreshes the token first when it has expired', async () => {
    const { act } = await withRoute(async (req) => (await req.auth.fetch(new URL(api.url))).json())
    await act()
    pass(TOKEN_LIFETIME + 1)
    await act()
    expect(scene.tokens.refreshes).toBe(1)
    expect(new Set(received).size).toBe(2)
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
    expect(scene.app.errors).toMatchObject([{ code: 'ERR_CONFIGURATION' }])
    expect(sent.mock.calls.slice(before)).toEqual([])
  })

  it('sends nothing for someone who is not signed in', async () => {
    const { act } = await withRoute(async (req) => (await req.auth.fetch(api.url)).json(), false)
    expect((await act()).status).toBe(401)
    expect(scene.app.errors).toMatchObject([{ code: 'ERR_AUTHENTICATION_REQUIRED' }])
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

describe('req.auth.fetchUserInfo', () => {
  it('gives the claims of the signed-in subject', async () => {
    const { act } = await withRoute((req) => req.auth.fetchUserInfo())
    expect((await act()).json()).toMatchObject({ sub: 'ada', email: expect.any(String) as string })
  })

  it('refuses the claims of another subject', async () => {
    const { act } = await withRoute((req) => req.auth.fetchUserInfo())
    const real = globalThis.fetch
    vi.spyOn(globalThis, 'fetch').mockImplementation(async (url, init) =>
      String(url).endsWith('/me') ? Response.json({ sub: 'grace', email: 'grace@example' }) : real(url, init),
    )
    expect((await act()).status).toBe(400)
    expect(scene.app.errors).toMatchObject([{ code: 'ERR_USERINFO_INVALID', cause: { claim: 'sub' } }])
  })

  it('gives nothing of someone who is not signed in', async () => {
    const { act } = await withRoute((req) => req.auth.fetchUserInfo(), false)
    expect((await act()).status).toBe(401)
  })
})
