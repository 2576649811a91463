import { randomBytes } from 'node:crypto'
import { request } from 'node:http'
import { describe, expect, it, vi } from 'vitest'
import type { AppOptions } from '../support/bed/app.js'
import { type Bed, PUBLIC_URL, proxied, startBed, useProvider } from '../support/bed/bed.js'
import { upToCallback } from '../support/bed/callbackRequest.js'
import { codesOf, transactionCookies, whoIs } from '../support/bed/observed.js'
import { basket } from '../support/bed/routes.js'
import { type Answer, type Init, UserAgent } from '../support/bed/userAgent.js'
import { fakeDate } from '../support/run/waiting.js'

const { provider } = useProvider()
let bed: Bed

/** The most that common servers and proxies take of request headers. */
const HEADER_LIMIT = 8192

/** Counts the bytes of a request's head as it goes over the wire. */
function headBytes(browser: UserAgent, url: string, { method = 'GET', body }: Init): number {
  const cookie = [...browser.cookies(url)].map(([name, value]) => `${name}=${value}`).join('; ')
  const req = request(url, {
    method,
    headers: {
      'user-agent':
        'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
      accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8',
      'accept-encoding': 'gzip, deflate, br, zstd',
      'accept-language': 'en-GB,en;q=0.9',
      'sec-fetch-site': 'cross-site',
      'sec-fetch-mode': 'navigate',
      'sec-fetch-dest': 'document',
      ...(body ? { 'content-type': 'application/x-www-form-urlencoded', origin: new URL(url).origin } : {}),
      cookie,
    },
  })
  req.on('error', () => {})
  const head = req as unknown as { _header: string | null; _implicitHeader(): void }
  head._implicitHeader()
  const bytes = Buffer.byteLength(head._header ?? '')
  req.destroy()
  return bytes
}

describe.each(['query', 'form_post'] as const)('logins in many tabs, by %s', (responseMode) => {
  const settings: AppOptions = { provider: { responseMode }, routes: basket }
  const target = (tab: number) => `/profile?tab=${tab}&view=details`

  it('thirty begun at once, by https, stay under 8 KiB of headers, and all of them finish', async () => {
    bed = await startBed({ ...settings, behindTls: true, at: provider })
    const { app } = bed
    const browser = new UserAgent()
    const send = (url: string, init: Init = {}) => {
      const request = proxied(bed, { url, init })
      return browser.send(request.url, request.init)
    }
    await send(`${app.url}/basket?add=tea`)
    const begun = await Promise.all(
      Array.from({ length: 30 }, (_, tab) =>
        send(`${app.url}/login?${new URLSearchParams({ returnTo: target(tab) })}`),
      ),
    )
    expect(transactionCookies(browser, app.url)).toHaveLength(30)
    for (const [tab, { headers }] of begun.entries()) {
      const { url, init } = await browser.visitUntil(String(headers.location), PUBLIC_URL)
      const request = proxied(bed, { url, init })
      expect(headBytes(browser, request.url, request.init)).toBeLessThan(HEADER_LIMIT)
      expect((await send(url, init)).headers.location).toBe(PUBLIC_URL + target(tab))
    }
    expect(transactionCookies(browser, app.url)).toHaveLength(0)
    expect((await send(`${app.url}/who`)).json()).toMatchObject({ subject: 'ada' })
  })

  it('thirty begun one after the other stay under 8 KiB of headers, and the latest finish', async () => {
    bed = await startBed({ ...settings, options: { transactions: { max: 10 } }, at: provider })
    const browser = new UserAgent()
    const tabs = []
    for (let tab = 0; tab < 30; tab++) {
      tabs.push(await upToCallback(browser, bed, target(tab)))
      expect(transactionCookies(browser, bed.app.url).length).toBeLessThanOrEqual(10)
    }
    const [oldest, ...rest] = tabs as [(typeof tabs)[0], ...typeof tabs]
    expect((await new UserAgent().send(oldest.url, { ...oldest.init, method: 'GET' })).status).toBe(400)
    expect(codesOf(bed.app)).toHaveLength(1)
    for (const { url, init } of rest.slice(-10)) {
      expect(headBytes(browser, url, init)).toBeLessThan(HEADER_LIMIT)
      expect((await browser.visit(url, init)).status).toBe(200)
    }
  })

  it('finish at the same moment, each at its own page', async () => {
    bed = await startBed({ ...settings, at: provider })
    const browser = new UserAgent()
    const tabs = []
    for (let tab = 0; tab < 4; tab++) tabs.push(await upToCallback(browser, bed, target(tab)))
    const answers = await Promise.all(tabs.map(({ url, init }) => browser.send(url, init)))
    expect(answers.map(({ headers }) => headers.location)).toEqual(tabs.map((_, tab) => bed.app.url + target(tab)))
    expect(await whoIs(browser, bed.app.url)).toBe('ada')
    expect((await browser.fetch(`${bed.app.url}/token`)).status).toBe(200)
  })
})

