import { beforeEach, describe, expect, it } from 'vitest'
import { requireAuth } from '../../src/index.js'
import { type LocalSettings, startBed, TOKEN_LIFETIME, type TokenBed } from '../support/bed/bed.js'
import { gatedRoutes } from '../support/bed/routes.js'
import type { UserAgent } from '../support/bed/userAgent.js'
import { fakeDate, gate, pass, until } from '../support/run/waiting.js'

let bed: TokenBed

beforeEach(fakeDate)

/** Starts a bed and signs Ada in. */
async function signedIn(settings: LocalSettings = {}): Promise<UserAgent> {
  bed = await startBed({ ...settings, tokens: true })
  return bed.signIn()
}

async function tokenOf(browser: UserAgent): Promise<unknown> {
  const answer = await browser.fetch(`${bed.app.url}/token`)
  return answer.status === 200 ? answer.json().token : answer.status
}

async function whoIs(browser: UserAgent): Promise<unknown> {
  return (await browser.fetch(`${bed.app.url}/who`)).json().subject
}

const unavailable = () => new Response(null, { status: 503, headers: { 'retry-after': '17' } })
const text = (body: string, status: number) => () => new Response(body, { status })
const json =
  (body: unknown, status: number, headers = {}) =>
  () =>
    Response.json(body, { status, headers })
const refused = () => Response.json({ error: 'invalid_grant' }, { status: 400 })

describe('parallel requests of a session whose access token has expired', () => {
  it('make one token request and get the same new token', async () => {
    const browser = await signedIn()
    const old = await tokenOf(browser)
    pass(TOKEN_LIFETIME + 1)
    const tokens = new Set(await Promise.all(Array.from({ length: 20 }, () => tokenOf(browser))))
    expect(tokens.size).toBe(1)
    expect([...tokens][0]).toEqual(expect.any(String))
    expect([...tokens][0]).not.toBe(old)
    expect(bed.tokens.refreshes).toBe(1)
  })

  it('make one token request also for calls within one request', async () => {
    const browser = await signedIn({
      routes: (app) =>
        app.get('/many', async (req, res) => {
          res.json({ tokens: await Promise.all(Array.from({ length: 10 }, () => req.auth.getAccessToken())) })
        }),
    })
    pass(TOKEN_LIFETIME + 1)
    const { tokens } = (await browser.fetch(`${bed.app.url}/many`)).json<{ tokens: string[] }>()
    expect(new Set(tokens).size).toBe(1)
    expect(bed.tokens.refreshes).toBe(1)
  })

  it('keep the grant, also where one read the session before the new tokens were stored and asks after', async () => {
    const { routes, begun } = gatedRoutes()
    const browser = await signedIn({ routes })
    pass(TOKEN_LIFETIME + 1)
    const slow = browser.fetch(`${bed.app.url}/slow-token`)
    const { open } = await begun()
    const renewed = await tokenOf(browser)
    open()
    expect((await slow).json().token).toBe(renewed)
    expect(bed.tokens.refreshes).toBe(1)
    pass(TOKEN_LIFETIME + 1)
    expect(await tokenOf(browser)).not.toBe(renewed)
    expect(await whoIs(browser)).toBe('ada')
  })
})

