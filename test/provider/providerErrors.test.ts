import { createHmac } from 'node:crypto'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { RelyingPartyError } from '../../src/errors.js'
import { createRedactor } from '../../src/lib/redact.js'
import { requestClientCredentials } from '../../src/protocol/clientCredentials.js'
import { requestByPassword } from '../../src/protocol/passwordGrant.js'
import { fetchUserInfo } from '../../src/protocol/user/userInfo.js'
import { Provider } from '../../src/provider/provider.js'
import type { ProviderOptions } from '../../src/provider/providerOptions.js'
import { resolveProviderOptions } from '../../src/provider/resolveOptions.js'
import { createProviderServices } from '../../src/provider/services.js'

const ISSUER = 'https://op.example'
const CLIENT_SECRET = 'client secret/+%&="<é'
const PASSWORD = 'pass word\'/+&="<ü!'
const METADATA = {
  issuer: ISSUER,
  token_endpoint: `${ISSUER}/token`,
  userinfo_endpoint: `${ISSUER}/me`,
  jwks_uri: `${ISSUER}/jwks`,
}
const CONTEXT = { allowInsecureHttp: false, baseUrlIsSecure: true, baseUrlIsLoopback: false }

type Answer = (request: { url: string; headers: Headers; body: string }) => Response

/** A provider with the given answers. */
function providerThat(answer: Answer, changes: Partial<ProviderOptions> = {}): Provider {
  const options = { issuer: ISSUER, clientId: 'app', clientSecret: CLIENT_SECRET, metadata: METADATA, ...changes }
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
  const services = createProviderServices(
    {
      timeout: 5,
      maxResponseSize: 1_000_000,
      fetch: async (url, init) =>
        answer({ url: String(url), headers: new Headers(init?.headers), body: String(init?.body ?? '') }),
    },
    30,
  )
  return new Provider(
    'default',
    resolveProviderOptions(given as unknown as ProviderOptions, 'provider', CONTEXT),
    services,
  )
}

