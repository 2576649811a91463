import { inspect } from 'node:util'
import * as openid from 'openid-client'
import { describe, expect, it } from 'vitest'
import { type ErrorCode, RelyingPartyError } from '../../src/errors.js'
import { JwtError } from '../../src/jwt/jws.js'
import { errorParameters } from '../../src/provider/errorText.js'
import { translateError } from '../../src/provider/translate.js'

const SECRETS = {
  accessToken: 'secret-access-token',
  refreshToken: 'secret-refresh-token',
  idToken: `${Buffer.from('{"alg":"RS256"}').toString('base64url')}.c2VjcmV0.c2VjcmV0`,
  code: 'secret-code',
  nonce: 'secret-nonce',
  clientSecret: 'secret-client-secret',
}

/** Everything that a log could show of an error: message, stack, causes, every property. */
function shown(error: unknown): string {
  return inspect(error, { depth: 10, showHidden: true }) + JSON.stringify(error)
}

/** Sends a token request with openid-client to a token endpoint with the given answer. */
async function exchange(answer: () => Response): Promise<unknown> {
  const issuer = 'https://issuer.example'
  const configuration = new openid.Configuration(
    { issuer, token_endpoint: `${issuer}/token` },
    'app',
    {},
    openid.ClientSecretPost(SECRETS.clientSecret),
  )
  configuration[openid.customFetch] = async () => answer()
  const url = new URL(`https://app.example/callback?code=${SECRETS.code}&state=state`)
  return openid.authorizationCodeGrant(configuration, url, {
    expectedState: 'state',
    expectedNonce: SECRETS.nonce,
    pkceCodeVerifier: 'v'.repeat(43),
    idTokenExpected: true,
  })
}

async function failAt(answer: () => Response): Promise<unknown> {
  return exchange(answer).then(
    () => expect.fail('it was accepted'),
    (error: unknown) => error,
  )
}

function idToken(claims: object): string {
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')
  return `${encode({ alg: 'RS256' })}.${encode(claims)}.c2VjcmV0`
}

const json = { 'content-type': 'application/json' }
const now = Math.floor(Date.now() / 1000)
const GOOD = { iss: 'https://issuer.example', aud: 'app', sub: 'ada', exp: now + 60, iat: now, nonce: SECRETS.nonce }

function tokens(claims: object, more: object = {}): () => Response {
  return () =>
    Response.json({
      access_token: SECRETS.accessToken,
      refresh_token: SECRETS.refreshToken,
      token_type: 'bearer',
      id_token: idToken(claims),
      ...more,
    })
}

function challenge(status: number): () => Response {
  return () => new Response(null, { status, headers: { 'www-authenticate': 'Basic realm="secret-client-secret"' } })
}

const CASES: readonly [name: string, answer: () => Response, code: ErrorCode][] = [
  ['invalid_grant', () => Response.json({ error: 'invalid_grant' }, { status: 400 }), 'ERR_TOKEN_REQUEST_REFUSED'],
  ['invalid_client', () => Response.json({ error: 'invalid_client' }, { status: 401 }), 'ERR_CLIENT_REFUSED'],
  ['unauthorized_client', () => Response.json({ error: 'unauthorized_client' }, { status: 403 }), 'ERR_CLIENT_REFUSED'],
  ['a 401 with a challenge', challenge(401), 'ERR_CLIENT_REFUSED'],
  ['a 401 with an empty body', () => new Response(null, { status: 401 }), 'ERR_CLIENT_REFUSED'],
  ['a 403 with an empty body', () => new Response(null, { status: 403 }), 'ERR_CLIENT_REFUSED'],
  ['a 400 with an empty body', () => new Response(null, { status: 400 }), 'ERR_TOKEN_RESPONSE_INVALID'],
  ['a page', () => new Response('<h1>secret-access-token</h1>'), 'ERR_TOKEN_RESPONSE_INVALID'],
  [
    'broken JSON',
    () => new Response('{"access_token":"secret-access-token', { headers: json }),
    'ERR_TOKEN_RESPONSE_INVALID',
  ],
  [
    'no access token',
    () => Response.json({ token_type: 'bearer', id_token: idToken(GOOD) }),
    'ERR_TOKEN_RESPONSE_INVALID',
  ],
  ['an odd expires_in', tokens(GOOD, { expires_in: 'soon' }), 'ERR_TOKEN_RESPONSE_INVALID'],
  ['another iss', tokens({ ...GOOD, iss: 'https://evil.example' }), 'ERR_ID_TOKEN_INVALID'],
  ['another aud', tokens({ ...GOOD, aud: 'other' }), 'ERR_ID_TOKEN_INVALID'],
  ['another nonce', tokens({ ...GOOD, nonce: 'secret-other-nonce' }), 'ERR_ID_TOKEN_INVALID'],
  ['an expired ID token', tokens({ ...GOOD, exp: now - 3600 }), 'ERR_ID_TOKEN_INVALID'],
  ['no sub', tokens({ ...GOOD, sub: undefined }), 'ERR_ID_TOKEN_INVALID'],
  ['an ID token that is none', tokens(GOOD, { id_token: 'secret-access-token' }), 'ERR_ID_TOKEN_INVALID'],
]

