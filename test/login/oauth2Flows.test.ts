import { beforeEach, describe, expect, it } from 'vitest'
import { login, type RelyingPartyOptions, requireStepUp } from '../../src/index.js'
import { muteExpress } from '../support/bed/bed.js'
import { UserAgent } from '../support/bed/userAgent.js'
import { type OAuth2Site, oauth2, SERVER, startOAuth2 } from '../support/provider/oauth2Site.js'
import { configurationErrorSaying } from '../support/run/configurationError.js'
import { fakeDate, pass } from '../support/run/waiting.js'

beforeEach(muteExpress)

const welcome: RelyingPartyOptions['onLogin'] = (login) => {
  login.returnTo = '/welcome'
}

const leave: RelyingPartyOptions['onLogin'] = (login) => {
  login.returnTo = 'https://evil.example/'
}

const JSON_PLEASE = { headers: { accept: 'application/json' } }

describe('a session at an OAuth 2.0 provider', () => {
  async function refreshing(): Promise<{ site: OAuth2Site; browser: UserAgent }> {
    fakeDate()
    const site = await startOAuth2()
    Object.assign(site.tokens, { refresh_token: 'refresh-1', expires_in: '600' })
    const browser = await site.signIn()
    Object.assign(site.tokens, { access_token: 'token-2', refresh_token: 'refresh-2', scope: 'read:user' })
    pass(590)
    return { site, browser }
  }

  it('is refreshed, and follows scopes that the provider has taken away', async () => {
    const { site, browser } = await refreshing()
    expect((await browser.send(`${site.url}/token`)).json()).toEqual({ token: 'token-2' })
    const [, sent] = site.received('/token')
    expect(Object.fromEntries(sent?.body ?? [])).toEqual({ grant_type: 'refresh_token', refresh_token: 'refresh-1' })
    expect((await site.who(browser)).json()).toMatchObject({ subject: '42', scopes: ['read:user'] })
    expect(site.received('/me')).toHaveLength(1)
  })

  it('ignores the ID token of another user in a refresh', async () => {
    const { site, browser } = await refreshing()
    site.tokens.id_token = 'e30.eyJzdWIiOiJldmUifQ.c2ln'
    expect((await browser.send(`${site.url}/token`)).json()).toEqual({ token: 'token-2' })
    expect((await site.who(browser)).json()).toMatchObject({ subject: '42' })
  })

  it.each([
    ['with status 400', () => Response.json({ error: 'invalid_grant' }, { status: 400 })],
    ['with status 200', () => Response.json({ error: 'invalid_grant' })],
    ['with a code of its own', () => Response.json({ error: 'bad_refresh_token' })],
  ])('ends when the provider refuses its refresh token %s', async (_how, reply) => {
    const { site, browser } = await refreshing()
    site.replies['/token'] = reply
    await browser.send(`${site.url}/token`)
    expect((await site.who(browser)).status).toBe(401)
    expect(site.events).toContainEqual(expect.objectContaining({ type: 'session.ended', reason: 'refresh_refused' }))
  })

  it('passes the guards of the scopes that were granted, with commas between them', async () => {
    const site = await startOAuth2()
    const browser = await site.signIn()
    expect((await browser.send(`${site.url}/email`, JSON_PLEASE)).status).toBe(200)
    expect((await browser.send(`${site.url}/delete`, JSON_PLEASE)).status).toBe(403)
  })

  it('has the scopes that were requested if the provider names none', async () => {
    const site = await startOAuth2()
    delete site.tokens.scope
    expect((await site.who(await site.signIn())).json()).toMatchObject({ scopes: ['read:user', 'user:email'] })
  })

  it('has no scope if the provider names an empty one', async () => {
    const site = await startOAuth2()
    site.tokens.scope = ''
    expect((await site.who(await site.signIn())).json()).toMatchObject({ scopes: [] })
  })

  it('revokes its refresh token at logout, which stays local', async () => {
    const site = await startOAuth2(oauth2({ revocationEndpoint: `${SERVER}/revoke` }))
    site.tokens.refresh_token = 'refresh-1'
    const browser = await site.signIn()
    const answer = await browser.send(`${site.url}/logout`, { method: 'POST', from: site.url, ...JSON_PLEASE })
    expect(answer.json()).toEqual({ logoutUrl: `${site.url}/` })
    expect(site.received('/revoke').map(({ body }) => body.get('token'))).toEqual(['refresh-1'])
    expect((await site.who(browser)).status).toBe(401)
  })

  it('asks for the profile again with fetchUserInfo()', async () => {
    const site = await startOAuth2()
    const browser = await site.signIn()
    site.user.answer = { id: 42, name: 'Ada King' }
    expect((await browser.send(`${site.url}/userinfo`)).json()).toEqual({ iss: SERVER, sub: '42', name: 'Ada King' })
  })

  it('refuses the profile of another user there', async () => {
    const site = await startOAuth2()
    const browser = await site.signIn()
    site.user.answer = { id: 43, name: 'Eve' }
    await browser.send(`${site.url}/userinfo`)
    expect(site.errors).toMatchObject([{ code: 'ERR_USERINFO_INVALID', cause: { claim: 'sub' } }])
  })

  it('refreshes an access token that the profile endpoint refuses', async () => {
    fakeDate()
    const site = await startOAuth2()
    Object.assign(site.tokens, { refresh_token: 'refresh-1', expires_in: 600 })
    const browser = await site.signIn()
    site.tokens.access_token = 'token-2'
    site.replies['/me'] = ({ headers }) =>
      headers.get('authorization') === 'Bearer token-2'
        ? Response.json(site.user.answer)
        : Response.json({ message: 'Bad credentials' }, { status: 401 })
    pass(60)
    expect((await browser.send(`${site.url}/userinfo`)).json()).toMatchObject({ sub: '42' })
  })
})

