import { decodeJwt } from 'jose'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { addTokenExchange, tokenExchangeGrant } from '../../examples/provider/token-exchange.js'
import type { AccessTokenRequest, ProviderOptions } from '../../src/index.js'
import { type App, CLIENT_SECRET, register, startApp, startLocalProvider } from '../support/bed/app.js'
import { UserAgent } from '../support/bed/userAgent.js'
import { fakeDate } from '../support/run/waiting.js'

const ORDERS = 'https://orders.example/'
const STOCK = 'https://stock.example/'
const SCOPE = 'openid offline_access reports:read reports:write'

/** A session at an application that can request tokens for two APIs. */
interface Session {
  readonly app: App
  /** The token requests after the login. */
  readonly requests: URLSearchParams[]
  /** Calls `req.auth.getAccessToken` in a separate request. */
  token(asked?: AccessTokenRequest): Promise<string>
  /** The same, but returns the error's code. */
  failure(asked: AccessTokenRequest): Promise<string>
  /** Alters token responses. */
  spoil: (body: Record<string, unknown>) => Record<string, unknown>
}

async function signIn(options: Partial<ProviderOptions> = {}, rotateRefreshToken = true): Promise<Session> {
  const provider = await startLocalProvider({
    features: { resourceIndicators: { enabled: true } },
    ttl: { accessToken: 600 },
    rotateRefreshToken,
  })
  addTokenExchange(provider)
  const requests: URLSearchParams[] = []
  const spoiler: Pick<Session, 'spoil'> = { spoil: (body) => body }
  const watched: typeof fetch = async (url, init) => {
    const response = await fetch(url, init)
    if (!String(url).endsWith('/token')) return response
    requests.push(new URLSearchParams(String(init?.body)))
    const body = spoiler.spoil((await response.json()) as Record<string, unknown>)
    return Response.json(body, { status: body.error === undefined ? response.status : 400 })
  }
  const app = await startApp(provider.issuer, {
    provider: { resource: [ORDERS, STOCK], prompt: 'consent', scope: SCOPE, ...options },
    options: { http: { fetch: watched } },
    routes: (express) => {
      express.get('/token-for', (req, res, next) => {
        const asked = JSON.parse(String(req.query.asked)) as AccessTokenRequest
        req.auth.getAccessToken(asked).then((token) => res.json({ token }), next)
      })
    },
  })
  await register(provider, app, { grant_types: ['authorization_code', 'refresh_token', tokenExchangeGrant] })
  const browser = new UserAgent()
  expect((await browser.visit(`${app.url}/login?returnTo=/who`)).json()).toMatchObject({ subject: 'ada' })
  requests.length = 0
  const ask = (asked: AccessTokenRequest) =>
    browser.fetch(`${app.url}/token-for?${new URLSearchParams({ asked: JSON.stringify(asked) })}`)
  return Object.assign(spoiler, {
    app,
    requests,
    token: async (asked: AccessTokenRequest = {}) => (await ask(asked)).json<{ token: string }>().token,
    async failure(asked: AccessTokenRequest) {
      app.errors.length = 0
      await ask(asked)
      return (app.errors[0] as { code: string }).code
    },
  })
}

beforeEach(fakeDate)

