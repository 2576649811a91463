import { request } from 'node:http'
import express from 'express'
import type { SessionOptions } from 'express-session'
import express4 from 'express4'
import { describe, expect, it } from 'vitest'
import { CLIENT_SECRET, listen, type Running, register, SECRET, startApp } from '../support/bed/app.js'
import { startAreas } from '../support/bed/areas.js'
import { type Bed, PUBLIC_URL, proxied, startBed, useProvider } from '../support/bed/bed.js'
import { authorizationRequest, codesOf, transactionCookies, whoIs } from '../support/bed/observed.js'
import { type Answer, type Init, refreshOf } from '../support/bed/userAgent.js'
import { configurationErrorSaying } from '../support/run/configurationError.js'

const versions = { 'Express 4': express4 as unknown as typeof express, 'Express 5': express }

const { provider, browser } = useProvider()

async function start(...settings: Parameters<typeof startBed>): Promise<Bed> {
  return await startBed({ ...settings[0], at: provider })
}

describe.each(Object.entries(versions))('on %s', (_version, createExpress) => {
  describe.each(['query', 'form_post'] as const)('with %s', (responseMode) => {
    it('works at the root', async () => {
      const { app } = await start({ createExpress, provider: { responseMode } })
      const profile = await browser.visit(`${app.url}/profile?tab=1`)
      expect(profile.url).toBe(`${app.url}/profile?tab=1`)
      expect(profile.json()).toMatchObject({ sub: 'ada' })
      expect((await browser.visit(`${app.url}/logout?returnTo=/who`, { method: 'POST' })).json()).toMatchObject({
        subject: null,
      })
    })

    it('works below a path', async () => {
      const app = await startApp(provider.issuer, { createExpress, basePath: '/shop', provider: { responseMode } })
      const base = `${app.url}/shop`
      const paths = { redirect_uris: [`${base}/callback`], post_logout_redirect_uris: [`${base}/`] }
      await register(provider, app, paths)
      const profile = await browser.visit(`${base}/profile?tab=1`)
      expect(profile.url).toBe(`${base}/profile?tab=1`)
      expect(profile.json()).toMatchObject({ sub: 'ada' })
      expect((await browser.visit(`${base}/login`)).url).toBe(`${base}/`)
      const left = await browser.visit(`${base}/logout?returnTo=/shop/who`, { method: 'POST' })
      expect(left.url).toBe(`${base}/who`)
      expect(left.json()).toMatchObject({ subject: null })
    })

    it('works below a path that a proxy strips', async () => {
      const front = await listen()
      const base = `${front.url}/shop`
      const { app } = await start({ createExpress, provider: { responseMode }, options: { baseUrl: base } })
      stripPath('/shop', front, app)
      await register(provider, app, {
        redirect_uris: [`${base}/callback`],
        post_logout_redirect_uris: [`${base}/`],
      })
      const profile = await browser.visit(`${base}/profile?tab=1`)
      expect(profile.url).toBe(`${base}/profile?tab=1`)
      expect(profile.json()).toMatchObject({ sub: 'ada' })
      const left = await browser.visit(`${base}/logout?returnTo=/shop/who`, { method: 'POST' })
      expect(left.url).toBe(`${base}/who`)
    })

    it('works in a sub-router of an application without a relying party', async () => {
      const client = { issuer: provider.issuer, clientId: 'app', clientSecret: CLIENT_SECRET, responseMode }
      const app = await startAreas(
        { '/members': (baseUrl) => ({ baseUrl, secret: SECRET, provider: client }) },
        createExpress,
      )
      await register(provider, app, { redirect_uris: [`${app.url}/members/callback`] })
      const members = await browser.visit(`${app.url}/members/?a=b`)
      expect(members.url).toBe(`${app.url}/members/?a=b`)
      expect(members.json()).toMatchObject({ sub: 'ada' })
      const left = await browser.send(`${app.url}/members/logout`, { method: 'POST' })
      expect(authorizationRequest(left).get('post_logout_redirect_uri')).toBe(`${app.url}/members/`)
      expect(await whoIs(browser, `${app.url}/members`)).toBeNull()
    })
  })
})

describe.each<Partial<SessionOptions>>([
  { resave: true, saveUninitialized: true },
  { resave: true, rolling: true },
  { saveUninitialized: true, unset: 'destroy' },
  { name: 'sid', cookie: { sameSite: 'lax', maxAge: 3_600_000 } },
])('with express-session set to %j', (session) => {
  it.each(['query', 'form_post'] as const)('signs in with %s, and out for good', async (responseMode) => {
    const { app } = await start({ session, provider: { responseMode } })
    await browser.send(`${app.url}/`)
    expect((await browser.visit(`${app.url}/profile`)).json()).toMatchObject({ sub: 'ada' })
    const before = browser.clone()
    expect(await whoIs(browser, app.url)).toBe('ada')
    await browser.visit(`${app.url}/logout`, { method: 'POST' })
    expect([await whoIs(browser, app.url), await whoIs(before, app.url)]).toEqual([null, null])
  })
})

