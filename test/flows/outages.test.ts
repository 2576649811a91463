import { describe, expect, it, vi } from 'vitest'
import type { App } from '../support/bed/app.js'
import { expectUnavailable, type Outage, startOutage, useOutage, who } from '../support/bed/outage.js'
import { type Answer, UserAgent } from '../support/bed/userAgent.js'
import { describeWith } from '../support/run/requirements.js'
import { type Connect, connectPostgresStores, connectRedisStores } from '../support/stores/connected.js'

describeWith('redis', 'an outage of Redis', (url) => outages(url, connectRedisStores))
describeWith('postgres', 'an outage of PostgreSQL', (url) => outages(url, connectPostgresStores))

type Send = (app: App, browser: UserAgent) => Promise<Answer>

/** The longest wait for something that should happen at once, even on a slow machine. */
const SOON = { timeout: 10_000 }

/** Requests of a signed-in browser, and their usual status. */
const REQUESTS: readonly [what: string, send: Send, status: number][] = [
  ['a request to a page without a guard', (app, browser) => browser.fetch(`${app.url}/who`), 200],
  ['a script whose route requires a signed-in user', (app, browser) => browser.fetch(`${app.url}/profile`), 200],
  ['a navigation to such a route', (app, browser) => browser.send(`${app.url}/profile`), 200],
  ['a request whose route requires a scope', (app, browser) => browser.fetch(`${app.url}/reports`), 200],
  ['a request that asks for the access token', (app, browser) => browser.fetch(`${app.url}/token`), 200],
  ['a login', (app, browser) => browser.send(`${app.url}/login`), 303],
  ['a logout', (app, browser) => browser.fetch(`${app.url}/logout`, { method: 'POST' }), 200],
  ['a logout everywhere', (app, browser) => browser.fetch(`${app.url}/logout-everywhere`, { method: 'POST' }), 200],
]

