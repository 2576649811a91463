import { beforeEach, describe, expect, it } from 'vitest'
import { LoginRefusedError, type Refresh, type RelyingPartyOptions } from '../../src/index.js'
import { muteExpress, type SpoiledBed, startBed } from '../support/bed/bed.js'
import { expectAccepted } from '../support/bed/conformance.js'
import { whoIs } from '../support/bed/observed.js'
import { tokenOf } from '../support/bed/refreshing.js'
import type { UserAgent } from '../support/bed/userAgent.js'
import { gate, until } from '../support/run/waiting.js'

/** Signs in with an access token that has expired at once. Refreshed ID tokens have `role: 'admin'`. */
async function start(onRefresh?: RelyingPartyOptions['onRefresh']): Promise<{ bed: SpoiledBed; browser: UserAgent }> {
  const bed = await startBed({ spoil: { tokens: { expires_in: 0 } }, options: onRefresh ? { onRefresh } : {} })
  const browser = await expectAccepted(bed)
  bed.provider.spoil = { claims: { role: 'admin' } }
  return { bed, browser }
}

const claimsOf = async ({ app }: SpoiledBed, browser: UserAgent) =>
  (await browser.fetch(`${app.url}/profile`)).json<Record<string, unknown>>()

const typesOf = ({ app }: SpoiledBed) => app.events.map(({ type }) => type)

beforeEach(muteExpress)

describe('onRefresh', () => {
  it('lets claims follow the refreshed ID token; without it they stay as they were at login', async () => {
    const control = await start()
    expect(await claimsOf(control.bed, control.browser)).not.toHaveProperty('role')

    const seen: Refresh[] = []
    const { bed, browser } = await start((refresh) => {
      seen.push(refresh)
      return { ...refresh.claims, role: refresh.idTokenClaims?.role }
    })
    const claims = await claimsOf(bed, browser)
    expect(claims).toMatchObject({ sub: 'ada', role: 'admin' })
    expect(await claimsOf(bed, browser)).toEqual(claims)
    expect(seen).toHaveLength(1)
    expect(seen[0]).toMatchObject({
      provider: 'default',
      claims: { sub: 'ada' },
      idTokenClaims: { iss: bed.provider.issuer },
    })
    expect(seen[0]?.accessToken).toBe(await tokenOf(bed, browser))
    expect(seen[0]?.scopes).toContain('openid')
  })

  it('changes neither the issuer nor the subject', async () => {
    const { bed, browser } = await start(() => ({ iss: 'https://evil.example', sub: 'grace', role: 'user' }))
    expect(await claimsOf(bed, browser)).toEqual({ iss: bed.provider.issuer, sub: 'ada', role: 'user' })
    expect(await whoIs(browser, bed.app.url)).toBe('ada')
  })

  it.each([
    ['throws', () => Promise.reject(new Error('database down'))],
    ['returns claims that JSON cannot hold', () => ({ big: 1n })],
  ] as const)('leaves the session its new tokens and old claims if it %s', async (_how, onRefresh) => {
    const { bed, browser } = await start(onRefresh)
    const token = await tokenOf(bed, browser)
    expect(await claimsOf(bed, browser)).toMatchObject({ sub: 'ada' })
    expect(await tokenOf(bed, browser)).toBe(token)
    expect(typesOf(bed).filter((type) => type.startsWith('session.'))).toEqual([
      'session.opened',
      'session.refreshed',
      'session.claims_failed',
    ])
  })

  it('ends the session with a LoginRefusedError', async () => {
    const { bed, browser } = await start(() => {
      throw new LoginRefusedError('disabled')
    })
    expect((await browser.fetch(`${bed.app.url}/profile`)).status).toBe(401)
    expect(await whoIs(browser, bed.app.url)).toBe(null)
    expect(bed.app.events).toContainEqual(expect.objectContaining({ type: 'session.ended', reason: 'login_refused' }))
  })

  it('is called once the tokens are stored: a logout meanwhile ends the session for good', async () => {
    const { opened, open } = gate()
    let calls = 0
    const { bed, browser } = await start(async ({ claims }) => {
      calls += 1
      await opened
      return { ...claims, role: 'late' }
    })
    const waiting = browser.fetch(`${bed.app.url}/profile`)
    await until(() => calls === 1)
    expect(typesOf(bed)).toContain('session.refreshed')
    // Another request finds the new tokens in the store, and needs no refresh.
    expect(await tokenOf(bed, browser)).toEqual(expect.any(String))
    expect(bed.provider.requests('token')).toHaveLength(2)
    await browser.fetch(`${bed.app.url}/logout`, { method: 'POST', headers: { accept: 'application/json' } })
    open()
    expect((await waiting).status).toBe(401)
    expect(await whoIs(browser, bed.app.url)).toBe(null)
    expect(calls).toBe(1)
  })
})
