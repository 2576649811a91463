import { beforeEach, describe, expect, it } from 'vitest'
import { backchannelLogout, frontchannelLogout, type ProviderOptions } from '../../src/index.js'
import { muteExpress } from '../support/bed/bed.js'
import { UserAgent } from '../support/bed/userAgent.js'
import { idToken, type OAuth2Site, SERVER, startOAuth2 } from '../support/provider/oauth2Site.js'
import { fakeDate, pass } from '../support/run/waiting.js'

beforeEach(muteExpress)

type Claims = Readonly<Record<string, unknown>>

const CONTOSO = `${SERVER}/contoso/v2.0`
const FABRIKAM = `${SERVER}/fabrikam/v2.0`
const TEMPLATE = `${SERVER}/{tenantid}/v2.0`

function openid(issuer: string, changes: Partial<ProviderOptions> = {}): ProviderOptions {
  return {
    issuer,
    metadata: {
      issuer,
      authorization_endpoint: `${SERVER}/authorize`,
      token_endpoint: `${SERVER}/token`,
      userinfo_endpoint: `${SERVER}/me`,
    },
    clientId: 'app',
    clientSecret: 'client secret',
    idTokenSigningAlg: 'HS256',
    ...changes,
  }
}

/** Signs in with an ID token that has these claims. */
async function signInWith(site: OAuth2Site, claims: Claims, more?: Readonly<Record<string, string>>) {
  const browser = new UserAgent()
  const sent = await site.begin(browser)
  const nonce = sent.has('nonce') ? { nonce: sent.get('nonce') } : {}
  const id_token = idToken({ sub: 'ada', ...nonce, ...claims })
  Object.assign(site.tokens, { token_type: 'bearer', scope: 'openid', id_token })
  await site.respond(browser, sent.get('state'), more)
  return browser
}

async function expectAccepted(
  site: OAuth2Site,
  claims: Claims,
  issuer: string,
  more?: Readonly<Record<string, string>>,
) {
  const browser = await signInWith(site, claims, more)
  expect((await site.who(browser)).json()).toMatchObject({ claims: { iss: issuer, sub: 'ada' } })
  return browser
}

async function expectRefused(site: OAuth2Site, claims: Claims, claim: string) {
  site.errors.length = 0
  const browser = await signInWith(site, claims)
  expect(site.errors).toMatchObject([{ code: 'ERR_ID_TOKEN_INVALID', cause: { claim } }])
  expect((await site.who(browser)).status).toBe(401)
}

/** Lets the session be refreshed with this ID token, and returns whether it has the new access token. */
async function refreshWith(site: OAuth2Site, browser: UserAgent, claims: Claims): Promise<boolean> {
  pass(590)
  const fresh = `token-at-${Date.now()}`
  Object.assign(site.tokens, { access_token: fresh, id_token: idToken({ sub: 'ada', ...claims }) })
  return (await browser.send(`${site.url}/token`)).json().token === fresh
}

