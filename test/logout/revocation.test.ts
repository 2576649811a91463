import type { IncomingHttpHeaders, RequestListener } from 'node:http'
import { MemoryStore } from 'express-session'
import type { ServerMetadata } from 'openid-client'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { endSessions, logout } from '../../src/index.js'
import {
  type App,
  type AppOptions,
  CLIENT_SECRET,
  type LocalProvider,
  listen,
  register,
  startApp,
  startLocalProvider,
} from '../support/bed/app.js'
import { muteExpress } from '../support/bed/bed.js'
import { expectAccepted } from '../support/bed/conformance.js'
import { whoIs } from '../support/bed/observed.js'
import { refreshOf, UserAgent } from '../support/bed/userAgent.js'
import { deliver, logoutToken, signInAs, startLogoutBed } from '../support/provider/logoutTokens.js'
import { formEncode } from '../support/provider/providerReplies.js'
import { gate } from '../support/run/waiting.js'

/** A request as the revocation endpoint received it. */
interface Received {
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

const BASIC = `Basic ${Buffer.from(`app:${formEncode(CLIENT_SECRET)}`).toString('base64')}`

let provider: LocalProvider
let metadata: ServerMetadata
/** The refresh tokens that the provider issued, oldest first. */
const given: string[] = []
let apps: App[]
let store: MemoryStore
let browser: UserAgent
/** A proxy in front of the provider's revocation endpoint. */
let endpoint: Awaited<ReturnType<typeof listen>>
let received: Received[]
/** Answers in place of the provider. */
let answer: RequestListener | undefined
let warnings: unknown[][]

beforeAll(async () => {
  provider = await startLocalProvider({ host: 'localhost', issueRefreshToken: 'always' })
  provider.provider.on('grant.success', ({ body }) => {
    const { refresh_token } = body as { refresh_token?: string }
    if (refresh_token !== undefined) given.push(refresh_token)
  })
  metadata = (await (await fetch(`${provider.issuer}/.well-known/openid-configuration`)).json()) as ServerMetadata
})
afterAll(() => provider.close())
beforeEach(async () => {
  muteExpress()
  warnings = []
  vi.spyOn(process, 'emitWarning').mockImplementation((...args: unknown[]) => void warnings.push(args))
  given.length = 0
  received = []
  answer = undefined
  apps = []
  store = new MemoryStore()
  browser = new UserAgent()
  endpoint = await listen((req, res) => {
    const chunks: Buffer[] = []
    req.on('data', (chunk: Buffer) => chunks.push(chunk))
    req.on('end', () => {
      const { headers } = req
      const body = Buffer.concat(chunks).toString()
      received.push({ headers, body })
      if (answer) return void answer(req, res)
      void forward(String(headers.authorization), body).then(({ status }) => res.writeHead(status).end())
    })
  })
})
afterEach(async () => {
  for (const app of apps) await app.close()
  await endpoint.close()
})

function forward(authorization: string, body: string): Promise<Response> {
  const headers = { authorization, 'content-type': 'application/x-www-form-urlencoded' }
  return fetch(String(metadata.revocation_endpoint), { method: 'POST', headers, body })
}

/** Starts an application. All applications of a test share their sessions. */
async function start(settings: AppOptions = {}, revocationEndpoint: string | undefined = endpoint.url): Promise<App> {
  const { revocation_endpoint: _, ...without } = metadata
  const known = revocationEndpoint ? { ...without, revocation_endpoint: revocationEndpoint } : without
  const app = await startApp(provider.issuer, {
    store,
    ...settings,
    provider: { metadata: known, ...settings.provider },
  })
  apps.push(app)
  await register(provider, app, { redirect_uris: apps.map(({ url }) => `${url}/callback`) })
  return app
}

/** Signs Ada in. Returns the refresh token of the session. */
async function signIn({ url }: App, by = browser): Promise<string> {
  expect((await by.visit(`${url}/profile`)).status).toBe(200)
  return given.at(-1) ?? expect.fail('no refresh token was given')
}

const leave = ({ url }: App, path = '/logout') => browser.send(url + path, { method: 'POST' })

/** Checks whether the provider accepts a refresh token, which it does once. */
async function isAccepted(refreshToken: string): Promise<boolean> {
  const headers = { authorization: BASIC }
  const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: refreshToken })
  return (await fetch(String(metadata.token_endpoint), { method: 'POST', headers, body })).ok
}

const emitted = ({ events }: App) => events.filter(({ type }) => type.startsWith('token.'))

