import { beforeEach, describe, expect, it } from 'vitest'
import type { Profile, RelyingPartyOptions } from '../../src/index.js'
import { LoginRefusedError } from '../../src/index.js'
import { muteExpress } from '../support/bed/bed.js'
import { UserAgent } from '../support/bed/userAgent.js'
import { oauth2, SERVER, startOAuth2 } from '../support/provider/oauth2Site.js'

beforeEach(muteExpress)

/** An object with this many levels. */
function nested(levels: number): object {
  return levels <= 1 ? {} : { inner: nested(levels - 1) }
}

describe('an OAuth 2.0 provider', () => {
  it('signs in the user that profile() finds, under the origin of the server', async () => {
    const site = await startOAuth2()
    const browser = await site.signIn()
    const { subject, claims, scopes } = (await site.who(browser)).json()
    expect(subject).toBe('42')
    expect(claims).toEqual({ iss: SERVER, sub: '42', name: 'Ada' })
    expect(scopes).toEqual(['read:user', 'user:email'])
    const [asked] = site.received('/me')
    expect(asked?.headers.get('authorization')).toBe('Bearer the-token')
    expect(asked?.headers.get('user-agent')).toBe('express-relying-party')
  })

  it('gets a code challenge, but no nonce, and spaces as %20', async () => {
    const site = await startOAuth2()
    const answer = await new UserAgent().send(`${site.url}/login`)
    const location = String(answer.headers.location)
    expect(location).toContain('scope=read%3Auser%20user%3Aemail')
    const sent = new URL(location).searchParams
    expect(sent.get('code_challenge_method')).toBe('S256')
    expect(sent.has('nonce')).toBe(false)
  })

  it('gets scopes separated by commas if it needs them', async () => {
    const site = await startOAuth2(oauth2({ scopeSeparator: ',' }))
    expect((await site.begin(new UserAgent())).get('scope')).toBe('read:user,user:email')
    const { scope: _none, ...without } = oauth2()
    expect((await (await startOAuth2(without)).begin(new UserAgent())).has('scope')).toBe(false)
  })

  it('is not believed when it sends an ID token', async () => {
    const site = await startOAuth2()
    site.tokens.id_token = 'e30.eyJzdWIiOiJldmUifQ.c2ln'
    site.tokens.unverified_id_token = site.tokens.id_token
    const browser = await site.signIn()
    expect((await site.who(browser)).json()).toMatchObject({ subject: '42' })
  })

  it('may be reached at an issuer of its own, which iss of a response must be', async () => {
    const site = await startOAuth2(oauth2({ issuer: `${SERVER}/oauth` }))
    const browser = new UserAgent()
    await site.respond(browser, (await site.begin(browser)).get('state'), { iss: 'https://evil.example' })
    expect(site.errors).toMatchObject([{ code: 'ERR_ISSUER_MISMATCH' }])
    expect(site.requests).toEqual([])
    await site.respond(browser, (await site.begin(browser)).get('state'), { iss: `${SERVER}/oauth` })
    expect((await site.who(browser)).json()).toMatchObject({ claims: { iss: `${SERVER}/oauth`, sub: '42' } })
  })

  it('must send iss if it announces it', async () => {
    const metadata = { authorization_response_iss_parameter_supported: true }
    const site = await startOAuth2(oauth2({ metadata }))
    const browser = new UserAgent()
    await site.respond(browser, (await site.begin(browser)).get('state'))
    expect(site.errors).toMatchObject([{ code: 'ERR_ISSUER_MISMATCH' }])
    await site.respond(browser, (await site.begin(browser)).get('state'), { iss: SERVER })
    expect((await site.who(browser)).status).toBe(200)
  })
})