describe('an issuer with a placeholder', () => {
  it('is that of the tenant in the ID token', async () => {
    const site = await startOAuth2(openid(TEMPLATE))
    await expectAccepted(site, { iss: CONTOSO, tid: 'contoso' }, CONTOSO)
    await expectAccepted(site, { iss: FABRIKAM, tid: 'fabrikam' }, FABRIKAM)
  })

  it.each<[string, Claims]>([
    ['the issuer of another tenant', { iss: FABRIKAM, tid: 'contoso' }],
    ['no tid', { iss: CONTOSO }],
    ['the placeholder itself', { iss: TEMPLATE }],
    ['the placeholder as tid', { iss: TEMPLATE, tid: '{tenantid}' }],
    ['an array as tid', { iss: CONTOSO, tid: ['contoso'] }],
    ['a tid with a slash', { iss: `${SERVER}/a/b/v2.0`, tid: 'a/b' }],
    ['a tid with dots', { iss: `${SERVER}/../v2.0`, tid: '..' }],
    ['an empty tid', { iss: `${SERVER}//v2.0`, tid: '' }],
    ['a tid that String.replace would read', { iss: `${SERVER}/{tenantid}/v2.0`, tid: '$&' }],
    ['a tid of 101 characters', { iss: `${SERVER}/${'x'.repeat(101)}/v2.0`, tid: 'x'.repeat(101) }],
  ])('refuses %s', async (_what, claims) => {
    const site = await startOAuth2(openid(TEMPLATE))
    await expectRefused(site, claims, 'iss')
    await expectAccepted(site, { iss: CONTOSO, tid: 'contoso' }, CONTOSO)
  })

  it('keeps its tenant in a refresh', async () => {
    fakeDate()
    const site = await startOAuth2(openid(TEMPLATE))
    Object.assign(site.tokens, { refresh_token: 'refresh', expires_in: 600 })
    const browser = await expectAccepted(site, { iss: CONTOSO, tid: 'contoso' }, CONTOSO)
    expect(await refreshWith(site, browser, { iss: CONTOSO, tid: 'contoso' })).toBe(true)
    expect(await refreshWith(site, browser, { iss: FABRIKAM, tid: 'fabrikam' })).toBe(false)
    const failed = { type: 'session.refresh_failed', code: 'ERR_ID_TOKEN_INVALID' }
    expect(site.events).toContainEqual(expect.objectContaining(failed))
    expect((await site.who(browser)).json()).toMatchObject({ claims: { iss: CONTOSO } })
  })

  it('is compared with iss of the response', async () => {
    const site = await startOAuth2(openid(TEMPLATE))
    await expectAccepted(site, { iss: CONTOSO, tid: 'contoso' }, CONTOSO, { iss: CONTOSO })
    await signInWith(site, { iss: CONTOSO, tid: 'contoso' }, { iss: 'https://evil.example/contoso/v2.0' })
    expect(site.errors).toMatchObject([{ code: 'ERR_ISSUER_MISMATCH' }])
  })

  it('is found by the issuer of a tenant: by third parties and by logouts of the provider', async () => {
    const site = await startOAuth2(openid(TEMPLATE), {}, (app) => {
      app.get('/frontchannel', frontchannelLogout())
      app.post('/backchannel', backchannelLogout())
    })
    const begun = await site.begin(new UserAgent(), `?${new URLSearchParams({ iss: CONTOSO })}`)
    expect(begun.get('client_id')).toBe('app')
    const front = await expectAccepted(site, { iss: CONTOSO, tid: 'contoso', sid: 'session-1' }, CONTOSO)
    await front.clone().send(`${site.url}/frontchannel?${new URLSearchParams({ iss: CONTOSO, sid: 'session-1' })}`)
    expect((await site.who(front)).status).toBe(401)
    const back = await expectAccepted(site, { iss: CONTOSO, tid: 'contoso' }, CONTOSO)
    const events = { 'http://schemas.openid.net/event/backchannel-logout': {} }
    const token = (more: Claims) => ({ logout_token: idToken({ sub: 'ada', jti: 'j', events, iss: CONTOSO, ...more }) })
    const post = (more: Claims) => back.send(`${site.url}/backchannel`, { method: 'POST', body: token(more) })
    expect((await post({ tid: 'fabrikam' })).status).toBe(400)
    expect((await site.who(back)).status).toBe(200)
    expect((await post({ tid: 'contoso' })).status).toBe(200)
    expect((await site.who(back)).status).toBe(401)
    const unknown = new URLSearchParams({ iss: 'https://evil.example/contoso/v2.0', sid: 'session-1' })
    expect((await back.send(`${site.url}/frontchannel?${unknown}`)).status).toBe(400)
  })
})

describe('an alias of the issuer', () => {
  const ALIAS = 'example.com'
  const options = openid(SERVER, { issuerAliases: [ALIAS] })

  it('stands for the issuer in claims, and a refresh may use either', async () => {
    fakeDate()
    const site = await startOAuth2(options)
    Object.assign(site.tokens, { refresh_token: 'refresh', expires_in: 600 })
    const browser = await expectAccepted(site, { iss: ALIAS }, SERVER)
    expect(await refreshWith(site, browser, { iss: SERVER })).toBe(true)
    expect(await refreshWith(site, browser, { iss: ALIAS })).toBe(true)
    expect(site.errors).toEqual([])
    expect((await site.who(browser)).json()).toMatchObject({ claims: { iss: SERVER } })
  })

  it.each(['example', 'example.com.evil.example', 'https://example.com/', 'xample.com'])('is not %j', async (iss) => {
    await expectRefused(await startOAuth2(options), { iss }, 'iss')
  })

  it('is accepted only if it is configured', async () => {
    await expectRefused(await startOAuth2(openid(SERVER)), { iss: ALIAS }, 'iss')
  })
})