describe.each(['query', 'form_post'] as const)('a browser that begins many logins at once, by %s', (responseMode) => {
  /** An address of this length that cannot be compressed much. */
  const address = (tab: number, length: number) => {
    const start = `/profile?tab=${tab}&q=`
    return (
      start +
      randomBytes(length)
        .toString('base64url')
        .slice(0, length - start.length)
    )
  }

  it.each([
    [30, 980],
    [30, 2048],
    [200, 980],
    [200, 2048],
  ])(
    'sends less than 8 KiB of headers, and finishes the latest of %d logins at addresses of %d',
    async (count, length) => {
      bed = await startBed({ provider: { responseMode }, behindTls: true, at: provider })
      const { app } = bed
      const browser = new UserAgent({ maxCookies: 180 })
      const send = (url: string, init: Init = {}) => {
        const request = proxied(bed, { url, init })
        return browser.send(request.url, request.init)
      }
      const targets = Array.from({ length: count }, (_, tab) => address(tab, length))
      const begun = await Promise.all(
        targets.map((returnTo) => send(`${app.url}/login?${new URLSearchParams({ returnTo })}`)),
      )
      // The order in which the answers came.
      const cookies = transactionCookies(browser, app.url)
      expect(cookies.length).toBeGreaterThanOrEqual(Math.min(count, 150))
      expect(headBytes(browser, `${app.url}/who`, {})).toBeLessThan(HEADER_LIMIT)
      for (const { headers } of begun) expect(String(headers.location).length).toBeLessThan(HEADER_LIMIT)

      // Each page drops some, within what proxies take of a response.
      for (let page = 0; page * 24 < count; page++) {
        const { status, rawBytes } = await pageOf(send(`${app.url}/who`))
        expect(status).toBe(200)
        expect(rawBytes).toBeLessThan(4096)
      }
      const kept = new Set(transactionCookies(browser, app.url).map(([name]) => name))
      expect(kept.size).toBe(20)

      const finished = []
      for (const [tab, { headers }] of begun.entries()) {
        if (![...kept].some((name) => String(headers['set-cookie']).includes(name))) continue
        const { url, init } = await browser.visitUntil(String(headers.location), PUBLIC_URL)
        const request = proxied(bed, { url, init })
        expect(headBytes(browser, request.url, request.init)).toBeLessThan(HEADER_LIMIT)
        expect((await send(url, init)).headers.location).toBe(PUBLIC_URL + targets[tab])
        finished.push(tab)
      }
      expect(finished).toHaveLength(20)
      expect(transactionCookies(browser, app.url)).toHaveLength(0)
    },
  )
})

/** Counts the bytes of a response's headers. */
async function pageOf(sent: Promise<Answer>): Promise<{ status: number; rawBytes: number }> {
  const { status, headers } = await sent
  const lines = Object.entries(headers).flatMap(([name, value]) => [value].flat().map((each) => `${name}: ${each}\r\n`))
  return { status, rawBytes: lines.join('').length }
}

