import { describe, expect, it } from 'vitest'
import { expectAccepted, type Flow } from '../support/bed/conformance.js'
import { type Answer, UserAgent } from '../support/bed/userAgent.js'
import { signInAs, startLogoutFlow, subjectIn } from '../support/provider/logoutTokens.js'

/** Loads the logout page as a frame on the provider's page does: cross-site, without the session's cookie. */
function loadFrame({ app }: Flow, query: Record<string, string> | string): Promise<Answer> {
  const headers = { 'sec-fetch-dest': 'iframe', 'sec-fetch-site': 'cross-site' }
  return new UserAgent().send(`${app.url}/frontchannel-logout?${new URLSearchParams(query)}`, { headers })
}

describe('rp-frontchannel-opinitlogout', () => {
  it('ends the session identified by iss and sid, and no other; nothing is revoked', async () => {
    const flow = await startLogoutFlow()
    const one = await expectAccepted(flow)
    const other = await signInAs(flow, { sid: 'sid-2' })
    const requests = flow.provider.received.length
    const answer = await loadFrame(flow, { iss: flow.provider.issuer, sid: 'sid-1' })
    expect(answer.status).toBe(200)
    expect(await subjectIn(flow, one)).toBeNull()
    expect(await subjectIn(flow, other)).toBe('ada')
    expect(flow.provider.received).toHaveLength(requests)
    expect(flow.app.events.at(-1)).toMatchObject({ type: 'session.ended', reason: 'frontchannel_logout' })
  })

  it('can be framed by the provider only, and is not cached', async () => {
    const flow = await startLogoutFlow()
    await expectAccepted(flow)
    const { headers } = await loadFrame(flow, { iss: flow.provider.issuer, sid: 'sid-1' })
    expect(headers['content-security-policy']).toBe(
      `default-src 'none'; frame-ancestors ${new URL(flow.provider.issuer).origin}`,
    )
    expect(headers['x-frame-options']).toBeUndefined()
    expect(headers['cache-control']).toBe('no-store')
  })

  it('answers the same whether the session exists or not', async () => {
    const flow = await startLogoutFlow()
    await expectAccepted(flow)
    const { issuer } = flow.provider
    const answers = [
      await loadFrame(flow, { iss: issuer, sid: 'sid-1' }),
      await loadFrame(flow, { iss: issuer, sid: 'another' }),
    ]
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1)
  })

  it.each<[string, (issuer: string) => Record<string, string> | string]>([
    ['no iss', () => ({ sid: 'sid-1' })],
    ['no sid', (iss) => ({ iss })],
    ['nothing', () => ({})],
    ['another iss', () => ({ iss: 'https://other.example', sid: 'sid-1' })],
    ['an iss that is not a URL', () => ({ iss: 'provider', sid: 'sid-1' })],
    ['an iss with an additional path', (iss) => ({ iss: `${iss}/more`, sid: 'sid-1' })],
    ['a repeated sid', (iss) => `iss=${encodeURIComponent(iss)}&sid=sid-1&sid=sid-1`],
  ])('refuses a request with %s, and keeps the session', async (_, queryOf) => {
    const flow = await startLogoutFlow()
    const browser = await expectAccepted(flow)
    const answer = await loadFrame(flow, queryOf(flow.provider.issuer))
    expect(answer.status).toBe(400)
    expect(flow.app.errors.splice(0)).toMatchObject([{ code: 'ERR_LOGOUT_REQUEST_INVALID' }])
    expect(await subjectIn(flow, browser)).toBe('ada')
  })

  it('refuses a POST', async () => {
    const flow = await startLogoutFlow()
    const browser = await expectAccepted(flow)
    const query = new URLSearchParams({ iss: flow.provider.issuer, sid: 'sid-1' })
    const answer = await browser.send(`${flow.app.url}/frontchannel-logout?${query}`, { method: 'POST' })
    expect(answer.status).toBe(405)
    expect(await subjectIn(flow, browser)).toBe('ada')
  })
})