describe('a refresh', () => {
  it('is made a minute to a minute and a half before the token expires', async () => {
    const browser = await signedIn()
    const old = await tokenOf(browser)
    pass(TOKEN_LIFETIME - 91)
    expect(await tokenOf(browser)).toBe(old)
    pass(31)
    expect(await tokenOf(browser)).not.toBe(old)
    expect(bed.tokens.refreshes).toBe(1)
  })

  it.each([
    ['60 seconds', 60, 14, 17],
    ['60 seconds, as a string', '60', 14, 17],
    ['2 seconds', 2, 0.4, 0.7],
  ])(
    'of tokens that live %s is made after a quarter to half of their life, not at every request',
    async (_what, expires_in, early, late) => {
      const browser = await signedIn()
      bed.tokens.change = (answer) => ({ ...answer, expires_in })
      pass(TOKEN_LIFETIME + 1)
      const first = await tokenOf(browser)
      expect(await tokenOf(browser)).toBe(first)
      pass(early)
      expect(await tokenOf(browser)).toBe(first)
      expect(bed.tokens.refreshes).toBe(1)
      pass(late)
      expect(await tokenOf(browser)).not.toBe(first)
      expect(bed.tokens.refreshes).toBe(2)
    },
  )

  it('is made once per request even where the tokens expire at once', async () => {
    const browser = await signedIn()
    bed.tokens.change = (answer) => ({ ...answer, expires_in: 0 })
    pass(TOKEN_LIFETIME + 1)
    expect(await tokenOf(browser)).toEqual(expect.any(String))
    expect(bed.tokens.refreshes).toBe(1)
    expect(await tokenOf(browser)).toEqual(expect.any(String))
    expect(bed.tokens.refreshes).toBe(2)
  })

  it('is not made of tokens whose lifetime is longer than any session', async () => {
    const browser = await signedIn()
    bed.tokens.change = (answer) => ({ ...answer, expires_in: 1e300 })
    pass(TOKEN_LIFETIME + 1)
    const first = await tokenOf(browser)
    pass(100 * TOKEN_LIFETIME)
    expect(await tokenOf(browser)).toBe(first)
    expect(bed.tokens.refreshes).toBe(1)
  })

  it.each([-1, 'soon', '1e999'])(
    'whose answer has the expires_in %j fails, and leaves the session',
    async (expires_in) => {
      const browser = await signedIn({ local: { rotateRefreshToken: false } })
      bed.tokens.change = (answer) => ({ ...answer, expires_in })
      pass(TOKEN_LIFETIME + 1)
      expect(await tokenOf(browser)).toBe(400)
      expect(bed.app.errors).toMatchObject([{ code: 'ERR_TOKEN_RESPONSE_INVALID' }])
      bed.tokens.change = undefined
      pass(31)
      expect(await tokenOf(browser)).toEqual(expect.any(String))
    },
  )

  it.each([['openid reports:read reports:write'], [['openid', 'reports:read', 'reports:write']]])(
    'takes over wider scopes: %j',
    async (scope) => {
      const browser = await signedIn({
        routes: (app) => app.get('/scopes', requireAuth(), (req, res) => void res.json(req.auth.scopes)),
      })
      bed.tokens.change = (answer) => ({ ...answer, scope })
      pass(TOKEN_LIFETIME + 1)
      const answer = await browser.fetch(`${bed.app.url}/scopes`)
      expect(answer.json()).toEqual(['openid', 'reports:read', 'reports:write'])
    },
  )

  it('takes a rotated refresh token over: a provider that ends the grant on reuse goes on', async () => {
    const browser = await signedIn({ local: { rotateRefreshToken: true } })
    for (let i = 1; i <= 3; i++) {
      pass(TOKEN_LIFETIME + 1)
      expect(await tokenOf(browser)).toEqual(expect.any(String))
      expect(bed.tokens.refreshes).toBe(i)
    }
  })

  it('keeps the refresh token where the answer has none', async () => {
    const browser = await signedIn({ local: { rotateRefreshToken: false } })
    bed.tokens.change = ({ refresh_token: _, ...answer }) => answer
    for (let i = 1; i <= 3; i++) {
      pass(TOKEN_LIFETIME + 1)
      expect(await tokenOf(browser)).toEqual(expect.any(String))
      expect(bed.tokens.refreshes).toBe(i)
    }
  })

  it('is made by requireAuth and requireScope, so that a session lives as long as its grant', async () => {
    const browser = await signedIn()
    for (const [i, path] of ['/profile', '/reports'].entries()) {
      pass(TOKEN_LIFETIME + 1)
      expect((await browser.fetch(bed.app.url + path)).status).toBe(200)
      expect(bed.tokens.refreshes).toBe(i + 1)
    }
  })

  it('is not made by requests that need no token', async () => {
    const browser = await signedIn()
    pass(TOKEN_LIFETIME + 1)
    expect(await whoIs(browser)).toBe('ada')
    expect(bed.tokens.refreshes).toBe(0)
  })

  it('takes over narrowed scopes', async () => {
    const browser = await signedIn()
    expect((await browser.fetch(`${bed.app.url}/reports`)).status).toBe(200)
    bed.tokens.change = (answer) => ({ ...answer, scope: 'openid offline_access' })
    pass(TOKEN_LIFETIME + 1)
    expect((await browser.fetch(`${bed.app.url}/reports`)).status).toBe(403)
  })

  it('without a refresh token is none: the token ends, the session stays', async () => {
    const browser = await signedIn({ local: { issueRefreshToken: 'never' } })
    expect(await tokenOf(browser)).toEqual(expect.any(String))
    pass(TOKEN_LIFETIME + 1)
    expect(await tokenOf(browser)).toBe(401)
    expect(bed.app.errors).toMatchObject([{ code: 'ERR_AUTHENTICATION_REQUIRED' }])
    expect(await whoIs(browser)).toBe('ada')
  })
})

