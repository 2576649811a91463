import { beforeEach, describe, expect, it } from 'vitest'
import {
  apple,
  auth0,
  cognito,
  discord,
  facebook,
  github,
  gitlab,
  keycloak,
  okta,
  slack,
  spotify,
  x,
  zitadel,
} from '../../src/providers.js'
import { muteExpress } from '../support/bed/bed.js'
import { UserAgent } from '../support/bed/userAgent.js'
import { metadataOf, REGISTRATION, startPresetSite } from '../support/provider/presetSite.js'
import { configurationErrorSaying } from '../support/run/configurationError.js'
import rows from './fixtures/more.json' with { type: 'json' }
import { presets } from './presets.js'

beforeEach(muteExpress)

const POOL = { ...REGISTRATION, region: 'eu-central-1', userPoolId: 'eu-central-1_AbC', domain: 'example' }

describe('options of presets', () => {
  it.each([
    ['auth0.domain is missing', () => auth0(REGISTRATION as never)],
    ['write example.eu.auth0.com', () => auth0({ ...REGISTRATION, domain: 'https://example.eu.auth0.com/' })],
    ['okta.domain', () => okta({ ...REGISTRATION, domain: 'example.okta.com/oauth2' })],
    ['okta.authorizationServer', () => okta({ ...REGISTRATION, domain: 'a.okta.com', authorizationServer: 'a/../b' })],
    ['keycloak.realm is missing', () => keycloak({ ...REGISTRATION, url: 'https://a.example' } as never)],
    ['keycloak.url', () => keycloak({ ...REGISTRATION, url: 'a.example', realm: 'b' })],
    ['keycloak.realm', () => keycloak({ ...REGISTRATION, url: 'https://a.example', realm: '../master' })],
    ['zitadel.url', () => zitadel({ ...REGISTRATION, url: 'http://a.example' })],
    ['user name', () => gitlab({ ...REGISTRATION, baseUrl: 'https://a@b.example' })],
    ['cognito.region', () => cognito({ ...POOL, region: 'evil.example/' })],
    ['cognito.userPoolId', () => cognito({ ...POOL, userPoolId: 'eu-central-1/../b' })],
    ['cognito.domain', () => cognito({ ...POOL, domain: 'evil.example/a' })],
    ['facebook.version', () => facebook({ ...REGISTRATION, version: '24' })],
    ['slack.team', () => slack({ ...REGISTRATION, team: 'a b' })],
    ['apple.teamId is missing', () => apple({ clientId: 'app' } as never)],
  ])('are refused: %s', (said, create) => {
    expect(create).toThrow(configurationErrorSaying(said) as never)
  })

  it('are accepted otherwise, with local instances over http', () => {
    expect(auth0({ ...REGISTRATION, domain: 'login.example.com' }).issuer).toBe('https://login.example.com/')
    expect(okta({ ...REGISTRATION, domain: 'example.okta.com' }).issuer).toBe('https://example.okta.com')
    expect(gitlab(REGISTRATION).issuer).toBe('https://gitlab.com')
    expect(keycloak({ ...REGISTRATION, url: 'http://localhost:8080', realm: 'b' }).issuer).toBe(
      'http://localhost:8080/realms/b',
    )
    expect(cognito({ ...POOL, domain: 'login.example.com' }).metadata).toMatchObject({
      token_endpoint: 'https://login.example.com/oauth2/token',
    })
    expect(facebook({ ...REGISTRATION, version: 'v25.0' }).metadata).toMatchObject({
      token_endpoint: 'https://graph.facebook.com/v25.0/oauth/access_token',
    })
  })

  it('lead to GitHub Enterprise Server, and to Enterprise Cloud with its own host for the API', async () => {
    const hosts = {
      'https://git.example.com': 'https://git.example.com/api/v3',
      'https://a.ghe.com': 'https://api.a.ghe.com',
    }
    for (const [baseUrl, api] of Object.entries(hosts)) {
      const site = await startPresetSite(github({ ...REGISTRATION, baseUrl }), {
        answers: {
          [`${baseUrl}/login/oauth/access_token`]: { access_token: 'a', token_type: 'bearer' },
          [`${api}/user`]: { id: 1, login: 'ada' },
          [`${api}/user/emails`]: () => Response.json([]),
        },
      })
      expect(await site.signIn()).toMatchObject({ iss: `${baseUrl}/login/oauth`, sub: '1' })
    }
  })

  it('point an OAuth 2.0 preset at another server', async () => {
    const base = 'http://localhost:1'
    const options = {
      issuer: base,
      authorizationEndpoint: `${base}/authorize`,
      tokenEndpoint: `${base}/token`,
      userInfoEndpoint: `${base}/me`,
    }
    const site = await startPresetSite(discord({ ...REGISTRATION, ...options }), {
      answers: {
        [`${base}/token`]: { access_token: 'a', token_type: 'Bearer' },
        [`${base}/me`]: { id: '7', username: 'ada', avatar: null },
      },
    })
    const claims = await site.signIn(undefined, { code: 'c', iss: base })
    expect(claims).toEqual({ iss: base, sub: '7', name: 'ada', preferred_username: 'ada', email_verified: false })
    expect(site.profiles).toEqual([{ id: '7', username: 'ada', avatar: null }])
  })

  it('do not fill placeholders in what an application wrote', () => {
    const { authorizationParams } = auth0({ ...REGISTRATION, domain: 'a.example', audience: '{organization}' })
    expect(authorizationParams).toEqual({ audience: '{organization}' })
  })
})

