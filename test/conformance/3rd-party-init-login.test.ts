import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { login } from '../../src/index.js'
import { type App, CLIENT_SECRET, register, startApp, startLocalProvider } from '../support/bed/app.js'
import { UserAgent } from '../support/bed/userAgent.js'

describe('3rd-party-init-login', () => {
  let provider: Awaited<ReturnType<typeof startLocalProvider>>
  let app: App

  beforeAll(async () => {
    provider = await startLocalProvider({ host: 'localhost' })
    const other = { issuer: 'https://other.example', clientId: 'app', clientSecret: CLIENT_SECRET }
    const local = { issuer: provider.issuer, clientId: 'app', clientSecret: CLIENT_SECRET, scope: 'openid' }
    app = await startApp(provider.issuer, {
      options: { providers: { other, local } },
      routes: (express) => void express.all('/login-anyhow', login()),
    })
    await register(provider, app, { redirect_uris: [`${app.url}/callback/local`] })
  })
  afterAll(async () => {
    await app.close()
    await provider.close()
  })

  const initiate = (parameters: Record<string, string>, browser = new UserAgent()) =>
    browser.visit(`${app.url}/login?${new URLSearchParams(parameters)}`)

  it('starts a login at the issuer that is named, and leads to target_link_uri', async () => {
    const browser = new UserAgent()
    const ended = await initiate({ iss: provider.issuer, target_link_uri: `${app.url}/who?tab=1` }, browser)
    expect(ended.url).toBe(`${app.url}/who?tab=1`)
    expect(ended.json()).toEqual({ kind: 'session', subject: 'ada' })
  })

  it('passes login_hint on', async () => {
    const ended = await initiate({ iss: provider.issuer, login_hint: 'grace', target_link_uri: `${app.url}/who` })
    expect(ended.json()).toEqual({ kind: 'session', subject: 'grace' })
  })

  it('starts one by a form POST of another site too', async () => {
    const browser = new UserAgent()
    const ended = await browser.visit(`${app.url}/login-anyhow`, {
      method: 'POST',
      body: { iss: provider.issuer, target_link_uri: `${app.url}/who` },
      from: provider.issuer,
    })
    expect(ended.json()).toEqual({ kind: 'session', subject: 'ada' })
  })

  it.each(['https://unknown.example', '', 'not a URL'])('rejects the issuer %o, which is not known', async (iss) => {
    app.errors.length = 0
    const browser = new UserAgent()
    expect((await initiate({ iss }, browser)).status).toBe(400)
    expect(app.errors).toMatchObject([{ code: 'ERR_UNKNOWN_PROVIDER' }])
    expect(browser.visited).toHaveLength(1)
  })

  it.each(['https://evil.example/', '//evil.example', 'javascript:alert(1)'])(
    'does not lead to %s, which is another origin',
    async (target) => {
      const ended = await initiate({ iss: provider.issuer, target_link_uri: target })
      expect(ended.url).toBe(`${app.url}/`)
    },
  )

  it('lets the caller choose neither scopes nor other parameters', async () => {
    const browser = new UserAgent()
    const chosen = { scope: 'openid reports:read', prompt: 'none', max_age: '0', response_type: 'id_token' }
    await initiate({ iss: provider.issuer, ...chosen, redirect_uri: 'https://evil.example/' }, browser)
    const asked = new URL(browser.visited.find((url) => url.startsWith(`${provider.issuer}/auth?`)) ?? '').searchParams
    expect(asked.get('scope')).toBe('openid')
    expect(asked.get('redirect_uri')).toBe(`${app.url}/callback/local`)
    expect([asked.get('prompt'), asked.get('max_age'), asked.get('response_type')]).toEqual([null, null, 'code'])
  })

  it('rejects a parameter that is given twice', async () => {
    const twice = new URLSearchParams([
      ['iss', provider.issuer],
      ['iss', 'https://other.example'],
    ])
    expect((await new UserAgent().visit(`${app.url}/login?${twice}`)).status).toBe(400)
  })
})
