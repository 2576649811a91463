import express, { type Express } from 'express'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { frontchannelLogout } from '../../src/index.js'
import { type AppOptions, CLIENT_SECRET, startApp } from '../support/bed/app.js'
import { muteExpress, type SpoiledBed, startBed } from '../support/bed/bed.js'
import { expectAccepted } from '../support/bed/conformance.js'
import { codesOf } from '../support/bed/observed.js'
import { type Answer, type Init, UserAgent } from '../support/bed/userAgent.js'
import { subjectIn } from '../support/provider/logoutTokens.js'
import type { Spoil } from '../support/provider/spoil.js'
import { SpoiledProvider } from '../support/provider/spoiledProvider.js'
import { MemoryAuthStore } from '../support/stores/memoryAuthStore.js'

beforeEach(muteExpress)

const routes = (app: Express) => void app.all('/frontchannel-logout', frontchannelLogout())
const SIGNED_IN = { claims: { sid: 'sid-1' } }

const start = (app: Omit<AppOptions, 'provider'> = {}, spoil: Spoil = {}) =>
  startBed({ routes, ...app, spoil: { ...SIGNED_IN, ...spoil } })

/** Loads the logout page as a frame on the provider's page does: cross-site, without cookies. */
function loadFrame({ app, provider }: SpoiledBed, sid = 'sid-1', init: Init = {}): Promise<Answer> {
  const query = new URLSearchParams({ iss: provider.issuer, sid })
  const headers = { 'sec-fetch-dest': 'iframe', 'sec-fetch-site': 'cross-site' }
  return new UserAgent().send(`${app.url}/frontchannel-logout?${query}`, { headers, ...init })
}

const framersOf = ({ headers }: Answer) => /frame-ancestors (.*)$/.exec(String(headers['content-security-policy']))?.[1]

describe('the page of front-channel logout', () => {
  it('may be framed by the provider, whatever headers the application sets everywhere', async () => {
    const bed = await start({
      before: (app) =>
        void app.use((_req, res, next) => {
          res.set('X-Frame-Options', 'SAMEORIGIN')
          res.set('Content-Security-Policy', "default-src 'self'; frame-ancestors 'self'")
          next()
        }),
    })
    const { headers } = await loadFrame(bed)
    expect(headers['x-frame-options']).toBeUndefined()
    expect(headers['content-security-policy']).toBe(
      `default-src 'none'; frame-ancestors ${new URL(bed.provider.issuer).origin}`,
    )
    const elsewhere = await new UserAgent().send(`${bed.app.url}/`)
    expect(elsewhere.headers['x-frame-options']).toBe('SAMEORIGIN')
  })

  it("may also be framed by the provider's logout page, if its origin is not that of the issuer", async () => {
    const bed = await start({}, { metadata: { end_session_endpoint: 'https://login.example.com/end' } })
    expect(framersOf(await loadFrame(bed))).toBe(`${new URL(bed.provider.issuer).origin} https://login.example.com`)
  })

  it('ends the session even if the metadata is unavailable', async () => {
    const store = new MemoryAuthStore()
    const bed = await startBed({ routes, options: { store }, spoil: SIGNED_IN })
    const app = await startApp(bed.provider.issuer, { routes, store: bed.app.store, options: { store } })
    const browser = await expectAccepted(bed)
    bed.provider.spoil = { reply: { discovery: () => ({ status: 500 }) } }
    const answer = await loadFrame({ app, provider: bed.provider })
    expect(answer.status).toBe(200)
    expect(framersOf(answer)).toBe(new URL(bed.provider.issuer).origin)
    expect(await subjectIn(bed, browser)).toBeNull()
  })

  it('refuses methods other than GET, uncached', async () => {
    const bed = await start()
    const browser = await expectAccepted(bed)
    for (const method of ['POST', 'PUT', 'DELETE']) {
      const answer = await loadFrame(bed, 'sid-1', { method })
      expect([answer.status, answer.headers.allow, answer.headers['cache-control']]).toEqual([405, 'GET', 'no-store'])
    }
    bed.app.errors.length = 0
    expect(await subjectIn(bed, browser)).toBe('ada')
    expect((await loadFrame(bed)).status).toBe(200)
    expect(await subjectIn(bed, browser)).toBeNull()
  })

  it('reads iss and sid from the query only', async () => {
    const bed = await start({ before: (app) => void app.use(express.json(), express.urlencoded()) })
    const browser = await expectAccepted(bed)
    const answer = await new UserAgent().send(`${bed.app.url}/frontchannel-logout`, {
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: { iss: bed.provider.issuer, sid: 'sid-1' },
    })
    expect(answer.status).toBe(400)
    expect(codesOf(bed.app)).toEqual(['ERR_LOGOUT_REQUEST_INVALID'])
    expect(await subjectIn(bed, browser)).toBe('ada')
  })

  it.each(['/frontchannel-logout', '/frontchannel-logout?iss=x', '/frontchannel-logout?sid=sid-1'])(
    "does not sign out whom another site sends to it with the user's own cookies: %s",
    async (path) => {
      const bed = await start()
      const browser = await expectAccepted(bed)
      for (const dest of ['iframe', 'document', 'image']) {
        const headers = { 'sec-fetch-dest': dest, 'sec-fetch-site': 'cross-site' }
        expect((await browser.send(bed.app.url + path, { headers, from: 'https://evil.example' })).status).toBe(400)
      }
      bed.app.errors.length = 0
      expect(await subjectIn(bed, browser)).toBe('ada')
    },
  )

  it('stores nothing for an unknown sid', async () => {
    const store = new MemoryAuthStore()
    const bed = await start({ options: { store } })
    const browser = await expectAccepted(bed)
    const before = store.keys()
    for (const sid of ['a', 'b', 'x'.repeat(2000)]) expect((await loadFrame(bed, sid)).status).toBe(200)
    expect(store.keys()).toEqual(before)
    expect(await subjectIn(bed, browser)).toBe('ada')
    await loadFrame(bed)
    expect(await subjectIn(bed, browser)).toBeNull()
  })

  it('neither redirects the browser nor asks the provider: the logout is local', async () => {
    const bed = await start()
    await expectAccepted(bed)
    const requests = bed.provider.received.length
    const { headers } = await loadFrame(bed)
    expect([headers.location, headers['set-cookie']]).toEqual([undefined, undefined])
    expect(bed.provider.received).toHaveLength(requests)
  })

  it('ends the sessions of every client that the application has at that issuer, as the request names no client', async () => {
    const provider = await SpoiledProvider.start()
    provider.spoil = SIGNED_IN
    const client = (clientId: string) => ({ issuer: provider.issuer, clientId, clientSecret: CLIENT_SECRET })
    const app = await startApp('', { routes, options: { providers: { other: client('other'), app: client('app') } } })
    onTestFinished(() => Promise.all([app.close(), provider.close()]).then(() => {}))
    const browser = new UserAgent()
    await browser.visit(`${app.url}/login?provider=app`)
    expect(await subjectIn({ app, provider }, browser)).toBe('ada')
    expect((await loadFrame({ app, provider })).status).toBe(200)
    expect(await subjectIn({ app, provider }, browser)).toBeNull()
  })
})