describe('a refreshed ID token', () => {
  const spoiled: readonly [what: string, claims: object][] = [
    ['iss', { iss: 'https://evil.example' }],
    ['sub', { sub: 'grace' }],
    ['aud', { aud: 'another' }],
  ]

  async function refreshWith(claims: object): Promise<{ browser: UserAgent; old: unknown }> {
    const browser = await signedIn({ local: { rotateRefreshToken: false } })
    const old = await tokenOf(browser)
    const iat = Math.floor(Date.now() / 1000) + TOKEN_LIFETIME - 30
    const good = { iss: bed.provider.issuer, sub: 'ada', aud: 'app', iat, exp: iat + 3600 }
    bed.tokens.change = async ({ access_token: _, ...answer }) => ({
      ...answer,
      access_token: 'the token of a refused answer',
      id_token: await bed.sign({ ...good, ...claims }),
    })
    pass(TOKEN_LIFETIME - 30)
    return { browser, old }
  }

  it('is accepted when it keeps iss, sub and aud', async () => {
    const { browser } = await refreshWith({})
    expect(await tokenOf(browser)).toBe('the token of a refused answer')
  })

  it.each(spoiled)(
    'with another %s is refused: nothing of the answer is used, the session stays',
    async (_, claims) => {
      const { browser, old } = await refreshWith(claims)
      expect(await tokenOf(browser)).toBe(old)
      expect(bed.app.events).toContainEqual(
        expect.objectContaining({ type: 'session.refresh_failed', code: 'ERR_ID_TOKEN_INVALID' }),
      )
      pass(31)
      expect(await tokenOf(browser)).toBe(400)
      expect(bed.app.errors).toMatchObject([{ code: 'ERR_ID_TOKEN_INVALID' }])
      expect(await whoIs(browser)).toBe('ada')
    },
  )
})

