import type { Express } from 'express'
import { describe, expect, it } from 'vitest'
import { deviceLogin, login, logout } from '../../src/index.js'
import type { AppOptions } from '../support/bed/app.js'
import { type Bed, startBed, useProvider } from '../support/bed/bed.js'
import { upToCallback } from '../support/bed/callbackRequest.js'
import { codesOf, contentsOf, transactionCookies, whoIs } from '../support/bed/observed.js'
import type { UserAgent } from '../support/bed/userAgent.js'

type Headers = Readonly<Record<string, string>>

/** Requests that must not start or end anything. */
const REFUSED: readonly Headers[] = [
  ...['image', 'script', 'style', 'font', 'audio', 'video', 'worker', 'manifest', 'json', 'a future destination'].map(
    (destination) => ({ 'sec-fetch-dest': destination, 'sec-fetch-mode': 'no-cors', 'sec-fetch-site': 'cross-site' }),
  ),
  ...['iframe', 'frame', 'embed', 'object', 'fencedframe'].map((destination) => ({ 'sec-fetch-dest': destination })),
  { 'sec-fetch-dest': 'image', 'sec-fetch-mode': 'no-cors', 'sec-fetch-site': 'same-origin' },
  { 'sec-fetch-dest': 'empty', 'sec-fetch-mode': 'no-cors', 'sec-fetch-site': 'cross-site' },
  { 'sec-purpose': 'prefetch' },
  { 'sec-purpose': 'prefetch;prerender' },
  { 'sec-purpose': 'prefetch;anonymous-client-ip' },
  { purpose: 'prefetch' },
  { 'x-purpose': 'preview' },
  { 'x-moz': 'prefetch' },
]

/** Requests that are served normally. */
const SERVED: readonly [string, Headers][] = [
  ['a navigation', {}],
  ['a navigation from another site', { 'sec-fetch-site': 'cross-site' }],
  ['a navigation forwarded by a service worker', { 'sec-fetch-dest': 'empty', 'sec-fetch-site': 'cross-site' }],
  ['a request without Fetch Metadata', { 'sec-fetch-dest': '', 'sec-fetch-mode': '', 'sec-fetch-site': '' }],
  ['a request with another purpose', { 'sec-purpose': 'reading', purpose: 'leisure' }],
]

const { provider, browser } = useProvider({ features: { deviceFlow: { enabled: true } } })
let bed: Bed
let url: string
/** The requests to the provider. */
let asked: string[]

async function start(settings: AppOptions = {}): Promise<void> {
  asked = []
  const routes = (app: Express) => {
    app.all('/any/login', login())
    app.all('/any/logout', logout())
    app.all('/device', deviceLogin())
  }
  const watched: typeof fetch = (input, init) => {
    asked.push(String(input))
    return fetch(input, init)
  }
  bed = await startBed({
    routes,
    ...settings,
    options: { http: { fetch: watched }, ...settings.options },
    at: provider,
  })
  url = bed.app.url
}

async function expectRefused(path: string, headers: Headers, init: Parameters<UserAgent['send']>[1] = {}) {
  const before = [[...browser.cookies(url)], await contentsOf(bed.app.store), asked.length]
  const answer = await browser.send(path, { ...init, headers: { ...init.headers, ...headers } })
  expect([answer.status, answer.headers['cache-control'], answer.headers['retry-after']]).toEqual([
    503,
    'no-store',
    undefined,
  ])
  expect(answer.headers['set-cookie']).toBeUndefined()
  expect(codesOf(bed.app)).toEqual(['ERR_NOT_NAVIGATED'])
  expect([[...browser.cookies(url)], await contentsOf(bed.app.store), asked.length]).toEqual(before)
}

describe('a request that is not a navigation', () => {
  it('does not start a login', async () => {
    await start()
    for (const headers of REFUSED) await expectRefused(`${url}/login`, headers)
    expect(bed.app.events).toEqual([])
    expect((await browser.send(`${url}/login`)).status).toBe(303)
    expect(transactionCookies(browser, url)).toHaveLength(1)
  })

  it.each(['query', 'form_post'] as const)('does not redeem the code of a response with %s', async (responseMode) => {
    await start({ provider: { responseMode } })
    const callback = await upToCallback(browser, bed)
    bed.app.events.length = 0
    for (const headers of REFUSED) {
      if (responseMode === 'form_post' && headers['sec-fetch-dest'] === 'empty') continue
      await expectRefused(callback.url, headers, callback.init)
    }
    expect(bed.app.events).toEqual([])
    expect((await browser.send(callback.url, callback.init)).headers.location).toBe(`${url}/profile`)
    expect(await whoIs(browser, url)).toBe('ada')
  })

  it('does not request a device code from the provider', async () => {
    await start()
    for (const headers of REFUSED) await expectRefused(`${url}/device`, headers)
    expect((await browser.send(`${url}/device`)).status).not.toBe(503)
    expect(asked).not.toEqual([])
  })

  it('does not sign anyone out', async () => {
    await start()
    await browser.visit(`${url}/profile`)
    for (const headers of REFUSED) await expectRefused(`${url}/any/logout`, headers)
    expect(await whoIs(browser, url)).toBe('ada')
    expect((await browser.send(`${url}/any/logout`)).status).toBe(303)
    expect(await whoIs(browser, url)).toBeNull()
  })

  it('gets 401 from a guard, like a script', async () => {
    await start()
    for (const headers of REFUSED) {
      const { status, headers: answered } = await browser.send(`${url}/profile`, { headers })
      expect([status, answered['cache-control'], answered.location]).toEqual([401, 'no-store', undefined])
    }
    expect((await browser.send(`${url}/profile`)).headers.location).toBe('/login?returnTo=%2Fprofile')
    await browser.visit(`${url}/profile`)
    for (const headers of REFUSED) expect((await browser.send(`${url}/profile`, { headers })).status).toBe(200)
  })
})

describe.each(SERVED)('%s', (_what, headers) => {
  it('starts a login, finishes it, and signs out', async () => {
    await start()
    const begun = await browser.send(`${url}/login?returnTo=/who`, { headers })
    const callback = await browser.visitUntil(String(begun.headers.location), `${url}/callback`)
    const answer = await browser.send(callback.url, { ...callback.init, headers })
    expect(answer.headers.location).toBe(`${url}/who`)
    expect(await whoIs(browser, url)).toBe('ada')
    expect((await browser.send(`${url}/device`, { headers })).status).toBeLessThan(400)
    const own = headers['sec-fetch-site'] === 'cross-site' ? { 'sec-fetch-site': 'same-origin' } : {}
    expect((await browser.send(`${url}/any/logout`, { headers: { ...headers, ...own } })).status).toBe(303)
    expect(await whoIs(browser, url)).toBeNull()
  })
})

describe('a script of the same origin', () => {
  it('signs out with fetch, and gets JSON', async () => {
    await start()
    await browser.visit(`${url}/profile`)
    const answer = await browser.fetch(`${url}/logout`, {
      method: 'POST',
      headers: { 'sec-fetch-site': 'same-origin' },
    })
    expect(answer.json()).toHaveProperty('logoutUrl')
    expect(await whoIs(browser, url)).toBeNull()
  })

  it('of another site still gets 403', async () => {
    await start()
    const answer = await browser.fetch(`${url}/logout`, { method: 'POST', headers: { 'sec-fetch-site': 'cross-site' } })
    expect(answer.status).toBe(403)
  })
})