describe('an option of a preset that becomes part of a URL', () => {
  const EVIL = [
    '',
    ' ',
    'a b',
    'a/../b',
    'evil.example/',
    'a?b',
    'a#b',
    'x@evil.example',
    'https://x@evil.example',
    '//evil.example',
  ]

  const options = Object.entries(rows).flatMap(([id, row]) =>
    Object.keys(row.options).map((name) => [id, name, row.options as Record<string, string>] as const),
  )

  it.each(options)('cannot lead %s elsewhere: %s', (id, name, usual) => {
    const create = presets[id] as unknown as (options: object) => { issuer: string }
    const { host } = new URL(create({ ...REGISTRATION, ...usual }).issuer)
    expect(host).not.toContain('evil')
    for (const value of EVIL) {
      expect(() => create({ ...REGISTRATION, ...usual, [name]: value })).toThrow(
        configurationErrorSaying(`${id}.${name}`),
      )
    }
  })
})

describe('discord()', () => {
  it('refuses a response without iss, as Discord announces one', async () => {
    const site = await startPresetSite(discord(REGISTRATION), { answers: {} })
    expect(await site.fail({ code: 'c' })).toMatchObject({ code: 'ERR_ISSUER_MISMATCH' })
  })
})

describe('x()', () => {
  it('asks for the address only with its scope', async () => {
    const site = await startPresetSite(x(REGISTRATION), {
      answers: {
        'https://api.x.com/2/oauth2/token': { access_token: 'a', token_type: 'bearer', scope: 'users.read tweet.read' },
        'https://api.x.com/2/users/me': { data: { id: '1', name: 'Ada', username: 'ada' } },
      },
    })
    expect(await site.signIn()).toMatchObject({ sub: '1', email_verified: false })
    expect(site.received.at(-1)?.url).not.toContain('confirmed_email')
  })

  it.each([
    ['no envelope', { id: '1' }],
    ['an error', { errors: [{ title: 'Not Found Error' }] }],
    ['nothing in the envelope', { data: null }],
  ])('signs no one in by an answer with %s', async (_what, answer) => {
    const answers: Record<string, object> = {
      'https://api.x.com/2/oauth2/token': { access_token: 'a', token_type: 'bearer' },
      'https://api.x.com/2/users/me': answer,
    }
    const site = await startPresetSite(x(REGISTRATION), { answers })
    expect(await site.fail()).toMatchObject({ code: 'ERR_USERINFO_INVALID' })
    site.answers['https://api.x.com/2/users/me'] = { data: { id: '1' } }
    await site.signIn()
  })
})

