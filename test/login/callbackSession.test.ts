import { beforeEach, describe, expect, it, vi } from 'vitest'
import { login } from '../../src/index.js'
import { CLIENT_SECRET, register, startApp, startLocalProvider } from '../support/bed/app.js'
import { muteExpress, startBed, useBed } from '../support/bed/bed.js'
import { upToCallback, withParameters } from '../support/bed/callbackRequest.js'
import { faultyFetch } from '../support/bed/faultyFetch.js'
import { contentsOf, whoIs } from '../support/bed/observed.js'
import { basket } from '../support/bed/routes.js'
import { UserAgent } from '../support/bed/userAgent.js'

beforeEach(muteExpress)

const SESSION = 'connect.sid'
const isRecord = (key: string) => key.startsWith('express-relying-party:record:')

describe.each(['query', 'form_post'] as const)('the session after a login with %s', (responseMode) => {
  let browser: UserAgent
  const { bed } = useBed({
    provider: { responseMode },
    // A real application sets SameSite=Lax, so its session cookie is not sent with a cross-site POST.
    session: { cookie: { sameSite: 'lax' } },
    routes(app) {
      basket(app)
      app.get('/brief', (req, res) => {
        req.session.cookie.maxAge = 60_000
        Object.assign(req.session, { basket: 'tea' })
        res.end()
      })
      app.get(
        '/switch',
        login((req) => ({ loginHint: String(req.query.to), prompt: 'login', returnTo: '/basket' })),
      )
    },
  })
  beforeEach(() => {
    browser = new UserAgent()
  })

  const session = async () =>
    (await browser.fetch(`${bed.app.url}/basket`)).json<{ basket: string | null; sessionID: string }>()
  /** Signs in as another user at the provider, without its old session. */
  const switchTo = async (user: string) => {
    for (const name of browser.cookies('http://localhost').keys()) browser.deleteCookie('http://localhost', name)
    return browser.visit(`${bed.app.url}/switch?to=${user}`)
  }

  it('has a new ID, and the old one is anonymous', async () => {
    await browser.visit(`${bed.app.url}/basket?add=tea`)
    const before = await session()
    const planted = browser.clone()
    await browser.visit(`${bed.app.url}/profile`)
    const after = await session()
    expect(after.sessionID).not.toBe(before.sessionID)
    expect(Object.keys(await contentsOf(bed.app.store))).not.toContain(before.sessionID)
    expect(await whoIs(planted, bed.app.url)).toBeNull()
    expect(await whoIs(browser, bed.app.url)).toBe('ada')
  })

  it('holds what the anonymous session held', async () => {
    await browser.visit(`${bed.app.url}/basket?add=tea`)
    await browser.visit(`${bed.app.url}/profile`)
    expect(await session()).toMatchObject({ basket: 'tea' })
  })

  it("has the application's cookie settings, not those of the anonymous session", async () => {
    const { headers } = await browser.send(`${bed.app.url}/brief`)
    expect(headers['set-cookie']?.join()).toMatch(/connect\.sid=[^;]+; Path=\/; Expires=/)
    const { url: callback, init } = await upToCallback(browser, bed)
    const answer = await browser.send(callback, init)
    expect(answer.headers['set-cookie']?.join()).toMatch(/connect\.sid=[^;]+; Path=\/; HttpOnly; SameSite=Lax/)
  })

  it('holds what the anonymous session got while the login was in progress', async () => {
    await browser.visit(`${bed.app.url}/basket?add=tea`)
    const { url: callback, init } = await upToCallback(browser, bed)
    await browser.visit(`${bed.app.url}/basket?add=coffee`)
    await browser.visit(callback, init)
    expect(await session()).toMatchObject({ basket: 'coffee' })
  })

  it('has a new ID at each login, and keeps the data of the same user', async () => {
    await browser.visit(`${bed.app.url}/profile`)
    await browser.visit(`${bed.app.url}/basket?add=tea`)
    const before = await session()
    await switchTo('ada')
    const after = await session()
    expect(after.basket).toBe('tea')
    expect(after.sessionID).not.toBe(before.sessionID)
  })

  it('holds nothing of another user whose session has ended', async () => {
    await browser.visit(`${bed.app.url}/profile`)
    await browser.visit(`${bed.app.url}/basket?add=tea`)
    const ada = browser.clone()
    const before = await contentsOf(bed.app.store)
    const { sessionID } = await session()
    expect((await switchTo('grace')).json()).toMatchObject({ basket: null })
    expect(await whoIs(browser, bed.app.url)).toBe('grace')
    expect(await whoIs(ada, bed.app.url)).toBeNull()
    const after = await contentsOf(bed.app.store)
    expect(after).not.toHaveProperty(sessionID)
    expect(Object.keys(after).filter(isRecord)).toHaveLength(Object.keys(before).filter(isRecord).length)
    expect(bed.app.events).toContainEqual(
      expect.objectContaining({ type: 'session.ended', subject: 'ada', reason: 'replaced' }),
    )
  })

  it('is unchanged by a failed callback: same ID, same data, same user', async () => {
    await browser.visit(`${bed.app.url}/basket?add=tea`)
    const before = await session()
    const spoiled = withParameters(await upToCallback(browser, bed), { code: 'spoiled' })
    const answer = await browser.send(spoiled.url, spoiled.init)
    expect(answer.status).toBe(400)
    expect(answer.headers['set-cookie']?.join()).not.toContain(SESSION)
    expect(await session()).toEqual(before)

    await browser.visit(`${bed.app.url}/profile`)
    const signedIn = await session()
    const other = await browser.visitUntil(`${bed.app.url}/switch?to=grace`, `${bed.app.url}/callback`)
    const spoiledOther = withParameters(other, { code: 'spoiled' })
    expect((await browser.send(spoiledOther.url, spoiledOther.init)).status).toBe(400)
    expect(await session()).toEqual(signedIn)
    expect(await whoIs(browser, bed.app.url)).toBe('ada')
    expect((await browser.fetch(`${bed.app.url}/token`)).status).toBe(200)
  })

  it('holds no unencrypted token, in the cookie, the session or the record', async () => {
    await browser.visit(`${bed.app.url}/profile`)
    const { token } = (await browser.fetch(`${bed.app.url}/token`)).json<{ token: string }>()
    expect(token.length).toBeGreaterThan(20)
    const stored = JSON.stringify(await contentsOf(bed.app.store))
    expect(stored).not.toContain(token)
    expect(stored).not.toMatch(/"(refresh|access|id)_?token"/i)
    expect([...browser.cookies(bed.app.url)].join()).not.toContain(token)
    expect(browser.visited.join()).not.toContain(token)
  })
})

