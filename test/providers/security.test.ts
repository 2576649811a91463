import { beforeEach, describe, expect, it } from 'vitest'
import type { ProviderOptions } from '../../src/index.js'
import { mapClaims } from '../../src/providers/table/mapClaims.js'
import { github, google, linkedin, microsoft } from '../../src/providers.js'
import { muteExpress } from '../support/bed/bed.js'
import { metadataOf, REGISTRATION, startPresetSite } from '../support/provider/presetSite.js'
import { configurationErrorSaying } from '../support/run/configurationError.js'

beforeEach(muteExpress)

const TENANT = '8eaef023-2b34-4da1-9baa-8bc8c9d6a490'
const OTHER = '11111111-2222-4333-8444-555555555555'
const CONSUMERS = '9188040d-6c67-4c5b-b112-36a304b66dad'
const AUTHORITY = 'https://login.microsoftonline.com'

/** An application at Entra ID, for which a test sets the claims of the ID token. */
async function entra(options: { tenant: string; tenants?: string[] } & Partial<ProviderOptions>) {
  const token: { claims: Record<string, unknown> } = { claims: {} }
  const isTemplate = ['common', 'organizations'].includes(options.tenant)
  const tenant = options.tenant === 'consumers' ? CONSUMERS : options.tenant
  const issuer = `${AUTHORITY}/${isTemplate ? '{tenantid}' : tenant}/v2.0`
  const site = await startPresetSite(microsoft({ ...REGISTRATION, ...options }), {
    answers: {
      [`${AUTHORITY}/${tenant}/v2.0/.well-known/openid-configuration`]: {
        ...metadataOf(`${AUTHORITY}/${tenant}`),
        issuer,
      },
      [`${AUTHORITY}/${tenant}/token`]: { access_token: 'a', token_type: 'Bearer' },
    },
    idToken: () => ({ claims: token.claims }),
  })
  const claim = (tid: unknown, more: object = {}) => {
    token.claims = { iss: `${AUTHORITY}/${String(tid)}/v2.0`, sub: 'ada', tid, ...more }
    return site
  }
  return { site, claim }
}

describe('microsoft()', () => {
  it('refuses an ID token whose issuer is that of another tenant than its tid', async () => {
    const { claim } = await entra({ tenant: 'common' })
    const forged = claim(TENANT, { iss: `${AUTHORITY}/${OTHER}/v2.0` })
    expect(await forged.fail()).toMatchObject({ code: 'ERR_ID_TOKEN_INVALID' })
    expect(await claim(TENANT).signIn()).toMatchObject({ iss: `${AUTHORITY}/${TENANT}/v2.0`, tid: TENANT })
  })

  it('refuses an ID token whose issuer is the unfilled template', async () => {
    const { claim } = await entra({ tenant: 'common' })
    const unfilled = { iss: `${AUTHORITY}/{tenantid}/v2.0` }
    expect(await claim(undefined, unfilled).fail()).toMatchObject({ code: 'ERR_ID_TOKEN_INVALID' })
    expect(await claim('{tenantid}', unfilled).fail()).toMatchObject({ code: 'ERR_ID_TOKEN_INVALID' })
    await claim(TENANT).signIn()
  })

  it.each([
    ['common', [TENANT], OTHER, TENANT],
    ['common', [TENANT.toUpperCase()], CONSUMERS, TENANT],
    ['organizations', undefined, CONSUMERS, TENANT],
  ])('with tenant %s and tenants %o refuses a user of %s and admits one of %s', async (tenant, tenants, bad, good) => {
    const { claim } = await entra({ tenant, ...(tenants ? { tenants } : {}) })
    expect(await claim(bad).fail()).toMatchObject({ code: 'ERR_LOGIN_REFUSED', status: 403 })
    await claim(good).signIn()
  })

  it('keeps its list of tenants when an application sets a profile of its own', async () => {
    const profile = () => ({ claims: { role: 'editor' } })
    const { claim } = await entra({ tenant: 'common', tenants: [TENANT], profile })
    expect(await claim(OTHER).fail()).toMatchObject({ code: 'ERR_LOGIN_REFUSED' })
    expect(await claim(TENANT).signIn()).toMatchObject({ role: 'editor' })
  })

  it.each([
    ['a single tenant', TENANT, OTHER, TENANT],
    ['personal accounts', 'consumers', TENANT, CONSUMERS],
  ])('for %s refuses tokens of other tenants', async (_who, tenant, bad, good) => {
    const { claim } = await entra({ tenant })
    expect(await claim(bad).fail()).toMatchObject({ code: 'ERR_ID_TOKEN_INVALID' })
    await claim(good).signIn()
  })

  it.each([
    [{}, false],
    [{ email_verified: 'false' }, false],
    [{ xms_edov: false, email_verified: true }, false],
    [{ xms_edov: true }, true],
    [{ xms_edov: '1' }, true],
    [{ email_verified: true }, true],
  ])('of an ID token with %o says email_verified: %s', async (claims, verified) => {
    const { claim } = await entra({ tenant: 'common' })
    const found = await claim(TENANT, { email: 'ada@example.com', ...claims }).signIn()
    expect(found).toMatchObject({ email: 'ada@example.com', email_verified: verified })
  })

  it.each([
    ['a domain as tenant', { tenant: 'contoso.onmicrosoft.com' }, "must be the tenant's ID"],
    ['no tenant', {}, 'microsoft.tenant is missing'],
    ['an empty list', { tenant: 'common', tenants: [] }, 'microsoft.tenants'],
    ['an authority over http', { tenant: 'common', authority: 'http://login.example' }, 'microsoft.authority'],
  ])('refuses %s', (_what, options, said) => {
    expect(() => microsoft({ ...REGISTRATION, ...options } as never)).toThrow(configurationErrorSaying(said) as never)
    microsoft({ ...REGISTRATION, tenant: 'common', tenants: [TENANT], authority: 'https://login.microsoftonline.us' })
  })
})