describe('an address', () => {
  it.each([
    [2048, (path: string) => path],
    [2049, () => '/'],
  ])('of %d characters leads where it should', async (length, expected) => {
    bed = await startBed({ at: provider })
    const browser = new UserAgent()
    const path = `/who?${'x'.repeat(length - 5)}`
    const { url, init } = await browser.visitUntil(
      `${bed.app.url}/login?${new URLSearchParams({ returnTo: path })}`,
      `${bed.app.url}/callback`,
    )
    expect((await browser.send(url, init)).headers.location).toBe(bed.app.url + expected(path))
  })
})

describe('room for a new login', () => {
  const FORGED = ['rp.AAAAAAA', 'rp.__proto', 'rp._______', 'rp.-------'] as const

  it('is made of cookies whose time is over, or not come, before those of real logins', async () => {
    bed = await startBed({ options: { transactions: { max: 4 } }, at: provider })
    vi.useFakeTimers({ toFake: ['Date'], now: 4096_000 * 440_000 + 2048_000 })
    const browser = new UserAgent()
    const begun = await upToCallback(browser, bed)
    for (const name of FORGED) browser.setCookie(bed.app.url, name, 'x'.repeat(200))
    const latest = await upToCallback(browser, bed)
    expect((await browser.clone().visit(begun.url, begun.init)).status).toBe(200)
    expect((await browser.clone().visit(latest.url, latest.init)).status).toBe(200)
  })

  it('is made by age, not by the order of the cookies', async () => {
    bed = await startBed({ options: { transactions: { max: 2 } }, at: provider })
    fakeDate()
    const start = Date.now()
    const browser = new UserAgent()
    const tabs = []
    for (const second of [20, 10, 30]) {
      vi.setSystemTime(start + second * 1000)
      tabs.push(await upToCallback(browser, bed))
    }
    const [first, older, latest] = tabs as [(typeof tabs)[0], (typeof tabs)[0], (typeof tabs)[0]]
    expect((await browser.clone().send(older.url, older.init)).status).toBe(400)
    expect((await browser.clone().visit(first.url, first.init)).status).toBe(200)
    expect((await browser.clone().visit(latest.url, latest.init)).status).toBe(200)
  })

  it.each(['rp.tx.@', 'rp.', 'rp.;', 'rp.abc def', 'rp.(){}', 'rp.abcdefé', 'rp.__proto__', 'rp.tx.AAAAAAAAAAAAAAAA'])(
    'leaves the cookie %s of someone else alone, and begins logins beside it',
    async (name) => {
      bed = await startBed({ options: { transactions: { max: 1 } }, at: provider })
      const browser = new UserAgent()
      for (let i = 0; i < 3; i++) browser.setCookie(bed.app.url, name + (i ? i : ''), 'x'.repeat(200))
      const { headers, status } = await browser.send(`${bed.app.url}/login`)
      expect(status).toBe(303)
      expect(headers['set-cookie']).toHaveLength(1)
      expect((await browser.visit(`${bed.app.url}/profile`)).status).toBe(200)
    },
  )
})

describe('behind TLS', () => {
  it('a cookie that only looks like one of __Host- once more than spaces is stripped, is none', async () => {
    bed = await startBed({ behindTls: true, at: provider })
    const { app } = bed
    const victim = new UserAgent()
    const attacker = new UserAgent()
    const begun = proxied(bed, { url: `${PUBLIC_URL}/login?returnTo=/who` })
    const { headers } = await attacker.send(begun.url, begun.init)
    const callback = proxied(bed, await attacker.visitUntil(String(headers.location), PUBLIC_URL))
    for (const [name, value] of attacker.cookies(app.url)) victim.setCookie(app.url, `\u00a0${name}`, value)
    expect((await victim.send(callback.url, callback.init)).status).toBe(400)
    expect(codesOf(app)).toEqual(['ERR_TRANSACTION_MISSING'])
    expect((await attacker.send(callback.url, callback.init)).status).toBe(303)
  })
})