describe('a session that the provider ended', () => {
  it('loses all its data, for the next user of the browser and for the same one', async () => {
    const faults = faultyFetch()
    const bed = await startBed({
      provider: { prompt: 'consent' }, // without it, the provider gives no refresh token
      options: { http: { fetch: faults.fetch } },
      routes(app) {
        basket(app)
        app.get('/login/grace', login({ loginHint: 'grace', returnTo: '/basket' }))
      },
    })
    const { url } = bed.app

    /** A browser without the provider's cookies, whose session ended there with something in the basket. */
    async function afterTheEnd(): Promise<UserAgent> {
      const browser = new UserAgent()
      await browser.visit(`${url}/profile`)
      expect((await browser.visit(`${url}/basket?add=tea`)).json()).toMatchObject({ basket: 'tea' })
      browser.deleteCookie('http://localhost', 'provider_session')
      vi.useFakeTimers({ toFake: ['Date'] })
      vi.setSystemTime(Date.now() + 700_000)
      faults.fault = ({ pathname }) =>
        pathname === '/token' ? Response.json({ error: 'invalid_grant' }, { status: 400 }) : undefined
      expect((await browser.fetch(`${url}/profile`)).status).toBe(401)
      expect(await whoIs(browser, url)).toBeNull()
      delete faults.fault
      vi.useRealTimers()
      return browser
    }

    const ada = await afterTheEnd()
    expect((await ada.visit(`${url}/login?returnTo=/basket`)).json()).toMatchObject({ basket: null })
    expect(await whoIs(ada, url)).toBe('ada')
    const grace = await afterTheEnd()
    expect((await grace.visit(`${url}/login/grace`)).json()).toMatchObject({ basket: null })
    expect(await whoIs(grace, url)).toBe('grace')
    await bed.close()
  })
})

describe('one sub at two providers', () => {
  it('is two users: neither sees the session data of the other', async () => {
    const one = await startLocalProvider({ host: 'localhost' })
    const two = await startLocalProvider({ host: 'localhost' })
    const client = { clientId: 'app', clientSecret: CLIENT_SECRET }
    const providers = { one: { issuer: one.issuer, ...client }, two: { issuer: two.issuer, ...client } }
    const app = await startApp('', { options: { providers }, routes: basket })
    await register(one, app, { redirect_uris: [`${app.url}/callback/one`] })
    await register(two, app, { redirect_uris: [`${app.url}/callback/two`] })
    const browser = new UserAgent()
    const basketAfter = async (provider: string) =>
      (await browser.visit(`${app.url}/login?provider=${provider}&returnTo=/basket`)).json().basket

    await browser.visit(`${app.url}/login?provider=one`)
    await browser.visit(`${app.url}/basket?add=tea`)
    expect(await basketAfter('one')).toBe('tea')
    expect(await basketAfter('two')).toBeNull()
    expect(await whoIs(browser, app.url)).toBe('ada')
    await Promise.all([app.close(), one.close(), two.close()])
  })
})
