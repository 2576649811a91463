import type { CookieOptions, SessionOptions } from 'express-session'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { deviceLogin } from '../../src/index.js'
import { startLocalProvider } from '../support/bed/app.js'
import {
  basket,
  codesOf,
  type LocalProvider,
  muteExpress,
  PUBLIC_URL,
  proxied,
  type Site,
  startSite,
  startSiteBehindTls,
  upToCallback,
  whoIs,
} from '../support/bed/site.js'
import { type Answer, UserAgent } from '../support/bed/userAgent.js'
import { configurationErrorSaying } from '../support/run/configurationError.js'

let provider: LocalProvider
let browser: UserAgent
const running: Site[] = []
beforeAll(async () => {
  provider = await startLocalProvider({ host: 'localhost' })
})
afterAll(() => provider.close())
beforeEach(() => {
  muteExpress()
  browser = new UserAgent()
})
afterEach(async () => {
  await Promise.all(running.splice(0).map((site) => site.close()))
})

type Cookie = NonNullable<SessionOptions['cookie']>

async function behindTls(cookie: Cookie): Promise<Site> {
  const site = await startSiteBehindTls({ session: { cookie } }, provider)
  running.push(site)
  return site
}

async function plain(cookie: Cookie, responseMode: 'query' | 'form_post' = 'query'): Promise<Site> {
  const settings = { session: { cookie }, provider: { responseMode }, routes: basket }
  const site = await startSite(settings, provider)
  running.push(site)
  return site
}

function begin(site: Site): Promise<Answer> {
  const { url, init } = proxied(site, { url: `${PUBLIC_URL}/login` })
  return browser.send(url, init)
}

describe('on an https baseUrl', () => {
  it.each<Cookie>([{}, { sameSite: 'lax' }, { secure: false }])(
    'a login is refused before it begins when the session cookie would lack Secure: %j',
    async (cookie) => {
      const site = await behindTls(cookie)
      const answer = await begin(site)
      expect(answer.status).toBe(500)
      expect(answer.headers['set-cookie']).toBeUndefined()
      expect(site.app.errors).toEqual([configurationErrorSaying("cookie: { secure: 'auto', sameSite: 'lax' }")])
    },
  )

  it.each<Cookie>([
    { secure: 'auto', sameSite: 'lax' },
    { secure: true },
    { secure: 'auto', sameSite: 'strict' },
    { secure: true, sameSite: 'none' },
  ])('it begins with %j', async (cookie) => {
    expect((await begin(await behindTls(cookie))).status).toBe(303)
  })

  it('goes by the settings of now, also in a session that began under others', async () => {
    const cookie: CookieOptions = { sameSite: 'lax' }
    const routes = basket
    const site = await startSiteBehindTls({ session: { cookie: () => ({ ...cookie }) }, routes }, provider)
    running.push(site)
    await browser.send(`${site.app.url}/basket?add=tea`, { headers: { 'x-forwarded-proto': 'https' } })
    expect((await begin(site)).status).toBe(500)
    cookie.secure = true
    expect((await begin(site)).status).toBe(303)
    expect((await browser.fetch(`${site.app.url}/basket`)).json()).toMatchObject({ basket: 'tea' })
  })

  it('device logins are held to it as well', async () => {
    const site = await startSiteBehindTls(
      { session: { cookie: {} }, routes: (app) => void app.all('/device', deviceLogin()) },
      provider,
    )
    running.push(site)
    const { url, init } = proxied(site, { url: `${PUBLIC_URL}/device` })
    expect((await browser.send(url, init)).status).toBe(500)
    expect(codesOf(site.app)).toEqual(['ERR_CONFIGURATION'])
  })
})

describe('a session cookie for a domain', () => {
  it.each(['example.com', '.example.com', 'APP.example.com', 'app.example.com'])(
    'that covers the host of baseUrl is accepted: %s',
    async (domain) => {
      expect((await begin(await behindTls({ secure: true, domain }))).status).toBe(303)
    },
  )

  it.each(['other.example', 'www.app.example.com', 'ple.com', 'pp.example.com'])(
    'that does not is refused before the login begins: %s',
    async (domain) => {
      const site = await behindTls({ secure: true, domain })
      expect((await begin(site)).status).toBe(500)
      expect(site.app.errors).toEqual([configurationErrorSaying('leave cookie.domain out')])
    },
  )
})

it('a SameSite=None cookie without Secure is refused before the login begins', async () => {
  const site = await plain({ sameSite: 'none' })
  expect((await browser.send(`${site.app.url}/login`)).status).toBe(500)
  expect(codesOf(site.app)).toEqual(['ERR_CONFIGURATION'])
})

describe.each(['query', 'form_post'] as const)('a SameSite=Strict session cookie, by %s', (responseMode) => {
  let site: Site
  beforeEach(async () => {
    site = await plain({ sameSite: 'strict' }, responseMode)
  })

  it('signs in by a page that goes on by itself, and brings the anonymous session along', async () => {
    await browser.send(`${site.app.url}/basket?add=tea`)
    const profile = await browser.visit(`${site.app.url}/profile?tab=1`)
    expect(profile.url).toBe(`${site.app.url}/profile?tab=1`)
    expect(profile.json()).toMatchObject({ sub: 'ada' })
    expect((await browser.fetch(`${site.app.url}/basket`)).json()).toMatchObject({ basket: 'tea' })
    expect(site.app.errors).toEqual([])
  })

  it('goes on by a page without scripts, under a policy of its own', async () => {
    const { url, init } = await upToCallback(browser, site, '/login?returnTo=/who?a=%22%3E%26b')
    const page = await browser.send(url, init)
    expect(page.status).toBe(200)
    expect(page.headers).toMatchObject({ 'cache-control': 'no-store' })
    expect(page.headers['content-security-policy']).toContain("default-src 'none'")
    expect(page.text).not.toContain('<script')
    expect(page.text).toContain(`<a href="${site.app.url}/who?a=%22%3E&amp;b">`)
  })

  it('a response that comes a second time leads into the application', async () => {
    const { url, init } = await upToCallback(browser, site, '/profile')
    await browser.send(url, init)
    expect((await browser.visit(url, init)).url).toBe(`${site.app.url}/`)
    expect(await whoIs(browser, site.app.url)).toBe('ada')
  })

  it('a response that comes to another browser ends in an error, not in a circle', async () => {
    const { url, init } = await upToCallback(browser, site, '/profile')
    expect((await new UserAgent().visit(url, init)).status).toBe(400)
    expect(codesOf(site.app)).toEqual(['ERR_TRANSACTION_MISSING'])
  })
})

it('with SameSite=Lax the way on is a redirect', async () => {
  const site = await plain({ sameSite: 'lax' })
  const { url, init } = await upToCallback(browser, site, '/profile')
  expect((await browser.send(url, init)).status).toBe(303)
})