describe('google({ hostedDomain })', () => {
  const ISSUER = 'https://accounts.google.com'

  it.each([
    ['example.com', undefined],
    ['example.com', 'evil.example'],
    ['example.com', true],
    [['example.com', 'example.org'], 'evil.example'],
    ['*', undefined],
  ])('%o refuses an account whose hd is %s', async (hostedDomain, hd) => {
    let claims: Record<string, unknown> = {}
    const site = await startPresetSite(google({ ...REGISTRATION, hostedDomain }), {
      answers: {
        [`${ISSUER}/.well-known/openid-configuration`]: metadataOf(ISSUER),
        [`${ISSUER}/token`]: { access_token: 'a', token_type: 'Bearer' },
      },
      idToken: () => ({ claims: { iss: ISSUER, sub: '1', ...claims } }),
    })
    claims = { hd }
    expect(await site.fail()).toMatchObject({ code: 'ERR_LOGIN_REFUSED' })
    claims = { hd: 'Example.com' }
    expect(await site.signIn()).toMatchObject({ sub: '1' })
  })
})

describe('github()', () => {
  it.each([
    [
      'a verified primary address',
      [{ email: 'ada@example.com', primary: true, verified: true }],
      'ada@example.com',
      true,
    ],
    ['an unverified one', [{ email: 'eve@example.com', primary: true, verified: false }], 'eve@example.com', false],
    [
      'a verified one that is not primary',
      [
        { email: 'eve@example.com', primary: true, verified: false },
        { email: 'ada@example.com', primary: false, verified: true },
      ],
      'eve@example.com',
      false,
    ],
    ['none', [], 'public@example.com', false],
    ['something else', { message: 'x' }, 'public@example.com', false],
    ['a list of null', [null], 'public@example.com', false],
  ])('of %s says so', async (_what, emails, email, verified) => {
    const site = await startPresetSite(github(REGISTRATION), {
      answers: {
        'https://github.com/login/oauth/access_token': { access_token: 'a', token_type: 'bearer' },
        'https://api.github.com/user': { id: 583231, login: 'ada', name: null, email: 'public@example.com' },
        'https://api.github.com/user/emails': () => Response.json(emails),
      },
    })
    const claims = await site.signIn()
    expect(claims).toEqual({
      iss: 'https://github.com/login/oauth',
      sub: '583231',
      name: 'ada',
      preferred_username: 'ada',
      email,
      email_verified: verified,
    })
  })

  it('signs in without addresses if GitHub refuses them, and not at all during an outage', async () => {
    const emails = { status: 404 }
    const site = await startPresetSite(github(REGISTRATION), {
      answers: {
        'https://github.com/login/oauth/access_token': { access_token: 'a', token_type: 'bearer' },
        'https://api.github.com/user': { id: 1, login: 'ada', email: null },
        'https://api.github.com/user/emails': () => Response.json({ message: 'Not Found' }, emails),
      },
    })
    expect(await site.signIn()).toMatchObject({ sub: '1', email_verified: false })
    emails.status = 503
    expect(await site.fail()).toMatchObject({ code: 'ERR_PROVIDER_UNAVAILABLE' })
  })

  it('refuses a response of another issuer (RFC 9207)', async () => {
    const site = await startPresetSite(github(REGISTRATION), {
      answers: {
        'https://github.com/login/oauth/access_token': { access_token: 'a', token_type: 'bearer' },
        'https://api.github.com/user': { id: 1, login: 'ada' },
        'https://api.github.com/user/emails': () => Response.json([]),
      },
    })
    const mixedUp = await site.fail({ code: 'the-code', iss: 'https://evil.example' })
    expect(mixedUp).toMatchObject({ code: 'ERR_ISSUER_MISMATCH' })
    await site.signIn(undefined, { code: 'the-code', iss: 'https://github.com/login/oauth' })
  })
})