describe('a response of an OAuth 2.0 provider by form_post', () => {
  it('signs the user in, and its other fields reach profile()', async () => {
    const told: unknown[] = []
    const site = await startOAuth2(
      oauth2({
        responseMode: 'form_post',
        profile({ parameters }) {
          told.push(parameters.user)
          return { claims: { sub: '42' } }
        },
      }),
    )
    const browser = new UserAgent()
    const sent = await site.begin(browser)
    expect(sent.get('response_mode')).toBe('form_post')
    const body = { code: 'the-code', state: sent.get('state') ?? '', user: '{"name":"Ada"}' }
    await browser.visit(`${site.url}/callback`, { method: 'POST', body, from: SERVER })
    expect(site.errors).toEqual([])
    expect(told).toEqual(['{"name":"Ada"}'])
    expect((await site.who(browser)).json()).toMatchObject({ subject: '42' })
  })
})

describe('a password login at an OAuth 2.0 provider', () => {
  const post = (site: OAuth2Site, browser: UserAgent) =>
    browser.send(`${site.url}/password`, {
      method: 'POST',
      body: { username: 'ada', password: 'correct horse' },
      from: site.url,
      ...JSON_PLEASE,
    })

  it('signs in the user that profile() finds, and leads where onLogin says', async () => {
    const site = await startOAuth2(oauth2(), { onLogin: welcome })
    const browser = new UserAgent()
    expect((await post(site, browser)).json()).toEqual({ returnTo: '/welcome' })
    expect(site.received('/token')[0]?.body.get('scope')).toBe('read:user user:email')
    expect((await site.who(browser)).json()).toMatchObject({ claims: { iss: SERVER, sub: '42' } })
    expect(site.events.find(({ type }) => type === 'login.verified')).toMatchObject({ checks: ['profile'] })
  })

  it('leads to no other site', async () => {
    const site = await startOAuth2(oauth2(), { onLogin: leave })
    const browser = new UserAgent()
    await post(site, browser)
    expect(site.errors).toMatchObject([{ code: 'ERR_CONFIGURATION' }])
    expect((await site.who(browser)).status).toBe(401)
  })
})

describe('a device login at an OAuth 2.0 provider', () => {
  const provider = oauth2({ metadata: { device_authorization_endpoint: `${SERVER}/device/code` } })

  async function approve(options: Partial<RelyingPartyOptions>) {
    fakeDate()
    const site = await startOAuth2(provider, options)
    const code = { device_code: 'device-code', user_code: 'AB-CD', verification_uri: `${SERVER}/device` }
    site.replies['/device/code'] = () => Response.json({ ...code, expires_in: 900, interval: 5 })
    const browser = new UserAgent()
    const look = () => browser.send(`${site.url}/device`, JSON_PLEASE)
    expect((await look()).json()).toMatchObject({ status: 'pending', user_code: 'AB-CD' })
    site.replies['/token'] = () => Response.json({ error: 'authorization_pending' })
    pass(6)
    expect((await look()).json()).toMatchObject({ status: 'pending' })
    delete site.replies['/token']
    pass(6)
    return { site, browser, answer: await look() }
  }

  it('signs in the user that profile() finds, and leads where onLogin says', async () => {
    const { site, browser, answer } = await approve({ onLogin: welcome })
    expect(site.errors).toEqual([])
    expect(answer.json()).toMatchObject({ returnTo: '/welcome' })
    expect((await site.who(browser)).json()).toMatchObject({ claims: { iss: SERVER, sub: '42' } })
  })

  it('leads to no other site', async () => {
    const { site, browser } = await approve({ onLogin: leave })
    expect(site.errors).toMatchObject([{ code: 'ERR_CONFIGURATION' }])
    expect((await site.who(browser)).status).toBe(401)
  })
})

describe('what needs an ID token', () => {
  it('is refused by login() at an OAuth 2.0 provider, without a login', async () => {
    const site = await startOAuth2(oauth2(), {}, (app) => {
      app.get('/age', login({ maxAge: 60 }))
      app.get('/acr', login({ acrValues: 'gold' }))
      app.get('/prompt', login({ prompt: 'consent' }))
    })
    const browser = new UserAgent()
    await browser.send(`${site.url}/age`)
    await browser.send(`${site.url}/acr`)
    expect(site.errors).toEqual([configurationErrorSaying('login.maxAge'), configurationErrorSaying('login.acrValues')])
    expect((await browser.send(`${site.url}/prompt`)).status).toBe(303)
  })

  it('is refused by requireStepUp() with such a session, and leads to no login', async () => {
    const site = await startOAuth2(oauth2(), {}, (app) => {
      app.get('/transfer', requireStepUp({ maxAge: 60 }), (_req, res) => void res.json({}))
    })
    const browser = await site.signIn()
    expect((await browser.send(`${site.url}/transfer`)).status).toBe(500)
    expect((await browser.send(`${site.url}/transfer`, JSON_PLEASE)).status).toBe(500)
    const error = configurationErrorSaying('requireStepUp()')
    expect(site.errors).toEqual([error, error])
    const anonymous = await new UserAgent().send(`${site.url}/transfer`)
    expect(anonymous.headers.location).toContain('/login?')
  })
})