describe.each([
  ['the refresh token', false],
  ['token exchange', true],
])('tokens for other APIs by %s', (_way, tokenExchange) => {
  it('are for the requested API and scope, and leave the session’s own token alone', async () => {
    const session = await signIn({ tokenExchange })
    const own = await session.token()
    const orders = decodeJwt(await session.token({ resource: ORDERS, scope: 'reports:read' }))
    expect(orders).toMatchObject({ aud: ORDERS, scope: 'reports:read', sub: 'ada' })
    expect(decodeJwt(await session.token({ resource: STOCK, scope: 'reports:write' }))).toMatchObject({
      aud: STOCK,
      scope: 'reports:write',
    })
    expect(await session.token()).toBe(own)
  })

  it('are kept with the session, one for each API and scope, and requested once by parallel calls', async () => {
    const session = await signIn({ tokenExchange })
    const asked = { resource: ORDERS, scope: 'reports:write reports:read' }
    const tokens = await Promise.all(Array.from({ length: 8 }, () => session.token(asked)))
    expect(new Set(tokens).size).toBe(1)
    expect(await session.token({ resource: [ORDERS], scope: ['reports:read', 'reports:write'] })).toBe(tokens[0])
    expect(session.requests).toHaveLength(1)
    expect(await session.token({ resource: ORDERS, scope: 'reports:read' })).not.toBe(tokens[0])
    expect(session.requests).toHaveLength(2)
  })

  it('are refreshed before they expire, again and again', async () => {
    const session = await signIn({ tokenExchange })
    const asked = { resource: ORDERS, scope: 'reports:read' }
    const seen = new Set([await session.token(asked)])
    for (const _round of [1, 2]) {
      vi.setSystemTime(Date.now() + 550_000)
      seen.add(await session.token(asked))
    }
    expect(seen.size).toBe(3)
    expect(await session.token()).toEqual(expect.any(String))
  })

  it.each([['reports:read reports:write'], [['reports:read', 'reports:write']]])(
    'are accepted when the provider grants more than requested: %j',
    async (scope) => {
      const session = await signIn({ tokenExchange })
      session.spoil = (body) => ({ ...body, scope })
      const asked = { resource: ORDERS, scope: 'reports:read' }
      const token = await session.token(asked)
      expect(decodeJwt(token).aud).toBe(ORDERS)
      expect(await session.token(asked)).toBe(token)
      expect(session.requests).toHaveLength(1)
    },
  )

  it('are replaced on demand, before they expire', async () => {
    const session = await signIn({ tokenExchange })
    const asked = { resource: ORDERS, scope: 'reports:read' }
    const first = await session.token(asked)
    const second = await session.token({ ...asked, forceRefresh: true })
    expect(second).not.toBe(first)
    expect(await session.token(asked)).toBe(second)
    expect(session.requests).toHaveLength(2)
  })

  it('are gone after logout', async () => {
    const session = await signIn({ tokenExchange })
    const stranger = await new UserAgent().fetch(`${session.app.url}/token-for?asked={"resource":"${ORDERS}"}`)
    expect(stranger.status).toBe(401)
    expect(await session.token({ resource: ORDERS })).toEqual(expect.any(String))
  })
})

describe('a refusal to issue a token for another API', () => {
  it.each(['invalid_target', 'invalid_scope', 'access_denied'])(
    'with %s leaves the session as it is, and does not delay its refresh',
    async (error) => {
      const session = await signIn({}, false)
      const own = await session.token()
      session.spoil = () => ({ error })
      expect(await session.failure({ resource: ORDERS })).toBe('ERR_TOKEN_REQUEST_REFUSED')
      session.spoil = (body) => body
      vi.setSystemTime(Date.now() + 550_000)
      expect(await session.token()).not.toBe(own)
    },
  )

  it('with invalid_grant ends the session', async () => {
    const session = await signIn()
    session.spoil = () => ({ error: 'invalid_grant' })
    expect(await session.failure({ resource: ORDERS })).toBe('ERR_SESSION_ENDED')
    expect(await session.failure({})).toBe('ERR_AUTHENTICATION_REQUIRED')
  })

  it('names the missing refresh token', async () => {
    const session = await signIn({ scope: 'openid reports:read' })
    expect(await session.failure({ resource: ORDERS })).toBe('ERR_NO_ACCESS_TOKEN')
    expect(await session.token()).toEqual(expect.any(String))
  })

  it('costs no request if the login did not ask for the API', async () => {
    const session = await signIn()
    expect(await session.failure({ resource: 'https://other.example/' })).toBe('ERR_CONFIGURATION')
    expect(session.requests).toEqual([])
    await session.token({ resource: ORDERS })
    expect(session.requests).toHaveLength(1)
  })

  it.each([{ resource: 'orders' }, { resource: `${ORDERS}#x` }, { resorce: ORDERS }])(
    'is a wrong option with %o',
    async (asked) => {
      const session = await signIn()
      expect(await session.failure(asked)).toBe('ERR_CONFIGURATION')
    },
  )

  it('includes a response with another token type than an access token', async () => {
    const session = await signIn({ tokenExchange: true })
    session.spoil = (body) => ({ ...body, issued_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' })
    expect(await session.failure({ resource: ORDERS })).toBe('ERR_TOKEN_RESPONSE_INVALID')
    session.spoil = (body) => body
    expect(await session.token({ resource: ORDERS })).toEqual(expect.any(String))
  })
})

it('stores the rotated refresh token, so that the session lives on', async () => {
  const session = await signIn()
  await session.token({ resource: ORDERS })
  vi.setSystemTime(Date.now() + 550_000)
  await session.token()
  const used = session.requests.map((request) => request.get('refresh_token'))
  expect(used).toHaveLength(2)
  expect(new Set(used).size).toBe(2)
  expect(JSON.stringify(session.app.events)).not.toContain(CLIENT_SECRET)
})