describe('a logout', () => {
  it('revokes the refresh token: the provider no longer accepts it', async () => {
    const app = await start()
    const refreshToken = await signIn(app)
    expect((await leave(app)).status).toBe(200)
    expect(received).toHaveLength(1)
    const [{ headers, body }] = received as [Received]
    expect(headers.authorization).toBe(BASIC)
    expect(headers['content-type']).toMatch(/^application\/x-www-form-urlencoded/)
    expect(Object.fromEntries(new URLSearchParams(body))).toEqual({
      token: refreshToken,
      token_type_hint: 'refresh_token',
    })
    expect(emitted(app)).toEqual([
      expect.objectContaining({ type: 'token.revoked', provider: 'default', subject: 'ada' }),
    ])
    expect(await isAccepted(refreshToken)).toBe(false)
    expect(warnings).toEqual([])
  })

  it.each<[string, () => Promise<App>]>([
    ['revokeOnLogout is false', () => start({ provider: { revokeOnLogout: false } })],
    ['the provider has no revocation endpoint', () => start({}, '')],
  ])('revokes nothing where %s', async (_when, startIt) => {
    const app = await startIt()
    const refreshToken = await signIn(app)
    expect((await leave(app)).status).toBe(200)
    expect(await whoIs(browser, app.url)).toBeNull()
    expect(received).toEqual([])
    expect(emitted(app)).toEqual([])
    expect(warnings).toEqual([])
    expect(await isAccepted(refreshToken)).toBe(true)
  })

  it('revokes nothing if the session has no refresh token', async () => {
    const app = await start()
    await register(provider, app, { grant_types: ['authorization_code'] })
    expect((await browser.visit(`${app.url}/profile`)).status).toBe(200)
    expect(given).toEqual([])
    expect((await leave(app)).status).toBe(200)
    expect(received).toEqual([])
    expect(emitted(app)).toEqual([])
  })

  it('revokes nothing for someone who is not signed in', async () => {
    const app = await start()
    expect((await leave(app)).status).toBe(200)
    await signIn(app)
    const twin = browser.clone()
    await leave(app)
    await twin.send(`${app.url}/logout`, { method: 'POST' })
    expect(received).toHaveLength(1)
  })
})

describe('a revocation endpoint that does not answer', () => {
  it('is not waited for longer than http.timeout, and the session ends before it is asked', async () => {
    const refreshToken = await signIn(await start())
    const { open, opened } = gate()
    answer = (_req, res) => void opened.then(() => res.destroy())
    const app = await start({ options: { http: { timeout: 0.5 } } })
    const twin = browser.clone()
    const leaving = leave(app)
    await vi.waitUntil(() => received.length === 1)
    expect(await whoIs(twin, app.url)).toBeNull()
    expect((await leaving).status).toBe(200)
    open()
    await vi.waitUntil(() => emitted(app).length === 1)
    expect(emitted(app)).toMatchObject([{ type: 'token.revocation_failed', code: 'ERR_PROVIDER_UNAVAILABLE' }])
    expect(await isAccepted(refreshToken)).toBe(true)
  })

  it("does not delay a logout even if the application's own fetch has no timeout", async () => {
    const refreshToken = await signIn(await start())
    const { open, opened } = gate()
    const patient: typeof fetch = async (url, { signal: _, ...init } = {}) => {
      await opened
      return fetch(url, init)
    }
    const app = await start({ options: { http: { timeout: 0.05, fetch: patient } } })
    expect((await leave(app)).status).toBe(200)
    expect(await whoIs(browser, app.url)).toBeNull()
    expect(emitted(app)).toEqual([])
    open()
    await vi.waitUntil(() => emitted(app).length === 1)
    expect(emitted(app)).toMatchObject([{ type: 'token.revoked' }])
    expect(await isAccepted(refreshToken)).toBe(false)
  })
})