describe('spotify()', () => {
  it('identifies accounts by account_id, and by id where there is none', async () => {
    const site = await startPresetSite(spotify(REGISTRATION), {
      answers: {
        'https://accounts.spotify.com/api/token': { access_token: 'a', token_type: 'Bearer' },
        'https://api.spotify.com/v1/me': { id: 'ada', images: [] },
      },
    })
    expect(await site.signIn()).toMatchObject({ sub: 'ada' })
    site.answers['https://api.spotify.com/v1/me'] = { id: 'ada', account_id: 'a1' }
    expect(await site.signIn()).toMatchObject({ sub: 'a1' })
  })
})

describe('facebook()', () => {
  it('sends no proof if told so, or without a secret', async () => {
    const publicClient = { clientId: 'app', clientAuth: 'none' as const }
    for (const options of [{ ...REGISTRATION, appSecretProof: false }, publicClient]) {
      const site = await startPresetSite(facebook(options), {
        answers: {
          'https://graph.facebook.com/v24.0/oauth/access_token': { access_token: 'a', token_type: 'bearer' },
          'https://graph.facebook.com/v24.0/me': { id: '1' },
        },
      })
      expect(await site.signIn()).toMatchObject({ sub: '1', email_verified: false })
      expect(site.received.at(-1)?.url).not.toContain('appsecret_proof')
    }
  })
})

/** An application at an OpenID Provider, for which a test sets the claims of the ID token. */
async function openId(provider: Parameters<typeof startPresetSite>[0], base: string, metadata: object = {}) {
  const token: { claims: Record<string, unknown> } = { claims: {} }
  const site = await startPresetSite(provider, {
    answers: {
      [`${base}/.well-known/openid-configuration`]: { ...metadataOf(base), issuer: provider.issuer, ...metadata },
      [`${base}/token`]: { access_token: 'a', token_type: 'Bearer' },
    },
    idToken: () => ({ claims: { iss: provider.issuer, sub: 'ada', ...token.claims } }),
  })
  return { site, token }
}

describe('slack({ team })', () => {
  it('refuses users of other workspaces, whatever they chose at Slack', async () => {
    const { site, token } = await openId(slack({ ...REGISTRATION, team: 'T1' }), 'https://slack.com')
    for (const team of ['T2', undefined, ['T1']]) {
      token.claims = { 'https://slack.com/team_id': team }
      expect(await site.fail()).toMatchObject({ code: 'ERR_LOGIN_REFUSED' })
    }
    token.claims = { 'https://slack.com/team_id': 'T1' }
    await site.signIn()
  })
})

describe('auth0()', () => {
  const base = 'https://a.example'

  it.each([
    ['org_1', { org_id: 'org_2', org_name: 'org_1' }, { org_id: 'org_1' }],
    ['Acme', { org_id: 'Acme' }, { org_id: 'org_1', org_name: 'acme' }],
  ])('with the organization %s refuses users of others', async (organization, bad, good) => {
    const { site, token } = await openId(auth0({ ...REGISTRATION, domain: 'a.example', organization }), base)
    for (const claims of [bad, {}]) {
      token.claims = claims
      expect(await site.fail()).toMatchObject({ code: 'ERR_LOGIN_REFUSED' })
    }
    token.claims = good
    await site.signIn()
  })

  it('signs out by /v2/logout on a tenant without an end-session endpoint', async () => {
    const { site } = await openId(auth0({ ...REGISTRATION, domain: 'a.example' }), base)
    const browser = new UserAgent()
    await site.signIn(browser)
    const url = await site.signOut(browser)
    expect(url.href).toBe(`${base}/v2/logout?client_id=app&returnTo=${encodeURIComponent(`${site.url}/`)}`)
  })
})