async function failureOf(attempt: Promise<unknown>): Promise<RelyingPartyError> {
  const error = await attempt.then(
    () => expect.fail('it was accepted'),
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(RelyingPartyError)
  return error as RelyingPartyError
}

const bySelf = (answer: Answer) =>
  failureOf(requestClientCredentials(providerThat(answer), { scope: '', resource: [] }))
const byPassword = (answer: Answer, changes: Partial<ProviderOptions> = {}) =>
  failureOf(requestByPassword(providerThat(answer, changes), { username: 'ada', password: PASSWORD }, 'openid'))

describe('an error that does not have the form of RFC 6749', () => {
  const json =
    (body: unknown, status = 200) =>
    () =>
      Response.json(body, { status })
  it.each<[string, Answer, object]>([
    [
      'with status 200, as GitHub does',
      json({ error: 'bad_verification_code', error_description: 'The code is incorrect or expired.', error_uri: 'x' }),
      { error: 'bad_verification_code', error_description: 'The code is incorrect or expired.' },
    ],
    ['with ok: false, as Slack does', json({ ok: false, error: 'invalid_code' }), { error: 'invalid_code' }],
    [
      'in an object, as Facebook does',
      json({ error: { message: 'Invalid code.', type: 'OAuthException', code: 100 } }, 400),
      { error: 'OAuthException', error_description: 'Invalid code.' },
    ],
    [
      'in a list',
      json({ errors: [{ code: 'bad_code', message: 'No such code' }] }, 422),
      { error: 'bad_code', error_description: 'No such code' },
    ],
    ['as a message alone', json({ message: 'Bad code' }, 400), { error: 'http_400', error_description: 'Bad code' }],
    ['as a title', json({ title: 'Bad code' }, 400), { error: 'http_400', error_description: 'Bad code' }],
    [
      'as text',
      () => new Response('Bad Request\n', { status: 400, headers: { 'content-type': 'text/plain; charset=utf-8' } }),
      { error: 'http_400', error_description: 'Bad Request' },
    ],
    [
      'with errcode, as WeChat does',
      json({ errcode: 40029, errmsg: 'invalid code' }),
      { error: '40029', error_description: 'invalid code' },
    ],
    [
      'with success: false',
      json({ success: false, message: 'Bad code' }),
      { error: 'http_200', error_description: 'Bad code' },
    ],
    [
      'with parameters that are null',
      json({ access_token: null, error: 'bad_code', error_description: 'No such code' }),
      { error: 'bad_code', error_description: 'No such code' },
    ],
    [
      'as a form',
      () =>
        new Response('error=bad_verification_code&error_description=It+is+old', {
          headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
        }),
      { error: 'bad_verification_code', error_description: 'It is old' },
    ],
  ])('%s is shown as a refusal', async (_name, answer, cause) => {
    const error = await bySelf(answer)
    expect(error.code).toBe('ERR_TOKEN_REQUEST_REFUSED')
    expect(error.cause).toEqual(cause)
    const { error_description } = cause as { error_description?: string }
    expect(error.stack).toContain(error_description ?? error.message)
  })

  it.each(['incorrect_client_credentials', 'bad_client_secret', 'invalid_client_id'])(
    'by %s is a refusal of the credentials',
    async (code) => {
      const error = await bySelf(json({ error: code }))
      expect(error).toMatchObject({
        code: 'ERR_CLIENT_REFUSED',
        cause: { error: 'invalid_client', error_description: code },
      })
      expect(error.hint).toContain('clientSecret')
      expect(error.message).not.toContain('clientSecret')
    },
  )

  it.each<[string, object]>([
    ['plain', {}],
    ['that says ok', { ok: true }],
    ['with an empty error', { error: null }],
    ['with parameters that are null', { scope: null, expires_in: null, refresh_token: null, id_token: null }],
    ['with an errcode of 0', { errcode: 0, errmsg: 'ok' }],
    ['with the word in a value', { note: '"error"' }],
  ])('is not a token response %s', async (_name, more) => {
    const answer = json({ access_token: 'token', token_type: 'bearer', ...more })
    const tokens = await requestClientCredentials(providerThat(answer), { scope: '', resource: [] })
    expect(tokens.accessToken).toBe('token')
  })

  it('from the UserInfo endpoint is shown, and claims are not an error', async () => {
    const provider = providerThat(json({ error: { type: 'OAuthException', message: 'secret-token is old' } }))
    const error = await failureOf(fetchUserInfo(provider, 'secret-token', 'ada'))
    expect(error.code).toBe('ERR_USERINFO_INVALID')
    expect(error.cause).toEqual({ error: 'OAuthException', error_description: '[…] is old' })
    const claims = { sub: 'ada', error: 'a claim' }
    expect(await fetchUserInfo(providerThat(json(claims)), 'secret-token', 'ada')).toEqual(claims)
  })
})

/** The ways in which a provider may repeat what it was sent. */
const ECHOES: readonly [name: string, echo: (value: string) => string][] = [
  ['as it is', (value) => value],
  ['in upper case', (value) => value.toUpperCase()],
  ['percent-encoded', (value) => encodeURIComponent(value)],
  ['percent-encoded twice', (value) => encodeURIComponent(encodeURIComponent(value))],
  ['as in the form', (value) => new URLSearchParams({ '': value }).toString().slice(1)],
  ['in lower-case escapes', (value) => encodeURIComponent(value).toLowerCase()],
  ['in base64', (value) => Buffer.from(value).toString('base64')],
  ['in base64url', (value) => Buffer.from(value).toString('base64url')],
  ['in base64 after one character', (value) => Buffer.from(`x${value}y`).toString('base64')],
  ['in base64 after two characters', (value) => Buffer.from(`xx${value}yy`).toString('base64')],
  ['in hexadecimal', (value) => Buffer.from(value).toString('hex')],
  ['escaped for HTML', (value) => value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')],
  ['escaped for JSON', (value) => JSON.stringify(value)],
]

function expectNothingOf(value: string, error: RelyingPartyError): void {
  const shown = inspect(error, { depth: 10, showHidden: true }) + JSON.stringify(error) + error.hint
  for (const [, echo] of ECHOES.slice(0, 11)) expect(shown.toLowerCase()).not.toContain(echo(value).toLowerCase())
}

describe('what a provider repeats of a request', () => {
  it.each(ECHOES)('%s is not in the error', async (_name, echo) => {
    for (const [value, attempt] of [
      [PASSWORD, byPassword],
      [CLIENT_SECRET, byPassword],
      [CLIENT_SECRET, bySelf],
    ] as const) {
      const description = `wrong: ${echo(value)}, try again`
      for (const body of [
        { error: 'invalid_request', error_description: description },
        { error: echo(value), error_description: description },
        { error: { message: description } },
        { error_description: description, error: 'invalid_scope', errors: [description] },
      ]) {
        const error = await attempt(() => Response.json(body, { status: 400 }))
        expectNothingOf(value, error)
        expect(inspect(error.cause)).toContain('try again')
      }
    }
  })

  it('is not in the error if the description is shortened in the middle of it', async () => {
    for (const length of [3990, 3999, 990, 995, 195]) {
      const description = `${'ab '.repeat(length / 3)}${PASSWORD}`
      const error = await byPassword(() =>
        Response.json({ error: 'x', error_description: description }, { status: 400 }),
      )
      expect(inspect(error.cause)).not.toContain('pass')
    }
  })

  it('is not in the error if it is very short: then the whole description is removed', () => {
    expect(createRedactor(['ab'])('a cab is here')).toBe('[…]')
    expect(createRedactor(['ab'])('nothing of it')).toBe('nothing of it')
  })

  it("is not in the error if the application's fetch throws it", async () => {
    const error = await byPassword(({ body, headers }) => {
      const authorization = headers.get('authorization') ?? ''
      throw Object.assign(new TypeError(`cannot send ${body} ${authorization} ${PASSWORD}`), { request: body })
    })
    expect(error.code).toBe('ERR_PROVIDER_UNAVAILABLE')
    expectNothingOf(PASSWORD, error)
    expectNothingOf(CLIENT_SECRET, error)
  })

  it('is in the response: the checks above can fail', async () => {
    const error = await byPassword(() =>
      Response.json({ error: 'x', error_description: 'wrong: other' }, { status: 400 }),
    )
    expect(inspect(error.cause)).toContain('wrong: other')
  })
})

describe('the client authentication', () => {
  it.each([
    [undefined, 'basic'],
    [['client_secret_basic'], 'basic'],
    [['client_secret_post', 'client_secret_basic'], 'basic'],
    [['client_secret_post'], 'post'],
    [['client_secret_post', 'private_key_jwt'], 'post'],
    [['private_key_jwt'], 'basic'],
    ['client_secret_post', 'basic'],
  ])('for a provider that lists %j is %s unless it is configured', async (listed, expected) => {
    for (const [clientAuth, way] of [
      [undefined, expected],
      ['client_secret_basic', 'basic'],
      ['client_secret_post', 'post'],
    ] as const) {
      const seen: string[] = []
      const metadata = { ...METADATA, token_endpoint_auth_methods_supported: listed as string[] }
      const answer: Answer = ({ headers, body }) => {
        if (headers.has('authorization')) seen.push('basic')
        if (new URLSearchParams(body).get('client_secret') === CLIENT_SECRET) seen.push('post')
        return Response.json({ access_token: 'token', token_type: 'bearer' })
      }
      const provider = providerThat(answer, { metadata, clientAuth } as Partial<ProviderOptions>)
      await requestClientCredentials(provider, { scope: '', resource: [] })
      expect(seen).toEqual([way])
    }
  })
})

describe('a discovery that fails', () => {
  const url = `${ISSUER}/.well-known/openid-configuration`
  const discover = (answer: Answer) => failureOf(providerThat(answer, { metadata: undefined } as object).metadata())

  it('on metadata of another issuer shows both', async () => {
    const error = await discover(() => Response.json({ ...METADATA, issuer: 'https://other.example/tenant' }))
    expect(error).toMatchObject({
      code: 'ERR_METADATA_INVALID',
      cause: { expected: ISSUER, actual: 'https://other.example/tenant' },
    })
    for (const part of [url, 'https://other.example/tenant', ISSUER]) expect(error.hint).toContain(part)
  })

  it.each<[string, Answer, string]>([
    ['404', () => new Response('<h1>not found</h1>', { status: 404 }), 'ERR_METADATA_INVALID'],
    [
      'a page',
      () => new Response('<h1>hello</h1>', { headers: { 'content-type': 'text/html' } }),
      'ERR_METADATA_INVALID',
    ],
    ['JSON that is no metadata', () => Response.json({ hello: 'world' }), 'ERR_METADATA_INVALID'],
    [
      'no such host',
      () => {
        throw Object.assign(new Error('getaddrinfo'), { code: 'ENOTFOUND' })
      },
      'ERR_PROVIDER_UNAVAILABLE',
    ],
  ])('on %s shows the URL and the option to check', async (_name, answer, code) => {
    const error = await discover(answer)
    expect(error.code).toBe(code)
    expect(error.hint).toContain(url)
    expect(error.hint).toContain('check issuer')
    expect(error.message).not.toContain('<h1>')
  })

  it('is refused at metadataUrl if it names another issuer than the option', async () => {
    const metadataUrl = `${ISSUER}/policy/.well-known/openid-configuration`
    const at = (issuer: string) =>
      providerThat(({ url }) => (url === metadataUrl ? Response.json({ ...METADATA, issuer }) : new Response(null)), {
        metadata: undefined,
        metadataUrl,
      } as object)
    const error = await failureOf(at('https://evil.example').metadata())
    expect(error).toMatchObject({ code: 'ERR_METADATA_INVALID', cause: { claim: 'issuer', expected: ISSUER } })
    expect(await at(ISSUER).metadata()).toMatchObject({ issuer: ISSUER })
  })

  it('does not fail on valid metadata', async () => {
    const provider = providerThat(() => Response.json(METADATA), { metadata: undefined } as object)
    expect(await provider.metadata()).toMatchObject({ issuer: ISSUER })
  })
})

describe('metadata without jwks_uri', () => {
  const { jwks_uri: _, ...metadata } = METADATA
  const options = { issuer: ISSUER, clientId: 'app', clientSecret: 'secret', metadata }

  it('is refused at construction if ID tokens are verified with keys', () => {
    const context = { ...CONTEXT, needsKeys: true }
    expect(() => resolveProviderOptions(options, 'provider', context)).toThrow('provider.metadata.jwks_uri is missing')
    expect(resolveProviderOptions({ ...options, metadata: METADATA }, 'provider', context)).toBeDefined()
    expect(resolveProviderOptions({ ...options, idTokenSigningAlg: 'HS256' }, 'provider', context)).toBeDefined()
    expect(resolveProviderOptions(options, 'provider', CONTEXT)).toBeDefined()
  })

  it.each(['', 'jwks', 7])('is refused at construction like a jwks_uri that is no URL, such as %j', (jwks_uri) => {
    const metadataWith = { ...metadata, jwks_uri } as object as typeof METADATA
    const resolve = () =>
      resolveProviderOptions({ ...options, metadata: metadataWith }, 'provider', { ...CONTEXT, needsKeys: true })
    expect(resolve).toThrow('provider.metadata.jwks_uri is not a URL')
  })
})

describe('an ID token that is refused', () => {
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')
  const now = () => Math.floor(Date.now() / 1000)
  const refusal = async (claims: object, headers: Record<string, string> = {}) => {
    const all = { iss: ISSUER, aud: 'app', sub: 'ada', iat: now(), exp: now() + 300, ...claims }
    const signed = `${encode({ alg: 'HS256' })}.${encode(all)}`
    const id_token = `${signed}.${createHmac('sha256', CLIENT_SECRET).update(signed).digest('base64url')}`
    const answer = () => Response.json({ access_token: 'token', token_type: 'bearer', id_token }, { headers })
    return byPassword(answer, { idTokenSigningAlg: 'HS256' })
  }

  it.each([
    [-3650, 'behind'],
    [3650, 'ahead of'],
  ])('for its times explains a clock that differs by %i s', async (difference, order) => {
    const date = new Date(Date.now() - difference * 1000).toUTCString()
    const times = { iat: now() - difference, nbf: now() - difference, exp: now() - difference + 300 }
    const error = await refusal(times, { date })
    expect(error.code).toBe('ERR_ID_TOKEN_INVALID')
    expect(error.hint).toMatch(new RegExp(`the clock of this host is 36\\d\\d s ${order} that of the provider`))
    expect(error.message).not.toContain('clockTolerance')
  })

  it('for its times blames no clock if both agree', async () => {
    const error = await refusal({ exp: now() - 3600 }, { date: new Date().toUTCString() })
    expect(error.hint).toContain('agree')
    expect((await refusal({ exp: now() - 3600 })).hint).not.toContain('agree')
  })

  it.each([
    ['aud', 'other', 'app', 'clientId'],
    ['iss', 'https://other.example', ISSUER, 'issuer'],
  ])('for its %s shows both values and the option', async (claim, actual, expected, option) => {
    const error = await refusal({ [claim]: actual })
    expect(error).toMatchObject({ code: 'ERR_ID_TOKEN_INVALID', cause: { claim, expected, actual } })
    for (const part of [actual, expected, option]) expect(error.hint).toContain(part)
  })

  it('for a missing azp explains what is missing', async () => {
    const error = await refusal({ aud: ['app', 'other'] })
    expect(error.code).toBe('ERR_ID_TOKEN_INVALID')
    expect(error.hint).toContain('azp')
    expect(error.hint).not.toContain('undefined')
  })

  it('for a claim that repeats the password does not show it', async () => {
    for (const claims of [{ aud: PASSWORD }, { iss: `https://x/${PASSWORD}` }, { aud: [CLIENT_SECRET, 'x'] }]) {
      const error = await refusal(claims)
      expect(error.code).toBe('ERR_ID_TOKEN_INVALID')
      expectNothingOf(PASSWORD, error)
      expectNothingOf(CLIENT_SECRET, error)
    }
  })
})

describe('a server that is no OpenID Provider', () => {
  it('is recognized by a token response without ID token', async () => {
    const error = await byPassword(() => Response.json({ access_token: 'token', token_type: 'bearer' }))
    expect(error.code).toBe('ERR_TOKEN_RESPONSE_INVALID')
    expect(error.hint).toContain('an OpenID Provider sends one')
    expect(error.hint).toContain('scope')
  })

  it.each(['token_endpoint', 'userinfo_endpoint', 'jwks_uri'] as const)(
    'is recognized by metadata without %s',
    async (name) => {
      const metadata = { ...METADATA, [name]: undefined } as object as typeof METADATA
      const provider = providerThat(() => Response.json({}), { metadata })
      const attempt = {
        token_endpoint: () => requestByPassword(provider, { username: 'ada', password: PASSWORD }, 'openid'),
        userinfo_endpoint: () => fetchUserInfo(provider, 'secret-token', 'ada'),
        jwks_uri: () => provider.keySource({ alg: 'RS256' }),
      }[name]
      const error = await failureOf(attempt())
      expect(error.code).toBe('ERR_METADATA_INVALID')
      expect(error.message + error.hint).toContain(name)
      expect(error.hint).toContain('option metadata')
    },
  )
})