describe('behind a proxy that terminates TLS', () => {
  let bed: Bed
  const send = (path: string, init: Init = {}) => {
    const to = proxied(bed, { url: PUBLIC_URL + path, init })
    return browser.send(to.url, to.init)
  }

  it.each(['query', 'form_post'] as const)(
    'signs in with %s, with cookies that only this host can set',
    async (responseMode) => {
      bed = await startBed({ provider: { responseMode }, behindTls: true, at: provider })
      const begun = await send('/login?returnTo=/who')
      expect(authorizationRequest(begun).get('redirect_uri')).toBe(`${PUBLIC_URL}/callback`)
      const sameSite = responseMode === 'query' ? 'Lax' : 'None'
      expect(begun.headers['set-cookie']).toEqual([
        expect.stringMatching(
          new RegExp(
            `^__Host-rp\\.[\\w-]{7}=[\\w-]{16}; Max-Age=600; Path=/; Expires=[^;]+; HttpOnly; Secure; SameSite=${sameSite}$`,
          ),
        ),
      ])
      const { url, init } = await browser.visitUntil(String(begun.headers.location), PUBLIC_URL)
      const done = await send(url.slice(PUBLIC_URL.length), init)
      expect(done.headers.location).toBe(`${PUBLIC_URL}/who`)
      expect((await send('/who')).json()).toMatchObject({ subject: 'ada' })
      const left = await send('/logout', { method: 'POST', headers: { origin: PUBLIC_URL } })
      expect(left.headers['set-cookie']?.join()).toMatch(/__Host-rp\.logout=[^;]+;.*; Secure;/)
      expect((await send('/who')).json()).toMatchObject({ subject: null })
    },
  )

  it('ignores a cookie without the prefix', async () => {
    bed = await startBed({ behindTls: true, at: provider })
    const begun = await send('/login')
    const [[name, value] = ['', '']] = transactionCookies(browser, bed.app.url)
    const { url } = await browser.visitUntil(String(begun.headers.location), PUBLIC_URL)
    browser.deleteCookie(bed.app.url, name)
    browser.setCookie(bed.app.url, name.replace('__Host-', ''), value)
    expect((await send(url.slice(PUBLIC_URL.length))).status).toBe(400)
    expect(codesOf(bed.app)).toEqual(['ERR_TRANSACTION_MISSING'])
    browser.setCookie(bed.app.url, name, value)
    expect((await send(url.slice(PUBLIC_URL.length))).status).toBe(303)
  })

  it('fails with a fix if express-session would silently set no cookie', async () => {
    bed = await startBed({ options: { baseUrl: PUBLIC_URL }, session: { cookie: { secure: true } }, at: provider })
    const answer = await browser.send(`${bed.app.url}/login`)
    expect(answer.status).toBe(500)
    expect(bed.app.errors).toEqual([configurationErrorSaying("add app.set('trust proxy', 1)")])
    expect(answer.headers['set-cookie']).toBeUndefined()
  })

  it('warns once if the proxy reports https but is not trusted', async () => {
    const warnings: unknown[] = []
    const listen = (warning: Error & { code?: string }) => warnings.push(warning.code)
    process.on('warning', listen)
    const settings = { options: { baseUrl: PUBLIC_URL }, session: { proxy: true, cookie: { secure: true } } }
    bed = await startBed({ ...settings, at: provider })
    expect((await send('/login')).status).toBe(303)
    expect((await send('/login')).status).toBe(303)
    await new Promise((resolve) => setImmediate(resolve))
    process.off('warning', listen)
    expect(warnings.filter((code) => code === 'RP_UNTRUSTED_PROXY')).toHaveLength(1)
  })
})

describe('headers with another host', () => {
  it.each([
    { host: 'evil.example' },
    { host: 'evil.example:80' },
    { host: 'evil.example/other?' },
    { host: '127.0.0.1@evil.example' },
    { 'x-forwarded-host': 'evil.example' },
    { 'x-forwarded-host': 'evil.example, other.example', 'x-forwarded-proto': 'https' },
    { forwarded: 'host=evil.example;proto=https' },
    { 'x-original-host': 'evil.example', 'x-rewrite-url': '//evil.example', 'x-original-url': '//evil.example' },
    { referer: 'https://evil.example/' },
  ])('do not change where the user is sent: %j', async (headers) => {
    const bed = await start({ before: (app) => void app.set('trust proxy', true) })
    const { app } = bed
    const sent: string[] = []
    const keep = (answer: Answer) => {
      sent.push(String(refreshOf(answer) ?? answer.headers.location))
      return answer
    }
    const guarded = keep(await browser.send(`${app.url}/profile`, { headers }))
    expect(guarded.headers.location).toBe('/login?returnTo=%2Fprofile')
    const begun = keep(await browser.send(`${app.url}/login?returnTo=/who`, { headers }))
    expect(authorizationRequest(begun).get('redirect_uri')).toBe(`${app.url}/callback`)
    const { url } = await browser.visitUntil(String(begun.headers.location), `${app.url}/callback`)
    expect(keep(await browser.send(url, { headers })).headers.location).toBe(`${app.url}/who`)
    expect(keep(await browser.send(`${app.url}/login`, { headers })).headers.location).toBe(`${app.url}/`)
    const left = keep(await browser.send(`${app.url}/logout`, { method: 'POST', headers }))
    expect(authorizationRequest(left).get('post_logout_redirect_uri')).toBe(`${app.url}/`)
    expect(sent.join()).not.toContain('evil')
  })
})

/** Forwards requests below a path without that path, as a proxy does. */
function stripPath(prefix: string, front: Running, app: Running): void {
  front.server.on('request', (req, res) => {
    const path = String(req.url).startsWith(`${prefix}/`) ? String(req.url).slice(prefix.length) : '/not-found'
    const onward = request(app.url + path, { method: req.method, headers: req.headers, agent: false }, (answer) => {
      res.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(res)
    })
    onward.on('error', () => res.destroy())
    req.pipe(onward)
  })
}
