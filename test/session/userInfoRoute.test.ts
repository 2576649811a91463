import { describe, expect, it } from 'vitest'
import { userInfoRoute } from '../../src/index.js'
import { useBed } from '../support/bed/bed.js'
import { UserAgent } from '../support/bed/userAgent.js'

describe('userInfoRoute', () => {
  const { bed } = useBed({
    routes: (express) => {
      express.get('/user', userInfoRoute())
      express.get('/name', userInfoRoute({ claims: ['name'], logoutPath: '/sign-out' }))
    },
  })

  it('sends who is signed in, until when, and where to log in and out, without a token', async () => {
    const browser = new UserAgent()
    await browser.visit(`${bed.app.url}/login`)
    const answer = await browser.fetch(`${bed.app.url}/user`, { headers: { 'sec-fetch-site': 'same-origin' } })
    const week = Date.now() / 1000 + 604_800
    const user = answer.json<{ sessionEndsAt: number; claims: object }>()
    expect(user).toMatchObject({
      isAuthenticated: true,
      claims: { sub: 'ada', name: 'Ada Lovelace' },
      loginUrl: '/login',
      logoutUrl: '/logout',
    })
    expect(Math.abs(user.sessionEndsAt - week)).toBeLessThan(60)
    for (const claim of ['nonce', 'at_hash', 'aud', 'exp']) expect(user.claims).not.toHaveProperty(claim)
    expect(answer.headers['cache-control']).toBe('no-store')
    const token = (await browser.fetch(`${bed.app.url}/token`)).json<{ token: string }>().token
    expect(answer.text).not.toContain(token)
  })

  it('sends only the chosen claims', async () => {
    const browser = new UserAgent()
    await browser.visit(`${bed.app.url}/login`)
    expect((await browser.fetch(`${bed.app.url}/name`)).json()).toMatchObject({
      claims: { name: 'Ada Lovelace' },
      logoutUrl: '/sign-out',
    })
    expect((await browser.fetch(`${bed.app.url}/name`)).json().claims).not.toHaveProperty('sub')
  })

  it('sends the login URL to anonymous users', async () => {
    const answer = await new UserAgent().fetch(`${bed.app.url}/user`)
    expect(answer.json()).toEqual({ isAuthenticated: false, loginUrl: '/login', logoutUrl: '/logout' })
  })

  it('refuses requests from other sites', async () => {
    const browser = new UserAgent()
    await browser.visit(`${bed.app.url}/login`)
    const from = (site: string) => browser.fetch(`${bed.app.url}/user`, { headers: { 'sec-fetch-site': site } })
    const refused = await from('cross-site')
    expect(refused.status).toBe(403)
    expect(refused.text).not.toContain('Ada')
    expect((await from('same-origin')).status).toBe(200)
  })

  it.each([{ claims: [] }, { claims: 'family_name' }, { logoutPath: 'logout' }, { claim: ['name'] }])(
    'refuses %o at construction',
    (options) => {
      expect(() => userInfoRoute(options as object)).toThrow('userInfoRoute.')
      expect(() => userInfoRoute({ claims: ['name'] })).not.toThrow()
    },
  )
})