describe('a grant that the provider has ended', () => {
  it('signs the session out, and the next login is a clean one', async () => {
    const browser = await signedIn()
    bed.tokens.instead = refused
    pass(TOKEN_LIFETIME + 1)
    expect(await tokenOf(browser)).toBe(401)
    expect(bed.app.events).toContainEqual(
      expect.objectContaining({ type: 'session.ended', reason: 'refresh_refused', subject: 'ada' }),
    )
    expect(await whoIs(browser)).toBeNull()
    bed.tokens.instead = undefined
    expect((await browser.visit(`${bed.app.url}/profile`)).json()).toMatchObject({ sub: 'ada' })
    expect(await tokenOf(browser)).toEqual(expect.any(String))
  })

  it('sends a navigation to the login at once', async () => {
    const browser = await signedIn()
    bed.tokens.instead = refused
    pass(TOKEN_LIFETIME + 1)
    expect((await browser.visit(`${bed.app.url}/profile`)).json()).toMatchObject({ sub: 'ada' })
    expect(browser.visited.filter((url) => url.startsWith(`${bed.provider.issuer}/auth?`))).toHaveLength(2)
  })

  it.each<[string, () => Response]>([
    ['400 invalid_grant', refused],
    ['400 "Bad Request"', text('Bad Request', 400)],
    ['400 with an empty body', text('', 400)],
    ['400 invalid_request', json({ error: 'invalid_request' }, 400)],
    ['400 with an error that is no string', json({ error: { code: 17 } }, 400)],
    ['401 invalid_token', json({ error: 'invalid_token' }, 401)],
    ['401 with a challenge', json({ error: 'invalid_token' }, 401, { 'WWW-Authenticate': 'Bearer' })],
    ['401 with an empty body', text('', 401)],
    ['403 access_denied', json({ error: 'access_denied' }, 403)],
    ['410 invalid_grant', json({ error: 'invalid_grant' }, 410)],
    ['422 invalid_grant', json({ error: 'invalid_grant' }, 422)],
    ['403 with HTML', text('<h1>Forbidden</h1>', 403)],
  ])('is told by %s', async (_what, instead) => {
    const browser = await signedIn()
    bed.tokens.instead = instead
    pass(TOKEN_LIFETIME + 1)
    const script = browser.clone()
    const page = await browser.send(`${bed.app.url}/profile`)
    expect(page.status).toBe(303)
    expect(page.headers.location).toBe('/login?returnTo=%2Fprofile')
    expect(await tokenOf(script)).toBe(401)
    expect(bed.tokens.refreshes).toBe(1)
    expect(bed.app.errors).toEqual([])
    expect(bed.app.events).toContainEqual(expect.objectContaining({ type: 'session.ended', reason: 'refresh_refused' }))
  })

  it.each<[string, () => Response, string]>([
    ['401 invalid_client', json({ error: 'invalid_client' }, 401), 'ERR_CLIENT_REFUSED'],
    [
      '401 invalid_client with a challenge',
      json({ error: 'invalid_client' }, 401, { 'WWW-Authenticate': 'Basic realm="token"' }),
      'ERR_CLIENT_REFUSED',
    ],
    ['400 unauthorized_client', json({ error: 'unauthorized_client' }, 400), 'ERR_CLIENT_REFUSED'],
    ['400 temporarily_unavailable', json({ error: 'temporarily_unavailable' }, 400), 'ERR_PROVIDER_UNAVAILABLE'],
    ['404', text('', 404), 'ERR_TOKEN_RESPONSE_INVALID'],
    ['429', text('', 429), 'ERR_PROVIDER_UNAVAILABLE'],
  ])('is not told by %s: the session stays', async (_what, instead, code) => {
    const browser = await signedIn()
    bed.tokens.instead = instead
    pass(TOKEN_LIFETIME + 1)
    await tokenOf(browser)
    expect(bed.app.errors).toMatchObject([{ code }])
    expect(await whoIs(browser)).toBe('ada')
    bed.tokens.instead = undefined
    pass(31)
    expect(await tokenOf(browser)).toEqual(expect.any(String))
  })

  it('rejects a call that needs the token with the reason', async () => {
    const { routes, begun } = gatedRoutes()
    const browser = await signedIn({ routes })
    bed.tokens.instead = refused
    pass(TOKEN_LIFETIME + 1)
    const slow = browser.fetch(`${bed.app.url}/slow-token`)
    ;(await begun()).open()
    expect((await slow).status).toBe(401)
    expect(bed.app.errors).toMatchObject([{ code: 'ERR_SESSION_ENDED' }])
  })
})