describe('translateError', () => {
  it.each(CASES)('converts %s at the token endpoint to its code, without a secret in it', async (_, answer, code) => {
    const error = translateError(await failAt(answer), 'ERR_TOKEN_RESPONSE_INVALID', 'the token request')
    expect(error.code).toBe(code)
    for (const secret of Object.values(SECRETS)) expect(shown(error)).not.toContain(secret)
    expect(shown(error)).not.toContain('secret-other-nonce')
    expect(shown(error)).not.toContain('<h1>')
  })

  it('has nothing to convert if the response is right', async () => {
    await expect(exchange(tokens(GOOD))).resolves.toMatchObject({ access_token: SECRETS.accessToken })
  })

  it('finds a secret in the error of openid-client: the check above can fail', async () => {
    const raw = await failAt(tokens({ ...GOOD, aud: 'other' }))
    expect(shown(raw)).toContain(SECRETS.nonce)
  })

  it('compares expected and actual in the cause, but not for a secret claim', () => {
    const audience = new JwtError('aud is not this client', 'aud', { expected: 'app', actual: 'other' })
    expect(translateError(audience, 'ERR_ID_TOKEN_INVALID', 'the check').cause).toEqual({
      claim: 'aud',
      expected: 'app',
      actual: 'other',
    })
    const nonce = new JwtError('nonce is another', 'nonce', { expected: SECRETS.nonce, actual: 'other' })
    expect(translateError(nonce, 'ERR_ID_TOKEN_INVALID', 'the check').cause).toEqual({ claim: 'nonce' })
  })

  it("keeps the provider's error code, and its description short and without control characters", async () => {
    const error_description = `line\r\nbreak <b>${'x'.repeat(500)}`
    const answer = () => Response.json({ error: 'invalid_grant', error_description }, { status: 400 })
    const error = translateError(await failAt(answer), 'ERR_TOKEN_RESPONSE_INVALID', 'the token request')
    expect(error.message).toContain('invalid_grant')
    expect(error.message).not.toContain('<b>')
    const cause = error.cause as { error: string; error_description: string }
    expect(cause.error).toBe('invalid_grant')
    expect(cause.error_description).toMatch(/^line {2}break <b>x+$/)
    expect(cause.error_description).toHaveLength(200)
  })

  it.each([
    ['a run of letters', 'a'.repeat(1_000_000)],
    ['words', 'ab '.repeat(300_000)],
    ['a token that the limit cuts', `${'ab '.repeat(330)}${'secret-access-token1'.repeat(50)}`],
    ['separators', '/'.repeat(1_000_000)],
  ])('takes hardly any time for %s as the description, however long', (_name, error_description) => {
    const before = process.cpuUsage()
    const { error_description: shownText } = errorParameters('invalid_grant', error_description)
    const { user, system } = process.cpuUsage(before)
    expect((user + system) / 1000).toBeLessThan(100)
    expect(shownText?.length).toBeLessThanOrEqual(200)
    expect(shownText).not.toContain('secret')
  })

  it('shows nothing of a token that is longer than what is read of a description', () => {
    const tokens = `${'9'.repeat(30)} `.repeat(32)
    const { error_description } = errorParameters('invalid_grant', `${tokens}secret-${'x'.repeat(2000)}`)
    expect(error_description).toBe('[…] '.repeat(32).slice(0, 200))
  })

  it('drops a malformed error code', async () => {
    const answer = () => Response.json({ error: '<script>alert(1)</script>' }, { status: 400 })
    const error = translateError(await failAt(answer), 'ERR_TOKEN_RESPONSE_INVALID', 'the token request')
    expect(shown(error)).not.toContain('script>')
  })

  it('returns an error of this package unchanged, however deep it is nested', () => {
    const own = new RelyingPartyError('ERR_PROVIDER_UNAVAILABLE', 'the provider is down')
    const wrapped = new Error('outer', { cause: new Error('inner', { cause: own }) })
    expect(translateError(wrapped, 'ERR_TOKEN_RESPONSE_INVALID', 'the token request')).toBe(own)
  })

  it.each([undefined, null, 'text', 1, {}, new Error()])('survives a thrown %s', (thrown) => {
    expect(translateError(thrown, 'ERR_METADATA_INVALID', 'the discovery').code).toBe('ERR_METADATA_INVALID')
  })

  it('compares the clocks for a time that is refused after the signature, but not for one that is no time', () => {
    const hintOf = (error: JwtError, clockDifference: number | undefined) =>
      translateError(error, 'ERR_ID_TOKEN_INVALID', 'the check', { secrets: [], clockDifference }).hint
    const early = new JwtError('issued in the future', 'iat', { expected: 1000, actual: 1600, hint: 'its own hint' })
    expect(hintOf(early, 600)).toContain('the clock of this host is 600 s behind that of the provider')
    expect(hintOf(early, undefined)).toBe('its own hint')
    const malformed = new JwtError('no time', 'iat', { actual: 'soon', hint: 'its own hint' })
    expect(hintOf(malformed, 600)).toBe('its own hint')
  })
})