describe('profile()', () => {
  it.each<[string, () => unknown, string]>([
    ['a number as sub', () => ({ claims: { sub: 42 } }), 'String(user.id)'],
    ['an empty sub', () => ({ claims: { sub: '' } }), 'non-empty string'],
    ['a sub of 1,025 characters', () => ({ claims: { sub: 'x'.repeat(1025) } }), 'sub'],
    ['no sub', () => ({ claims: { name: 'Ada' } }), 'sub'],
    ['nothing', () => undefined, 'no claims'],
    ['claims only', () => ({ sub: '42' }), 'no claims'],
    ['more than 64 KiB', () => ({ claims: { sub: '42', bio: 'x'.repeat(65_536) } }), '64 KiB'],
    ['claims of a hundred levels', () => ({ claims: { sub: '42', deep: nested(99) } }), 'nested'],
    ['claims of ten thousand levels', () => ({ claims: { sub: '42', deep: nested(5000) } }), ''],
    ['a BigInt', () => ({ claims: { sub: '42', id: 42n } }), 'BigInt'],
    [
      'a circle',
      () => {
        const claims: Record<string, unknown> = { sub: '42' }
        claims.self = claims
        return { claims }
      },
      'circular',
    ],
  ])('that returns %s signs no one in', async (_what, returned, hint) => {
    const site = await startOAuth2(oauth2({ profile: () => returned() as Profile }))
    const browser = new UserAgent()
    await site.respond(browser, (await site.begin(browser)).get('state'))
    expect(site.errors).toMatchObject([{ code: 'ERR_USERINFO_INVALID', hint: expect.stringContaining(hint) }])
    expect((await site.who(browser)).status).toBe(401)
  })

  it('may return 64 KiB of claims of 99 levels and a sub of 1,024 characters', async () => {
    const claims = { sub: 'x'.repeat(1024), deep: nested(98), bio: 'x'.repeat(63_000) }
    const site = await startOAuth2(oauth2({ profile: () => ({ claims }) }))
    expect((await site.who(await site.signIn())).json()).toMatchObject({ subject: claims.sub })
  })

  it('does not choose the issuer: what it returns as iss may be what a user wrote', async () => {
    const site = await startOAuth2(
      oauth2({ profile: () => ({ claims: { sub: '42', iss: 'https://accounts.example' } }) }),
    )
    expect((await site.who(await site.signIn())).json()).toMatchObject({ claims: { iss: SERVER } })
  })

  it.each<[string, () => Response | Promise<Response>, string, number]>([
    ['a refusal', () => Response.json({ message: 'Bad credentials' }, { status: 401 }), 'ERR_USERINFO_INVALID', 400],
    ['HTML', () => new Response('<html>', { headers: { 'content-type': 'text/html' } }), 'ERR_USERINFO_INVALID', 400],
    ['an outage', () => new Response('<html>', { status: 503 }), 'ERR_PROVIDER_UNAVAILABLE', 503],
    ['a broken connection', () => Promise.reject(new TypeError('fetch failed')), 'ERR_PROVIDER_UNAVAILABLE', 503],
    [
      'a redirect',
      () => new Response(null, { status: 302, headers: { location: 'https://evil.example/me' } }),
      'ERR_METADATA_INVALID',
      502,
    ],
    ['two megabytes', () => new Response(`"${'x'.repeat(2_000_000)}"`), 'ERR_PROVIDER_UNAVAILABLE', 503],
  ])('that is answered with %s signs no one in', async (_what, reply, code, status) => {
    const site = await startOAuth2()
    site.replies['/me'] = reply
    const browser = new UserAgent()
    await site.respond(browser, (await site.begin(browser)).get('state'))
    expect(site.errors).toMatchObject([{ code, status }])
    expect((await site.who(browser)).status).toBe(401)
    delete site.replies['/me']
    site.errors.length = 0
    await site.signIn()
  })

  it('repeats no token of the error that an API answers with', async () => {
    const site = await startOAuth2()
    const message = (headers: Headers) => `no user has ${headers.get('authorization')}`
    site.replies['/me'] = ({ headers }) => Response.json({ error: { message: message(headers) } }, { status: 400 })
    const browser = new UserAgent()
    await site.respond(browser, (await site.begin(browser)).get('state'))
    const [error] = site.errors as { message: string; hint?: string; cause?: unknown }[]
    expect(error).toMatchObject({
      code: 'ERR_USERINFO_INVALID',
      cause: { status: 400, error_description: expect.stringContaining('no user has') },
    })
    expect(JSON.stringify([error?.message, error?.hint, error?.cause])).not.toContain('the-token')
  })

  it('may refuse the login', async () => {
    const refuse = () => {
      throw new LoginRefusedError('only members of the organization may sign in')
    }
    const site = await startOAuth2(oauth2({ profile: refuse }))
    const browser = new UserAgent()
    await site.respond(browser, (await site.begin(browser)).get('state'))
    expect(site.errors).toMatchObject([{ code: 'ERR_LOGIN_REFUSED', message: expect.stringContaining('members') }])
    expect(site.events.map(({ type }) => type)).not.toContain('login.verified')
    expect(site.events.at(-1)).toMatchObject({ type: 'login.refused', code: 'ERR_LOGIN_REFUSED' })
  })

  it('gets the rest of the token response, and the parameters of the authorization response', async () => {
    const told: unknown[] = []
    const site = await startOAuth2(
      oauth2({
        profile({ accessToken, claims, tokenResponse, parameters }) {
          const { code, state: _state, ...others } = parameters
          told.push({ accessToken, claims, tokenResponse, code, others })
          return { claims: { sub: String(tokenResponse.user_id) } }
        },
      }),
    )
    site.tokens.user_id = 7
    const browser = new UserAgent()
    await site.respond(browser, (await site.begin(browser)).get('state'), { user: '{"name":"Ada"}' })
    expect((await site.who(browser)).json()).toMatchObject({ subject: '7' })
    expect(told).toEqual([
      {
        accessToken: 'the-token',
        claims: {},
        tokenResponse: { token_type: 'bearer', scope: 'read:user user:email', user_id: 7 },
        code: 'the-code',
        others: { user: '{"name":"Ada"}' },
      },
    ])
  })

  it('sends the token only to https', async () => {
    const site = await startOAuth2(
      oauth2({
        async profile({ fetchJson }) {
          return { claims: await fetchJson('http://example.com/me') }
        },
      }),
    )
    const browser = new UserAgent()
    await site.respond(browser, (await site.begin(browser)).get('state'))
    expect(site.errors).toMatchObject([{ code: 'ERR_METADATA_INVALID' }])
    expect(site.received('/me')).toEqual([])
  })
})