describe('a provider that fails a refresh', () => {
  it('uses the token while it is valid, then answers 503 with Retry-After, then recovers', async () => {
    const browser = await signedIn()
    const old = await tokenOf(browser)
    bed.tokens.instead = unavailable
    pass(TOKEN_LIFETIME - 30)
    expect(await tokenOf(browser)).toBe(old)
    pass(31)
    const answer = await browser.fetch(`${bed.app.url}/token`)
    expect(answer.status).toBe(503)
    expect(answer.headers['retry-after']).toBe('17')
    expect(await whoIs(browser)).toBe('ada')
    bed.tokens.instead = undefined
    pass(60)
    expect(await tokenOf(browser)).not.toBe(old)
    expect(await tokenOf(browser)).toEqual(expect.any(String))
  })

  it('lets pages that need no token pass for an hour, then answers 503', async () => {
    const browser = await signedIn()
    bed.tokens.instead = unavailable
    pass(TOKEN_LIFETIME + 1)
    for (const path of ['/profile', '/reports']) {
      expect((await browser.fetch(bed.app.url + path)).status).toBe(200)
    }
    expect(await tokenOf(browser)).toBe(503)
    pass(3598)
    expect((await browser.send(`${bed.app.url}/profile`)).status).toBe(200)
    pass(2)
    expect((await browser.send(`${bed.app.url}/profile`)).status).toBe(503)
    bed.tokens.instead = undefined
    pass(31)
    expect((await browser.send(`${bed.app.url}/profile`)).status).toBe(200)
    expect(await tokenOf(browser)).toEqual(expect.any(String))
  })

  it.each([
    [0, 1, 503],
    [60, 59, 200],
    [60, 61, 503],
  ])(
    'with an outageGrace of %i answers a page %i seconds after the token has expired with %i',
    async (outageGrace, after, status) => {
      const browser = await signedIn({ options: { session: { outageGrace } } })
      bed.tokens.instead = unavailable
      pass(TOKEN_LIFETIME + after)
      expect((await browser.fetch(`${bed.app.url}/profile`)).status).toBe(status)
    },
  )

  it.each<[string, () => Response]>([
    ['404', text('not found', 404)],
    ['a maintenance page', text('<h1>Maintenance</h1>', 200)],
    ['a redirect', () => new Response(null, { status: 302, headers: { location: '/maintenance' } })],
  ])('that is hidden by %s lets pages pass, and no request that needs the token', async (_what, instead) => {
    const browser = await signedIn()
    bed.tokens.instead = instead
    pass(TOKEN_LIFETIME + 1)
    for (let i = 0; i < 3; i++) expect((await browser.fetch(`${bed.app.url}/profile`)).status).toBe(200)
    expect(await tokenOf(browser)).not.toEqual(expect.any(String))
    pass(3600)
    expect((await browser.fetch(`${bed.app.url}/profile`)).status).toBeGreaterThanOrEqual(400)
    bed.tokens.instead = undefined
    pass(31)
    expect(await tokenOf(browser)).toEqual(expect.any(String))
  })

  it('ends the session all the same once it refuses the refresh token', async () => {
    const browser = await signedIn()
    bed.tokens.instead = unavailable
    pass(TOKEN_LIFETIME + 1)
    expect((await browser.fetch(`${bed.app.url}/profile`)).status).toBe(200)
    bed.tokens.instead = refused
    pass(31)
    expect((await browser.send(`${bed.app.url}/profile`)).headers.location).toBe('/login?returnTo=%2Fprofile')
    expect(await whoIs(browser)).toBeNull()
  })

  it('lets no page pass where it is this application that the provider refuses', async () => {
    const browser = await signedIn()
    bed.tokens.instead = json({ error: 'invalid_client' }, 401)
    pass(TOKEN_LIFETIME + 1)
    expect((await browser.fetch(`${bed.app.url}/profile`)).status).toBe(502)
    expect((await browser.fetch(`${bed.app.url}/profile`)).status).toBe(503)
  })

  it("is not asked by guards with refresh: 'on-demand', only where a token is", async () => {
    const browser = await signedIn({ options: { session: { refresh: 'on-demand' } } })
    pass(2 * TOKEN_LIFETIME)
    expect((await browser.fetch(`${bed.app.url}/profile`)).status).toBe(200)
    expect(bed.tokens.refreshes).toBe(0)
    expect(await tokenOf(browser)).toEqual(expect.any(String))
    expect(bed.tokens.refreshes).toBe(1)
    bed.tokens.instead = refused
    pass(2 * TOKEN_LIFETIME)
    expect(await tokenOf(browser)).toBe(401)
    expect(bed.app.errors).toMatchObject([{ code: 'ERR_SESSION_ENDED' }])
    expect(await whoIs(browser)).toBeNull()
  })

  it('is asked once per step of the back-off, however many requests come', async () => {
    const browser = await signedIn()
    bed.tokens.instead = unavailable
    pass(TOKEN_LIFETIME + 1)
    const flood = () => Promise.all(Array.from({ length: 10 }, () => tokenOf(browser)))
    await flood()
    expect(await flood()).toEqual(Array.from({ length: 10 }, () => 503))
    expect(bed.tokens.refreshes).toBe(1)
    pass(1)
    await flood()
    expect(bed.tokens.refreshes).toBe(2)
    pass(1)
    await flood()
    expect(bed.tokens.refreshes).toBe(2)
    pass(1)
    await flood()
    expect(bed.tokens.refreshes).toBe(3)
  })
})

describe('a refresh that is overtaken by a logout', () => {
  it('stores and returns nothing', async () => {
    const browser = await signedIn()
    const copy = browser.clone()
    const { open, opened } = gate()
    bed.tokens.held = opened
    pass(TOKEN_LIFETIME + 1)
    const refreshing = tokenOf(copy)
    await until(() => bed.tokens.refreshes === 1)
    await browser.visit(`${bed.app.url}/logout`, { method: 'POST' })
    open()
    expect(await refreshing).toBe(401)
    expect(await whoIs(copy)).toBeNull()
    expect(await tokenOf(copy)).toBe(401)
    expect(JSON.stringify(bed.store)).not.toContain('express-relying-party:record:')
  })
})
