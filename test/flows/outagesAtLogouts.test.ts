import { describe, expect, it, vi } from 'vitest'
import type { App } from '../support/bed/app.js'
import { expectUnavailable, type Outage, useOutage, who } from '../support/bed/outage.js'
import { UserAgent } from '../support/bed/userAgent.js'
import { describeWith } from '../support/run/requirements.js'
import { type Connect, connectPostgresStores, connectRedisStores } from '../support/stores/connected.js'

describeWith('redis', 'an outage of Redis', (url) => outages(url, connectRedisStores))
describeWith('postgres', 'an outage of PostgreSQL', (url) => outages(url, connectPostgresStores))

function outages(url: string, connect: Connect): void {
  let outage: Outage
  useOutage(url, connect, (started) => {
    outage = started
  })

  describe('of a back-channel logout', () => {
    const deliver = (app: App, logoutToken: string) =>
      new UserAgent().fetch(`${app.url}/backchannel-logout`, { method: 'POST', body: { logout_token: logoutToken } })

    async function claimsOf(browser: UserAgent): Promise<{ sid: string; sub: string }> {
      return (await browser.fetch(`${outage.one.url}/profile`)).json()
    }

    it.each(['sid', 'sub'] as const)(
      'with a %s is answered with 503; the same token ends the session later',
      async (claim) => {
        const browser = await outage.signIn()
        const { [claim]: value } = await claimsOf(browser)
        const logoutToken = await outage.logoutToken({ [claim]: value })
        outage.way.cut()
        for (const app of [outage.one, outage.bare, outage.plain]) {
          const answer = await deliver(app, logoutToken)
          expectUnavailable(answer)
          expect(answer.headers['cache-control']).toBe('no-store')
        }
        expect(await who(outage.two, browser)).toBe('ada')
        await outage.recover()
        expect((await deliver(outage.one, logoutToken)).status).toBe(200)
        expect(await who(outage.one, browser)).toBeNull()
        expect(await who(outage.two, browser)).toBeNull()
        expect((await deliver(outage.one, logoutToken)).status).toBe(400)
      },
    )

    it('that starts halfway lets the token be sent again', async () => {
      const browser = await outage.signIn()
      const logoutToken = await outage.logoutToken({ sid: (await claimsOf(browser)).sid })
      const { store } = outage.stores
      const add = store.add.bind(store)
      vi.spyOn(store, 'add').mockImplementation((key, ...rest) => {
        if (key.startsWith('jti:')) outage.way.cut()
        return add(key, ...rest)
      })
      expectUnavailable(await deliver(outage.one, logoutToken))
      vi.restoreAllMocks()
      await outage.recover()
      expect((await deliver(outage.one, logoutToken)).status).toBe(200)
      expect(await who(outage.two, browser)).toBeNull()
    })
  })

  it('of a front-channel logout is answered with 503, and the same request ends the session later', async () => {
    const browser = await outage.signIn()
    const { iss, sid } = (await browser.fetch(`${outage.one.url}/profile`)).json<Record<'iss' | 'sid', string>>()
    const logoutUrl = `${outage.one.url}/frontchannel-logout?${new URLSearchParams({ iss, sid })}`
    outage.way.cut()
    expectUnavailable(await new UserAgent().send(logoutUrl))
    expect(await who(outage.two, browser)).toBe('ada')
    await outage.recover()
    expect((await new UserAgent().send(logoutUrl)).status).toBe(200)
    expect(await who(outage.two, browser)).toBeNull()
  })

  it('of endSessions() rejects, and the same call ends the sessions later', async () => {
    const browser = await outage.signIn()
    const end = () => new UserAgent().fetch(`${outage.one.url}/end/ada`, { method: 'POST' })
    outage.way.cut()
    expectUnavailable(await end())
    expect(await who(outage.two, browser)).toBe('ada')
    await outage.recover()
    expect((await end()).status).toBe(204)
    expect(await who(outage.two, browser)).toBeNull()
  })
}
