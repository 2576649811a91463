import { describe, expect, it } from 'vitest'
import type { SpoiledBed } from '../support/bed/bed.js'
import { expectAccepted } from '../support/bed/conformance.js'
import { type Answer, UserAgent } from '../support/bed/userAgent.js'
import { signInAs, startLogoutBed, subjectIn } from '../support/provider/logoutTokens.js'

/** Loads the logout page as a frame on the provider's page does: cross-site, without the session's cookie. */
function loadFrame({ app }: SpoiledBed, query: Record<string, string> | string): Promise<Answer> {
  const headers = { 'sec-fetch-dest': 'iframe', 'sec-fetch-site': 'cross-site' }
  return new UserAgent().send(`${app.url}/frontchannel-logout?${new URLSearchParams(query)}`, { headers })
}

describe('rp-frontchannel-opinitlogout', () => {
  it('ends the session identified by iss and sid, and no other; nothing is revoked', async () => {
    const bed = await startLogoutBed()
    const one = await expectAccepted(bed)
    const other = await signInAs(bed, { sid: 'sid-2' })
    const requests = bed.provider.received.length
    const answer = await loadFrame(bed, { iss: bed.provider.issuer, sid: 'sid-1' })
    expect(answer.status).toBe(200)
    expect(await subjectIn(bed, one)).toBeNull()
    expect(await subjectIn(bed, other)).toBe('ada')
    expect(bed.provider.received).toHaveLength(requests)
    expect(bed.app.events.at(-1)).toMatchObject({ type: 'session.ended', reason: 'frontchannel_logout' })
  })

  it('can be framed by the provider only, and is not cached', async () => {
    const bed = await startLogoutBed()
    await expectAccepted(bed)
    const { headers } = await loadFrame(bed, { iss: bed.provider.issuer, sid: 'sid-1' })
    expect(headers['content-security-policy']).toBe(
      `default-src 'none'; frame-ancestors ${new URL(bed.provider.issuer).origin}`,
    )
    expect(headers['x-frame-options']).toBeUndefined()
    expect(headers['cache-control']).toBe('no-store')
  })

  it('answers the same whether the session exists or not', async () => {
    const bed = await startLogoutBed()
    await expectAccepted(bed)
    const { issuer } = bed.provider
    const answers = [
      await loadFrame(bed, { iss: issuer, sid: 'sid-1' }),
      await loadFrame(bed, { iss: issuer, sid: 'another' }),
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
    const bed = await startLogoutBed()
    const browser = await expectAccepted(bed)
    const answer = await loadFrame(bed, queryOf(bed.provider.issuer))
    expect(answer.status).toBe(400)
    expect(bed.app.errors.splice(0)).toMatchObject([{ code: 'ERR_LOGOUT_REQUEST_INVALID' }])
    expect(await subjectIn(bed, browser)).toBe('ada')
  })

  it('refuses a POST', async () => {
    const bed = await startLogoutBed()
    const browser = await expectAccepted(bed)
    const query = new URLSearchParams({ iss: bed.provider.issuer, sid: 'sid-1' })
    const answer = await browser.send(`${bed.app.url}/frontchannel-logout?${query}`, { method: 'POST' })
    expect(answer.status).toBe(405)
    expect(await subjectIn(bed, browser)).toBe('ada')
  })
})
