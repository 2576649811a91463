import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { userInfoRoute } from '../../src/index.js'
import { type App, register, startApp, startLocalProvider } from '../support/bed/app.js'
import { UserAgent } from '../support/bed/userAgent.js'

describe('userInfoRoute', () => {
  let provider: Awaited<ReturnType<typeof startLocalProvider>>
  let app: App

  beforeAll(async () => {
    provider = await startLocalProvider({ host: 'localhost' })
    app = await startApp(provider.issuer, {
      routes: (express) => {
        express.get('/user', userInfoRoute())
        express.get('/name', userInfoRoute({ claims: ['name'], logoutPath: '/sign-out' }))
      },
    })
    await register(provider, app)
  })
  afterAll(async () => {
    await app.close()
    await provider.close()
  })

  it('sends who is signed in, until when, and where to log in and out, without a token', async () => {
    const browser = new UserAgent()
    await browser.visit(`${app.url}/login`)
    const answer = await browser.fetch(`${app.url}/user`, { headers: { 'sec-fetch-site': 'same-origin' } })
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
    const token = (await browser.fetch(`${app.url}/token`)).json<{ token: string }>().token
    expect(answer.text).not.toContain(token)
  })

  it('sends only the chosen claims', async () => {
    const browser = new UserAgent()
    await browser.visit(`${app.url}/login`)
    expect((await browser.fetch(`${app.url}/name`)).json()).toMatchObject({
      claims: { name: 'Ada Lovelace' },
      logoutUrl: '/sign-out',
    })
    expect((await browser.fetch(`${app.url}/name`)).json().claims).not.toHaveProperty('sub')
  })

  it('sends the login URL to anonymous users', async () => {
    const answer = await new UserAgent().fetch(`${app.url}/user`)
    expect(answer.json()).toEqual({ isAuthenticated: false, loginUrl: '/login', logoutUrl: '/logout' })
  })

  it('refuses requests from other sites', async () => {
    const browser = new UserAgent()
    await browser.visit(`${app.url}/login`)
    const from = (site: string) => browser.fetch(`${app.url}/user`, { headers: { 'sec-fetch-site': site } })
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
