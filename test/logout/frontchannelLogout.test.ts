import express, { type Express } from 'express'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { frontchannelLogout } from '../../src/index.js'
import { type AppOptions, CLIENT_SECRET, startApp } from '../support/bed/app.js'
import { expectAccepted, type Flow, startFlow } from '../support/bed/conformance.js'
import { codesOf, muteExpress } from '../support/bed/site.js'
import { type Answer, type Init, UserAgent } from '../support/bed/userAgent.js'
import { subjectIn } from '../support/provider/logoutTokens.js'
import type { Spoil } from '../support/provider/spoil.js'
import { SpoiledProvider } from '../support/provider/spoiledProvider.js'
import { MemoryAuthStore } from '../support/stores/memoryAuthStore.js'

beforeEach(muteExpress)

const routes = (app: Express) => void app.all('/frontchannel-logout', frontchannelLogout())
const SIGNED_IN = { claims: { sid: 'sid-1' } }

const start = (app: Omit<AppOptions, 'provider'> = {}, spoil: Spoil = {}) =>
  startFlow({ app: { routes, ...app } }, { ...SIGNED_IN, ...spoil })

/** Loads the logout page as a frame on the provider's page does: cross-site, without cookies. */
function loadFrame({ app, provider }: Flow, sid = 'sid-1', init: Init = {}): Promise<Answer> {
  const query = new URLSearchParams({ iss: provider.issuer, sid })
  const headers = { 'sec-fetch-dest': 'iframe', 'sec-fetch-site': 'cross-site' }
  return new UserAgent().send(`${app.url}/frontchannel-logout?${query}`, { headers, ...init })
}

const framersOf = ({ headers }: Answer) => /frame-ancestors (.*)$/.exec(String(headers['content-security-policy']))?.[1]

describe('the page of front-channel logout', () => {
  it('may be framed by the provider, whatever headers the application sets everywhere', async () => {
    const flow = await start({
      before: (app) =>
        void app.use((_req, res, next) => {
          res.set('X-Frame-Options', 'SAMEORIGIN')
          res.set('Content-Security-Policy', "default-src 'self'; frame-ancestors 'self'")
          next()
        }),
    })
    const { headers } = await loadFrame(flow)
    expect(headers['x-frame-options']).toBeUndefined()
    expect(headers['content-security-policy']).toBe(
      `default-src 'none'; frame-ancestors ${new URL(flow.provider.issuer).origin}`,
    )
    const elsewhere = await new UserAgent().send(`${flow.app.url}/`)
    expect(elsewhere.headers['x-frame-options']).toBe('SAMEORIGIN')
  })

  it("may also be framed by the provider's logout page, if its origin is not that of the issuer", async () => {
    const flow = await start({}, { metadata: { end_session_endpoint: 'https://login.example.com/end' } })
    expect(framersOf(await loadFrame(flow))).toBe(`${new URL(flow.provider.issuer).origin} https://login.example.com`)
  })

  it('ends the session even if the metadata is unavailable', async () => {
    const store = new MemoryAuthStore()
    const flow = await startFlow({ app: { routes, options: { store } } }, SIGNED_IN)
    const app = await startApp(flow.provider.issuer, { routes, store: flow.app.store, options: { store } })
    onTestFinished(() => app.close())
    const browser = await expectAccepted(flow)
    flow.provider.spoil = { reply: { discovery: () => ({ status: 500 }) } }
    const answer = await loadFrame({ app, provider: flow.provider })
    expect(answer.status).toBe(200)
    expect(framersOf(answer)).toBe(new URL(flow.provider.issuer).origin)
    expect(await subjectIn(flow, browser)).toBeNull()
  })

  it('refuses methods other than GET, uncached', async () => {
    const flow = await start()
    const browser = await expectAccepted(flow)
    for (const method of ['POST', 'PUT', 'DELETE']) {
      const answer = await loadFrame(flow, 'sid-1', { method })
      expect([answer.status, answer.headers.allow, answer.headers['cache-control']]).toEqual([405, 'GET', 'no-store'])
    }
    flow.app.errors.length = 0
    expect(await subjectIn(flow, browser)).toBe('ada')
    expect((await loadFrame(flow)).status).toBe(200)
    expect(await subjectIn(flow, browser)).toBeNull()
  })

  it('reads iss and sid from the query only', async () => {
    const flow = await start({ before: (app) => void app.use(express.json(), express.urlencoded()) })
    const browser = await expectAccepted(flow)
    const answer = await new UserAgent().send(`${flow.app.url}/frontchannel-logout`, {
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: { iss: flow.provider.issuer, sid: 'sid-1' },
    })
    expect(answer.status).toBe(400)
    expect(codesOf(flow.app)).toEqual(['ERR_LOGOUT_REQUEST_INVALID'])
    expect(await subjectIn(flow, browser)).toBe('ada')
  })

  it.each(['/frontchannel-logout', '/frontchannel-logout?iss=x', '/frontchannel-logout?sid=sid-1'])(
    "does not sign out whom another site sends to it with the user's own cookies: %s",
    async (path) => {
      const flow = await start()
      const browser = await expectAccepted(flow)
      for (const dest of ['iframe', 'document', 'image']) {
        const headers = { 'sec-fetch-dest': dest, 'sec-fetch-site': 'cross-site' }
        expect((await browser.send(flow.app.url + path, { headers, from: 'https://evil.example' })).status).toBe(400)
      }
      flow.app.errors.length = 0
      expect(await subjectIn(flow, browser)).toBe('ada')
    },
  )

  it('stores nothing for an unknown sid', async () => {
    const store = new MemoryAuthStore()
    const flow = await start({ options: { store } })
    const browser = await expectAccepted(flow)
    const before = store.keys()
    for (const sid of ['a', 'b', 'x'.repeat(2000)]) expect((await loadFrame(flow, sid)).status).toBe(200)
    expect(store.keys()).toEqual(before)
    expect(await subjectIn(flow, browser)).toBe('ada')
    await loadFrame(flow)
    expect(await subjectIn(flow, browser)).toBeNull()
  })

  it('neither redirects the browser nor asks the provider: the logout is local', async () => {
    const flow = await start()
    await expectAccepted(flow)
    const requests = flow.provider.received.length
    const { headers } = await loadFrame(flow)
    expect([headers.location, headers['set-cookie']]).toEqual([undefined, undefined])
    expect(flow.provider.received).toHaveLength(requests)
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