const json = (status: number, body: object): RequestListener => {
  return (_req, res) => void res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
const html = (status: number): RequestListener => {
  return (_req, res) => void res.writeHead(status, { 'content-type': 'text/html' }).end('<h1>Sorry</h1>')
}

describe('a revocation that fails', () => {
  it.each<[what: string, answer: RequestListener, code: string]>([
    ['400 unsupported_token_type', json(400, { error: 'unsupported_token_type' }), 'ERR_TOKEN_REQUEST_REFUSED'],
    ['401 invalid_client', json(401, { error: 'invalid_client' }), 'ERR_CLIENT_REFUSED'],
    ['400 that is no JSON', html(400), 'ERR_TOKEN_RESPONSE_INVALID'],
    ['503', html(503), 'ERR_PROVIDER_UNAVAILABLE'],
    ['a redirect', (_req, res) => void res.writeHead(302, { location: '/' }).end(), 'ERR_METADATA_INVALID'],
    ['a closed connection', (_req, res) => void res.destroy(), 'ERR_PROVIDER_UNAVAILABLE'],
  ])('with %s emits an event, and the logout completes', async (_what, fault, code) => {
    const app = await start()
    const refreshToken = await signIn(app)
    answer = fault
    const left = await leave(app)
    expect(left.status).toBe(200)
    expect(String(refreshOf(left))).toContain(`${provider.issuer}/session/end?`)
    expect(await whoIs(browser, app.url)).toBeNull()
    expect(app.errors).toEqual([])
    expect(received).toHaveLength(1)
    expect(emitted(app)).toMatchObject([{ type: 'token.revocation_failed', provider: 'default', subject: 'ada', code }])
    expect(JSON.stringify([app.events, warnings])).not.toContain(refreshToken)
    expect(await isAccepted(refreshToken)).toBe(true)
  })

  it('because the connection is refused emits an event, and the logout completes', async () => {
    const gone = await listen()
    await gone.close()
    const app = await start({}, gone.url)
    await signIn(app)
    expect((await leave(app)).status).toBe(200)
    expect(await whoIs(browser, app.url)).toBeNull()
    expect(emitted(app)).toMatchObject([{ type: 'token.revocation_failed', code: 'ERR_PROVIDER_UNAVAILABLE' }])
  })

  it('warns once per process, and emits an event each time', async () => {
    vi.resetModules()
    const { startApp: startAnew } = await import('../support/bed/app.js')
    const app = await startAnew(provider.issuer, {
      provider: { metadata: { ...metadata, revocation_endpoint: endpoint.url } },
    })
    apps.push(app)
    await register(provider, app)
    answer = json(400, { error: 'invalid_request', error_description: 'what was sent is not liked' })
    for (let i = 0; i < 3; i++) {
      await signIn(app)
      await leave(app)
    }
    expect(emitted(app)).toHaveLength(3)
    expect(warnings).toEqual([
      [
        'a refresh token was not revoked at logout (ERR_TOKEN_REQUEST_REFUSED)',
        { type: 'ExpressRelyingPartyWarning', code: 'RP_REVOCATION_FAILED' },
      ],
    ])
    for (const token of given) expect(JSON.stringify([warnings, app.events])).not.toContain(token)
  })
})

describe('ending several sessions', () => {
  it('by a logout everywhere revokes the refresh token of that session only', async () => {
    const app = await start({ routes: (routes) => routes.post('/everywhere', logout({ everywhere: true })) })
    const other = new UserAgent()
    const others = await signIn(app, other)
    const own = await signIn(app)
    await leave(app, '/everywhere')
    expect(await whoIs(other, app.url)).toBeNull()
    expect(received.map(({ body }) => new URLSearchParams(body).get('token'))).toEqual([own])
    expect(await isAccepted(own)).toBe(false)
    expect(await isAccepted(others)).toBe(true)
  })

  it('by endSessions() revokes nothing: the application no longer knows the tokens', async () => {
    const app = await start({
      routes: (routes) =>
        routes.post('/end', (req, res, next) => {
          endSessions(req, { subject: 'ada' }).then(() => res.sendStatus(204), next)
        }),
    })
    const refreshToken = await signIn(app)
    expect((await leave(app, '/end')).status).toBe(204)
    expect(await whoIs(browser, app.url)).toBeNull()
    expect(received).toEqual([])
    expect(await isAccepted(refreshToken)).toBe(true)
  })

  it('by back-channel logout revokes nothing: that is up to the provider', async () => {
    const bed = await startLogoutBed()
    bed.provider.spoil = { ...bed.provider.spoil, metadata: { revocation_endpoint: endpoint.url } }
    browser = await expectAccepted(bed)
    expect((await deliver(bed, await logoutToken(bed))).status).toBe(200)
    expect(await whoIs(browser, bed.app.url)).toBeNull()
    expect(received).toEqual([])
    answer = (_req, res) => void res.end()
    browser = await signInAs(bed, { sid: 'sid-2' })
    await leave(bed.app)
    expect(received).toHaveLength(1)
  })
})
