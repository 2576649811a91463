import type { CookieOptions, SessionOptions } from 'express-session'
import { beforeEach, describe, expect, it } from 'vitest'
import { deviceLogin } from '../../src/index.js'
import { type Bed, PUBLIC_URL, proxied, startBed, useProvider } from '../support/bed/bed.js'
import { upToCallback } from '../support/bed/callbackRequest.js'
import { codesOf, whoIs } from '../support/bed/observed.js'
import { basket } from '../support/bed/routes.js'
import { type Answer, UserAgent } from '../support/bed/userAgent.js'
import { configurationErrorSaying } from '../support/run/configurationError.js'

const { provider, browser } = useProvider()

type Cookie = NonNullable<SessionOptions['cookie']>

async function behindTls(cookie: Cookie): Promise<Bed> {
  return await startBed({ session: { cookie }, behindTls: true, at: provider })
}

async function plain(cookie: Cookie, responseMode: 'query' | 'form_post' = 'query'): Promise<Bed> {
  const settings = { session: { cookie }, provider: { responseMode }, routes: basket }
  return await startBed({ ...settings, at: provider })
}

function begin(bed: Bed): Promise<Answer> {
  const { url, init } = proxied(bed, { url: `${PUBLIC_URL}/login` })
  return browser.send(url, init)
}

describe('on an https baseUrl', () => {
  it.each<Cookie>([{}, { sameSite: 'lax' }, { secure: false }])(
    'a login is refused before it begins when the session cookie would lack Secure: %j',
    async (cookie) => {
      const bed = await behindTls(cookie)
      const answer = await begin(bed)
      expect(answer.status).toBe(500)
      expect(answer.headers['set-cookie']).toBeUndefined()
      expect(bed.app.errors).toEqual([configurationErrorSaying("cookie: { secure: 'auto', sameSite: 'lax' }")])
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
    const bed = await startBed({ session: { cookie: () => ({ ...cookie }) }, routes, behindTls: true, at: provider })
    await browser.send(`${bed.app.url}/basket?add=tea`, { headers: { 'x-forwarded-proto': 'https' } })
    expect((await begin(bed)).status).toBe(500)
    cookie.secure = true
    expect((await begin(bed)).status).toBe(303)
    expect((await browser.fetch(`${bed.app.url}/basket`)).json()).toMatchObject({ basket: 'tea' })
  })

  it('device logins are held to it as well', async () => {
    const bed = await startBed({
      session: { cookie: {} },
      routes: (app) => void app.all('/device', deviceLogin()),
      behindTls: true,
      at: provider,
    })
    const { url, init } = proxied(bed, { url: `${PUBLIC_URL}/device` })
    expect((await browser.send(url, init)).status).toBe(500)
    expect(codesOf(bed.app)).toEqual(['ERR_CONFIGURATION'])
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
      const bed = await behindTls({ secure: true, domain })
      expect((await begin(bed)).status).toBe(500)
      expect(bed.app.errors).toEqual([configurationErrorSaying('leave cookie.domain out')])
    },
  )
})

it('a SameSite=None cookie without Secure is refused before the login begins', async () => {
  const bed = await plain({ sameSite: 'none' })
  expect((await browser.send(`${bed.app.url}/login`)).status).toBe(500)
  expect(codesOf(bed.app)).toEqual(['ERR_CONFIGURATION'])
})

describe.each(['query', 'form_post'] as const)('a SameSite=Strict session cookie, by %s', (responseMode) => {
  let bed: Bed
  beforeEach(async () => {
    bed = await plain({ sameSite: 'strict' }, responseMode)
  })

  it('signs in by a page that goes on by itself, and brings the anonymous session along', async () => {
    await browser.send(`${bed.app.url}/basket?add=tea`)
    const profile = await browser.visit(`${bed.app.url}/profile?tab=1`)
    expect(profile.url).toBe(`${bed.app.url}/profile?tab=1`)
    expect(profile.json()).toMatchObject({ sub: 'ada' })
    expect((await browser.fetch(`${bed.app.url}/basket`)).json()).toMatchObject({ basket: 'tea' })
    expect(bed.app.errors).toEqual([])
  })

  it.each(['/profile', '/login?returnTo=/profile'])(
    'a link of another site to %s finds the session again',
    async (path) => {
      await browser.send(`${bed.app.url}/basket?add=tea`)
      const link = { from: 'http://elsewhere.example' }
      const first = await browser.visit(bed.app.url + path, link)
      expect(first).toMatchObject({ status: 200, url: `${bed.app.url}/profile` })
      expect((await browser.fetch(`${bed.app.url}/basket`)).json()).toMatchObject({ basket: 'tea' })
      await browser.visit(bed.app.url + path, link)
      expect((await browser.fetch(`${bed.app.url}/basket`)).json()).toMatchObject({ basket: 'tea' })
      expect(bed.app.events.filter(({ type }) => type === 'login.started')).toHaveLength(1)
      expect(bed.app.errors).toEqual([])
    },
  )

  it('goes on by a page without scripts, under a policy of its own', async () => {
    const { url, init } = await upToCallback(browser, bed, '/login?returnTo=/who?a=%22%3E%26b')
    const page = await browser.send(url, init)
    expect(page.status).toBe(200)
    expect(page.headers).toMatchObject({ 'cache-control': 'no-store' })
    expect(page.headers['content-security-policy']).toContain("default-src 'none'")
    expect(page.text).not.toContain('<script')
    expect(page.text).toContain(`<a href="${bed.app.url}/who?a=%22%3E&amp;b">`)
  })

  it('a response that comes a second time leads into the application', async () => {
    const { url, init } = await upToCallback(browser, bed, '/profile')
    await browser.send(url, init)
    expect((await browser.visit(url, init)).url).toBe(`${bed.app.url}/`)
    expect(await whoIs(browser, bed.app.url)).toBe('ada')
  })

  it('a response that comes to another browser ends in an error, not in a circle', async () => {
    const { url, init } = await upToCallback(browser, bed, '/profile')
    expect((await new UserAgent().visit(url, init)).status).toBe(400)
    expect(codesOf(bed.app)).toEqual(['ERR_TRANSACTION_MISSING'])
  })
})

it('with SameSite=Lax the way on is a redirect', async () => {
  const bed = await plain({ sameSite: 'lax' })
  const { url, init } = await upToCallback(browser, bed, '/profile')
  expect((await browser.send(url, init)).status).toBe(303)
})