describe('trusted audiences', () => {
  it.each<[string, Claims, string | undefined]>([
    ['this client', {}, undefined],
    ['this client and a trusted one', { aud: ['app', 'mobile'] }, undefined],
    ['a trusted one as azp', { aud: ['app', 'mobile'], azp: 'mobile' }, undefined],
    ['a trusted one only', { aud: 'mobile' }, 'aud'],
    ['one that is not trusted', { aud: ['app', 'evil'] }, 'aud'],
    ['one that is not trusted as azp', { aud: ['app', 'mobile'], azp: 'evil' }, 'azp'],
  ])('with %s', async (_what, claims, claim) => {
    const site = await startOAuth2(openid(SERVER, { trustedAudiences: ['mobile'] }))
    if (claim) await expectRefused(site, { iss: SERVER, ...claims }, claim)
    else await expectAccepted(site, { iss: SERVER, ...claims }, SERVER)
  })

  it('are none by default', async () => {
    const site = await startOAuth2(openid(SERVER))
    await expectRefused(site, { iss: SERVER, aud: ['app', 'mobile'], azp: 'mobile' }, 'azp')
  })
})

describe('a provider that leaves the nonce out', () => {
  it('gets none, and may send none', async () => {
    const site = await startOAuth2(openid(SERVER, { nonce: false, pkce: 'refused' }))
    expect((await site.begin(new UserAgent())).has('nonce')).toBe(false)
    await expectAccepted(site, { iss: SERVER }, SERVER)
    await expectRefused(site, { iss: SERVER, nonce: 'of another login' }, 'nonce')
  })

  it('is refused unless the option says so', async () => {
    await expectRefused(await startOAuth2(openid(SERVER)), { iss: SERVER, nonce: undefined }, 'nonce')
  })
})

describe('metadata apart from the issuer', () => {
  /** Azure AD B2C has the policy in the URL of the metadata, not in the issuer. */
  const policy = (name: string): ProviderOptions => {
    const { metadata: _none, ...options } = openid(`${SERVER}/tenant/v2.0/`)
    return { ...options, metadataUrl: `${SERVER}/tenant/${name}/v2.0/.well-known/openid-configuration` }
  }
  const path = (name: string) => `/tenant/${name}/v2.0/.well-known/openid-configuration`
  const metadata =
    (name: string, issuer = `${SERVER}/tenant/v2.0/`) =>
    () =>
      Response.json({
        issuer,
        authorization_endpoint: `${SERVER}/${name}/authorize`,
        token_endpoint: `${SERVER}/token`,
        jwks_uri: `${SERVER}/keys`,
      })

  it('is that of each policy of one tenant', async () => {
    const site = await startOAuth2(undefined, { providers: { signIn: policy('sign-in'), edit: policy('edit') } })
    site.replies[path('sign-in')] = metadata('sign-in')
    site.replies[path('edit')] = metadata('edit')
    const browser = new UserAgent()
    for (const [name, policyName] of Object.entries({ signIn: 'sign-in', edit: 'edit' })) {
      const { headers } = await browser.send(`${site.url}/login?provider=${name}`)
      expect(headers.location).toContain(`${SERVER}/${policyName}/authorize?`)
    }
  })

  it('is refused if it names another issuer', async () => {
    const site = await startOAuth2(policy('sign-in'))
    site.replies[path('sign-in')] = metadata('sign-in', `${SERVER}/other/v2.0/`)
    expect((await new UserAgent().send(`${site.url}/login`)).status).toBe(502)
    expect(site.errors).toMatchObject([{ code: 'ERR_METADATA_INVALID' }])
  })
})