describe('the claims of a preset', () => {
  const sub = (answer: unknown) => mapClaims({ sub: 'id' }, answer).sub

  it('have a string as sub, and none if a number lost digits or there is nothing to identify the user', () => {
    expect(sub({ id: 42 })).toBe('42')
    expect(sub({ id: 0 })).toBe('0')
    expect(sub({ id: 'ada' })).toBe('ada')
    expect(sub(JSON.parse('{"id":9007199254740993}'))).toBeUndefined()
    for (const id of [undefined, null, '', 1.5, true, {}, ['ada']]) expect(sub({ id })).toBeUndefined()
    for (const answer of [null, undefined, 'id', 7]) expect(sub(answer)).toBeUndefined()
  })

  it('come from the answer alone, not from its prototype', () => {
    expect(mapClaims({ sub: 'constructor.name', name: '__proto__.x', picture: 'a.length' }, { a: [] })).toEqual({
      email_verified: false,
    })
  })

  it('have texts only, and templates only if all of their values are there', () => {
    const mapping = { name: ['nick', 'name'], email: 'email', picture: 'https://cdn.example/{id}/{hash}.png' }
    expect(mapClaims(mapping, { id: 1, hash: 'a/b', nick: null, name: 'Ada', email: { x: 1 } })).toEqual({
      name: 'Ada',
      picture: 'https://cdn.example/1/a%2Fb.png',
      email_verified: false,
    })
    expect(mapClaims(mapping, { id: 1, hash: null })).toEqual({ email_verified: false })
  })
})

describe('a preset', () => {
  it.each([
    ['an option that does not exist', () => google({ ...REGISTRATION, hostedDomian: 'a' } as never), 'hostedDomain?'],
    ['an option of another type', () => google({ ...REGISTRATION, offline: 'yes' } as never), 'google.offline'],
    ['a provider option of another type', () => linkedin({ ...REGISTRATION, nonce: 'no' } as never), 'linkedin.nonce'],
    ['a missing client identifier', () => github({ clientSecret: 's' } as never), 'github.clientId is missing'],
    ['a missing secret', () => github({ clientId: 'a', clientSecret: undefined } as never), 'environment variable'],
    ['an endpoint that is no URL', () => github({ ...REGISTRATION, tokenEndpoint: '/token' }), 'github.tokenEndpoint'],
    ['an option of ID tokens without any', () => github({ ...REGISTRATION, nonce: true } as never), 'github.nonce'],
    ['an instance with a slash at the end', () => github({ ...REGISTRATION, baseUrl: 'https://a.example/' }), 'slash'],
  ])('refuses %s', (_what, create, said) => {
    expect(create).toThrow(configurationErrorSaying(said) as never)
  })

  it('is a public client if the application says so', () => {
    expect(linkedin({ clientId: 'app', clientAuth: 'none', pkce: 'required' })).toMatchObject({ clientAuth: 'none' })
  })

  it('forgets its metadata and aliases for another issuer', () => {
    const local = microsoft({ ...REGISTRATION, tenant: 'common', issuer: 'http://localhost:1' })
    expect(local).toMatchObject({ issuer: 'http://localhost:1' })
    expect(local).not.toHaveProperty('metadataUrl')
    expect(google({ ...REGISTRATION, issuer: 'http://localhost:1' })).not.toHaveProperty('issuerAliases')
    expect(google(REGISTRATION)).toHaveProperty('issuerAliases')
  })

  it('adds to its authorization parameters those of the application', () => {
    const { authorizationParams } = google({ ...REGISTRATION, offline: true, authorizationParams: { hl: 'de' } })
    expect(authorizationParams).toEqual({ access_type: 'offline', hl: 'de' })
  })
})