describe('onLogin', () => {
  it('gets the raw profile and the rest of the token response, and may choose the page', async () => {
    const told: unknown[] = []
    const onLogin: RelyingPartyOptions['onLogin'] = (login) => {
      told.push({ profile: login.profile, tokenResponse: login.tokenResponse, idToken: login.idToken })
      login.returnTo = '/welcome'
    }
    const site = await startOAuth2(oauth2(), { onLogin })
    site.tokens.instance_url = 'https://na1.example'
    const browser = new UserAgent()
    const answer = await site.respond(browser, (await site.begin(browser)).get('state'))
    expect(answer.headers.location).toBe(`${site.url}/welcome`)
    expect(told).toEqual([
      {
        profile: { id: 42, name: 'Ada', email: null },
        tokenResponse: { token_type: 'bearer', scope: 'read:user user:email', instance_url: 'https://na1.example' },
        idToken: undefined,
      },
    ])
  })

  it.each([
    'https://evil.example/',
    '//evil.example',
    '/\\evil.example',
    'javascript:alert(1)',
    '/%2fevil.example',
    '\n/x',
    '',
    `/${'x'.repeat(2048)}`,
    7,
    undefined,
    null,
  ])('does not send the user to %j', async (returnTo) => {
    const leave: RelyingPartyOptions['onLogin'] = (login) => {
      login.returnTo = returnTo as string
    }
    const site = await startOAuth2(oauth2(), { onLogin: leave })
    const browser = new UserAgent()
    await site.respond(browser, (await site.begin(browser)).get('state'))
    expect(site.errors).toMatchObject([{ code: 'ERR_CONFIGURATION' }])
    expect((await site.who(browser)).status).toBe(401)
  })

  it('may not return claims that are too deep to be read again', async () => {
    const site = await startOAuth2(oauth2(), { onLogin: ({ claims }) => ({ ...claims, deep: nested(99) }) })
    const browser = new UserAgent()
    await site.respond(browser, (await site.begin(browser)).get('state'))
    expect(site.errors).toMatchObject([{ code: 'ERR_CONFIGURATION' }])
  })
})