function outages(url: string, connect: Connect): void {
  let outage: Outage
  useOutage(url, connect, (started) => {
    outage = started
  })

  /** Expects that a request fails during the outage, leaves the user signed in, and works afterwards. */
  async function expectSurvived(browser: UserAgent, send: () => Promise<Answer>, status: number): Promise<void> {
    const cookies = browser.cookies(outage.one.url)
    expectUnavailable(await send())
    expect(outage.one.errors[0]).toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
    expect(browser.cookies(outage.one.url)).toEqual(cookies)
    expect(await who(outage.two, browser)).toBe('ada')
    await outage.recover()
    expect(await who(outage.one, browser)).toBe('ada')
    expect((await send()).status).toBe(status)
  }

  /** Cuts the connection once express-session has read the session of the next request. */
  function cutAfterSession(): void {
    const { sessions } = outage.stores
    const get = sessions.get.bind(sessions)
    vi.spyOn(sessions, 'get').mockImplementationOnce((sid, callback) => {
      get(sid, (error, session) => {
        outage.way.cut()
        callback(error, session)
      })
    })
  }

  describe.each(REQUESTS)('answers %s', (_, send, status) => {
    it('with 503, changes no cookie, does not sign anyone out, and works when the outage is over', async () => {
      const browser = await outage.signIn()
      outage.way.cut()
      await expectSurvived(browser, () => send(outage.one, browser), status)
    })

    it('likewise if the store is lost after the session was read', async () => {
      const browser = await outage.signIn()
      cutAfterSession()
      await expectSurvived(browser, () => send(outage.one, browser), status)
    })

    it('with an error, and not as if signed out, if storeErrors() is not mounted', async () => {
      const browser = await outage.signIn()
      outage.way.cut()
      const answer = await send(outage.bare, browser)
      expect(answer.status).toBe(500)
      expect(answer.headers['set-cookie']).toBeUndefined()
      await outage.recover()
      expect((await send(outage.bare, browser)).status).toBe(status)
    })
  })

  it('is the same without an AuthStore', async () => {
    const browser = await outage.signIn(outage.plain)
    const token = (await browser.fetch(`${outage.plain.url}/token`)).json()
    outage.way.cut()
    expectUnavailable(await browser.fetch(`${outage.plain.url}/token`))
    await outage.recover()
    expect((await browser.fetch(`${outage.plain.url}/token`)).json()).toEqual(token)
  })

  describe('of a login', () => {
    it('leaves the authorization response unused: sent again, it signs the user in', async () => {
      const browser = new UserAgent()
      const { url, init } = await browser.visitUntil(
        `${outage.one.url}/login?returnTo=/who`,
        `${outage.one.url}/callback`,
      )
      const cookies = browser.cookies(url)
      outage.way.cut()
      expectUnavailable(await browser.send(url, init))
      expect(browser.cookies(url)).toEqual(cookies)
      await outage.recover()
      expect((await browser.visit(url, init)).json()).toEqual({ kind: 'session', subject: 'ada' })
    })

    it('that starts after the code was redeemed does not sign anyone in, and offers a retry', async () => {
      const browser = new UserAgent()
      const { url, init } = await browser.visitUntil(
        `${outage.one.url}/login?returnTo=/who`,
        `${outage.one.url}/callback`,
      )
      outage.onTokens = () => outage.way.cut()
      const answer = await browser.send(url, init)
      expect(answer.status).toBe(503)
      expect(browser.cookies(url).has('connect.sid')).toBe(false)
      const [error] = outage.one.errors as { code: string; retryUrl: string }[]
      expect(error?.code).toBe('ERR_STORE_UNAVAILABLE')
      await outage.recover()
      expect(await who(outage.one, browser)).toBeNull()
      const retried = await browser.visit(outage.one.url + error?.retryUrl)
      expect(retried.json()).toEqual({ kind: 'session', subject: 'ada' })
    })
  })

  describe('of a refresh', () => {
    const token = async (app: App, browser: UserAgent) => (await browser.fetch(`${app.url}/token`)).json().token

    it('leaves the refresh token unused: one token request is sent when it is over', async () => {
      const browser = await outage.signIn()
      const before = await token(outage.one, browser)
      await outage.expireTokens(browser)
      let refreshes = 0
      outage.onTokens = () => void refreshes++
      for (const cut of [() => outage.way.cut(), cutAfterSession]) {
        cut()
        expectUnavailable(await browser.fetch(`${outage.one.url}/token`))
        outage.way.restore()
        await vi.waitUntil(async () => (await browser.fetch(`${outage.one.url}/who`)).status === 200, SOON)
      }
      expect(refreshes).toBe(0)
      const after = await token(outage.one, browser)
      expect(after).not.toBe(before)
      expect(await token(outage.two, browser)).toBe(after)
      expect(refreshes).toBe(1)
    })

    it('that starts during the token response loses no token: they are stored when it is over', async () => {
      const browser = await outage.signIn()
      const before = await token(outage.one, browser)
      await outage.expireTokens(browser)
      outage.onTokens = () => outage.way.cut()
      const replace = vi.spyOn(outage.stores.store, 'replace')
      const answer = token(outage.one, browser)
      await vi.waitUntil(async () => {
        const writes = replace.mock.calls.flatMap(([key], i) =>
          key.startsWith('record:') ? [replace.mock.results[i]] : [],
        )
        return (await Promise.allSettled(writes.map((each) => each?.value))).some(({ status }) => status === 'rejected')
      }, SOON)
      await outage.recover()
      const after = await answer
      expect(after).toEqual(expect.any(String))
      expect(after).not.toBe(before)
      expect(await token(outage.two, browser)).toBe(after)
      await outage.expireTokens(browser)
      expect(await token(outage.two, browser)).not.toBe(after)
    })
  })

  describe('of a logout', () => {
    const logOut = (browser: UserAgent) => browser.fetch(`${outage.one.url}/logout`, { method: 'POST' })

    it('that starts before the token record is removed leaves the user signed in', async () => {
      const browser = await outage.signIn()
      const { store } = outage.stores
      const remove = store.remove.bind(store)
      vi.spyOn(store, 'remove').mockImplementationOnce((key) => {
        outage.way.cut()
        return remove(key)
      })
      await expectSurvived(browser, () => logOut(browser), 200)
      expect(await who(outage.two, browser)).toBeNull()
    })

    it('that starts afterwards does not keep the logout from going on to the provider', async () => {
      const browser = await outage.signIn()
      const { sessions } = outage.stores
      const destroy = sessions.destroy.bind(sessions)
      vi.spyOn(sessions, 'destroy').mockImplementationOnce((sid, callback) => {
        outage.way.cut()
        destroy(sid, callback)
      })
      const answer = await logOut(browser)
      expect(answer.status).toBe(200)
      expect(answer.json().logoutUrl).toMatch(/\/session\/end\?.*id_token_hint=/)
      expect(await who(outage.two, browser)).toBeNull()
      await outage.recover()
      expect(await who(outage.one, browser)).toBeNull()
    })
  })

  describe('with a server that does not respond', () => {
    it('delays requests, which are answered as usual once it responds again', async () => {
      const browser = await outage.signIn()
      outage.way.hang()
      const answer = browser.fetch(`${outage.one.url}/who`)
      const done = vi.fn()
      void answer.then(done)
      expectSignedIn(await browser.fetch(`${outage.two.url}/who`))
      expect(done).not.toHaveBeenCalled()
      outage.way.restore()
      expectSignedIn(await answer)
    })

    it('is 503 after the timeout of the stores, until the server responds again', async () => {
      const limited = await startOutage(url, connect, 0.5)
      try {
        const browser = await limited.signIn()
        limited.way.hang()
        for (const path of ['/who', '/token']) {
          expectUnavailable(await browser.fetch(limited.one.url + path))
        }
        const logoutToken = await limited.logoutToken({ sub: 'nobody' })
        const body = { logout_token: logoutToken }
        const deliver = () => new UserAgent().fetch(`${limited.one.url}/backchannel-logout`, { method: 'POST', body })
        expectUnavailable(await deliver())
        expect(await who(limited.two, browser)).toBe('ada')
        await limited.recover()
        expectSignedIn(await browser.fetch(`${limited.one.url}/who`))
        expect((await deliver()).status).toBe(200)
      } finally {
        await limited.close()
      }
    })
  })
}

function expectSignedIn(answer: Answer): void {
  expect(answer.json()).toEqual({ kind: 'session', subject: 'ada' })
}
