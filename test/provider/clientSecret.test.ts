import { inspect } from 'node:util'
import { beforeEach, describe, expect, it } from 'vitest'
import type { ProviderOptions, RelyingPartyOptions } from '../../src/index.js'
import { muteExpress } from '../support/bed/bed.js'
import { UserAgent } from '../support/bed/userAgent.js'
import { idToken, type OAuth2Site, oauth2, SERVER, startOAuth2 } from '../support/provider/oauth2Site.js'

beforeEach(muteExpress)

const inBody = { clientAuth: 'client_secret_post' } as const

async function failedLogin(site: OAuth2Site): Promise<void> {
  const browser = new UserAgent()
  await site.respond(browser, (await site.begin(browser)).get('state'))
  expect((await site.who(browser)).status).toBe(401)
}

const secretsSent = (site: OAuth2Site) => site.received('/token').map(({ body }) => body.get('client_secret'))

describe('a client secret that is a function', () => {
  it('is called for each token request', async () => {
    let calls = 0
    const site = await startOAuth2(oauth2({ ...inBody, clientSecret: async () => `secret-${++calls}` }))
    expect(calls).toBe(0)
    await site.signIn()
    await site.signIn()
    expect(secretsSent(site)).toEqual(['secret-1', 'secret-2'])
  })

  it('is also sent in the header, without encoding what many secrets contain', async () => {
    const site = await startOAuth2(oauth2({ clientSecret: () => 'a-secret_1.~/ü' }))
    await site.signIn()
    const basic = Buffer.from('app:a-secret_1.%7E%2F%C3%BC').toString('base64')
    expect(site.received('/token').map(({ headers }) => headers.get('authorization'))).toEqual([`Basic ${basic}`])
  })

  it.each<[string, () => unknown]>([
    ['nothing', () => undefined],
    ['an empty string', () => ''],
    ['a number', async () => 7],
    ['an object', () => ({ secret: 'secret-1' })],
  ])('that returns %s is at fault', async (_what, clientSecret) => {
    const site = await startOAuth2(oauth2({ clientSecret: clientSecret as () => string }))
    await failedLogin(site)
    expect(site.errors).toMatchObject([{ code: 'ERR_CONFIGURATION', hint: expect.stringContaining('clientSecret') }])
    expect(site.requests).toEqual([])
  })

  it.each<[string, () => Promise<string>]>([
    [
      'throws',
      () => {
        throw new Error('the key has expired')
      },
    ],
    ['rejects', () => Promise.reject(new Error('the key has expired'))],
  ])('that %s is at fault, and says why', async (_what, clientSecret) => {
    const site = await startOAuth2(oauth2({ clientSecret }))
    await failedLogin(site)
    expect(site.errors).toMatchObject([{ code: 'ERR_CONFIGURATION', cause: { message: 'the key has expired' } }])
    expect(site.requests).toEqual([])
  })

  it('is not repeated by errors', async () => {
    const site = await startOAuth2(oauth2({ clientSecret: () => 'generated secret' }))
    const answers = [
      Response.json({ error: 'invalid_grant', error_description: 'not: generated secret' }, { status: 400 }),
      Response.json({ access_token: 7, hint: 'generated secret' }),
      new Response('generated secret', { status: 400, headers: { 'content-type': 'text/plain' } }),
    ]
    for (const answer of answers) {
      site.replies['/token'] = () => answer
      await failedLogin(site)
    }
    expect(site.errors).toHaveLength(answers.length)
    expect(inspect(site.errors, { depth: 9 })).not.toContain('generated secret')
  })

  it('verifies ID tokens with HS256', async () => {
    const site = await startOAuth2({
      issuer: SERVER,
      metadata: { issuer: SERVER, authorization_endpoint: `${SERVER}/authorize`, token_endpoint: `${SERVER}/token` },
      clientId: 'app',
      clientSecret: () => 'secret-1',
      idTokenSigningAlg: 'HS256',
    })
    for (const secret of ['another', 'secret-1']) {
      const browser = new UserAgent()
      const sent = await site.begin(browser)
      const id_token = idToken({ iss: SERVER, sub: 'ada', nonce: sent.get('nonce') }, secret)
      Object.assign(site.tokens, { token_type: 'bearer', scope: 'openid', id_token })
      await site.respond(browser, sent.get('state'))
      expect((await site.who(browser)).status).toBe(secret === 'secret-1' ? 200 : 401)
    }
    expect(site.errors).toMatchObject([{ code: 'ERR_ID_TOKEN_INVALID', cause: { claim: 'signature' } }])
  })
})

describe('tenants that differ only in functions', () => {
  const named = (secret: string): Partial<ProviderOptions> => ({ clientSecret: () => secret })

  it.each<[string, Record<string, Partial<ProviderOptions>>, (string | null)[]]>([
    ['other secrets', { a: named('secret-a'), b: named('secret-b') }, ['secret-a', 'secret-b', 'secret-a']],
    ['no function', { a: named('secret-a'), b: { clientAuth: 'none' } }, ['secret-a', null, 'secret-a']],
  ])('with %s each use their own', async (_what, tenants, expected) => {
    const provider: RelyingPartyOptions['provider'] = (req) => {
      const { clientSecret: _none, ...options } = oauth2({ ...inBody, callbackPath: '/callback' })
      return { ...options, ...tenants[String(req.query.tenant)] }
    }
    const site = await startOAuth2(provider)
    for (const tenant of ['a', 'b', 'a']) {
      const browser = new UserAgent()
      await site.respond(browser, (await site.begin(browser, `?tenant=${tenant}`)).get('state'), { tenant })
    }
    expect(site.errors).toEqual([])
    expect(secretsSent(site)).toEqual(expected)
  })

  it('with and without a profile of their own get only their own claims', async () => {
    const same = oauth2({ callbackPath: '/callback' })
    const other: ProviderOptions = { ...same, profile: () => ({ claims: { sub: 'eve', admin: true } }) }
    const site = await startOAuth2((req) => (req.query.tenant === 'b' ? other : same))
    for (const [tenant, sub] of [
      ['b', 'eve'],
      ['a', '42'],
      ['b', 'eve'],
    ] as const) {
      const browser = new UserAgent()
      await site.respond(browser, (await site.begin(browser, `?tenant=${tenant}`)).get('state'), { tenant })
      expect((await site.who(browser)).json()).toMatchObject({ subject: sub })
    }
  })
})
