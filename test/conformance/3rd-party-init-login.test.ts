import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { login } from '../../src/index.js'
import { type App, CLIENT_SECRET, register, startApp } from '../support/bed/app.js'
import { useProvider } from '../support/bed/bed.js'
import { transactionCookies } from '../support/bed/observed.js'
import { UserAgent } from '../support/bed/userAgent.js'

describe('3rd-party-init-login', () => {
  const { provider } = useProvider()
  let app: App

  beforeAll(async () => {
    const other = { issuer: 'https://other.example', clientId: 'app', clientSecret: CLIENT_SECRET }
    const local = { issuer: provider.issuer, clientId: 'app', clientSecret: CLIENT_SECRET, scope: 'openid' }
    app = await startApp(provider.issuer, {
      options: { providers: { other, local } },
      routes: (express) => void express.all('/login-anyhow', login()),
    })
    await register(provider, app, { redirect_uris: [`${app.url}/callback/local`] })
  })
  afterAll(() => app.close())

  const initiate = (parameters: Record<string, string>, browser = new UserAgent()) =>
    browser.visit(`${app.url}/login?${new URLSearchParams(parameters)}`)

  it('starts a login at the given issuer, and redirects to target_link_uri', async () => {
    const browser = new UserAgent()
    const ended = await initiate({ iss: provider.issuer, target_link_uri: `${app.url}/who?tab=1` }, browser)
    expect(ended.url).toBe(`${app.url}/who?tab=1`)
    expect(ended.json()).toEqual({ kind: 'session', subject: 'ada' })
  })

  it('passes login_hint on', async () => {
    const ended = await initiate({ iss: provider.issuer, login_hint: 'grace', target_link_uri: `${app.url}/who` })
    expect(ended.json()).toEqual({ kind: 'session', subject: 'grace' })
  })

  it('also starts one for a cross-site form POST', async () => {
    const browser = new UserAgent()
    const ended = await browser.visit(`${app.url}/login-anyhow`, {
      method: 'POST',
      body: { iss: provider.issuer, target_link_uri: `${app.url}/who` },
      from: provider.issuer,
    })
    expect(ended.json()).toEqual({ kind: 'session', subject: 'ada' })
  })

  it('redirects a form POST to a GET, with which the browser sends its cookies', async () => {
    const browser = new UserAgent()
    const sent = { iss: provider.issuer, login_hint: 'grace', target_link_uri: `${app.url}/who?q=${'x'.repeat(2000)}` }
    for (let click = 0; click < 25; click++) {
      const answer = await browser.send(`${app.url}/login-anyhow?tab=1`, {
        method: 'POST',
        body: { ...sent, scope: 'openid reports:read' },
        from: provider.issuer,
      })
      expect([answer.status, answer.headers['set-cookie']]).toEqual([303, undefined])
      const to = new URL(String(answer.headers.location))
      expect(to.origin + to.pathname).toBe(`${app.url}/login-anyhow`)
      expect(Object.fromEntries(to.searchParams)).toEqual({ tab: '1', ...sent })
      expect((await browser.send(to.href, { from: provider.issuer })).status).toBe(303)
      expect(transactionCookies(browser, app.url).length).toBeLessThanOrEqual(20)
    }
    expect(transactionCookies(browser, app.url)).toHaveLength(20)
  })

  it('also starts one that leads back to the login: it is no mistake of the application', async () => {
    app.errors.length = 0
    const browser = new UserAgent()
    await browser.visit(`${app.url}/login-anyhow`, {
      method: 'POST',
      body: { iss: provider.issuer, target_link_uri: `${app.url}/login-anyhow` },
      from: provider.issuer,
    })
    expect(browser.visited.some((url) => url.startsWith(`${provider.issuer}/auth?`))).toBe(true)
    expect(app.errors).not.toContainEqual(expect.objectContaining({ code: 'ERR_CONFIGURATION' }))
  })

  it('starts no login for any other cross-site POST, but one for a same-site POST', async () => {
    const browser = new UserAgent()
    const post = (from: string) =>
      browser.send(`${app.url}/login-anyhow?provider=local`, { method: 'POST', body: {}, from })
    const answer = await post(provider.issuer)
    expect([answer.status, answer.headers.location]).toEqual([303, `${app.url}/login-anyhow?provider=local`])
    expect(transactionCookies(browser, app.url)).toEqual([])
    await post(app.url)
    expect(transactionCookies(browser, app.url)).toHaveLength(1)
  })

  it('passes login_hint on for a signed-in user, and redirects the user at once without one', async () => {
    const browser = new UserAgent()
    const target_link_uri = `${app.url}/who`
    await initiate({ iss: provider.issuer, target_link_uri }, browser)
    browser.visited.length = 0
    const straight = await initiate({ iss: provider.issuer, target_link_uri }, browser)
    expect(straight.json()).toEqual({ kind: 'session', subject: 'ada' })
    expect(browser.visited).toHaveLength(2)
    await initiate({ iss: provider.issuer, target_link_uri, login_hint: 'grace' }, browser)
    const request = new URL(browser.visited.find((url) => url.startsWith(`${provider.issuer}/auth?`)) ?? '')
    expect(request.searchParams.get('login_hint')).toBe('grace')
  })

  it.each([
    ['grace', 'grace'],
    ['g'.repeat(512), 'g'.repeat(512)],
    ['g'.repeat(513), null],
    ['\u20ac'.repeat(512), null],
  ])('limits the length of the hint, which is part of the URL: %s', async (login_hint, expected) => {
    const answer = await new UserAgent().send(
      `${app.url}/login?${new URLSearchParams({ iss: provider.issuer, login_hint })}`,
    )
    expect(new URL(String(answer.headers.location)).searchParams.get('login_hint')).toBe(expected)
  })

  it.each(['https://unknown.example', '', 'not a URL'])('rejects the unknown issuer %o', async (iss) => {
    app.errors.length = 0
    const browser = new UserAgent()
    expect((await initiate({ iss }, browser)).status).toBe(400)
    expect(app.errors).toMatchObject([{ code: 'ERR_UNKNOWN_PROVIDER' }])
    expect(browser.visited).toHaveLength(1)
  })

  it.each(['https://evil.example/', '//evil.example', 'javascript:alert(1)'])(
    'does not redirect to %s, which is another origin',
    async (target) => {
      const ended = await initiate({ iss: provider.issuer, target_link_uri: target })
      expect(ended.url).toBe(`${app.url}/`)
    },
  )

  it('ignores scopes and other parameters', async () => {
    const browser = new UserAgent()
    const chosen = { scope: 'openid reports:read', prompt: 'none', max_age: '0', response_type: 'id_token' }
    await initiate({ iss: provider.issuer, ...chosen, redirect_uri: 'https://evil.example/' }, browser)
    const asked = new URL(browser.visited.find((url) => url.startsWith(`${provider.issuer}/auth?`)) ?? '').searchParams
    expect(asked.get('scope')).toBe('openid')
    expect(asked.get('redirect_uri')).toBe(`${app.url}/callback/local`)
    expect([asked.get('prompt'), asked.get('max_age'), asked.get('response_type')]).toEqual([null, null, 'code'])
  })

  it('rejects a repeated parameter', async () => {
    const twice = new URLSearchParams([
      ['iss', provider.issuer],
      ['iss', 'https://other.example'],
    ])
    expect((await new UserAgent().visit(`${app.url}/login?${twice}`)).status).toBe(400)
  })
})
