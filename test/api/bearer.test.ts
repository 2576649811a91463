/** RFC 6750 and RFC 9068 at a resource server; the bearer cases of past advisories of other libraries. */
import { createServer, request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import express4 from 'express4'
import request from 'supertest'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { RelyingPartyError } from '../../src/index.js'
import { type Api, createApi } from '../support/api/api.js'
import { startLocalProvider } from '../support/bed/app.js'
import { AUDIENCE, createKey, signRaw, signToken, startIssuer, type TestIssuer } from '../support/provider/issuer.js'

let issuer: TestIssuer
let api: Api

beforeAll(async () => {
  issuer = await startIssuer()
  api = createApi(issuer.issuer)
})

afterAll(() => issuer.close())

describe('credentials (RFC 6750 §2)', () => {
  it('answers a request without credentials with 401 and a challenge without an error code', async () => {
    const { headers } = await api.get('/').expect(401)
    expect(headers['www-authenticate']).toBe('Bearer')
  })

  it.each([
    ['Basic', 'Basic dXNlcjpwYXNz'],
    ['a scheme that only begins like Bearer', 'Bearerer abc'],
    ['DPoP, which is not switched on', 'DPoP abc'],
  ])('treats %s as no credentials', async (_what, authorization) => {
    const { headers } = await api.get('/', { Authorization: authorization }).expect(401)
    expect(headers['www-authenticate']).toBe('Bearer')
  })

  it.each(['Basic', 'Token', 'JWT', 'OAuth', ''])('ignores a good token with the scheme "%s"', async (scheme) => {
    const token = await issuer.token()
    await api.get('/', { Authorization: `${scheme} ${token}`.trim() }).expect(401)
    await api.get('/', { Authorization: `Bearer ${token}` }).expect(200)
  })

  it.each(['bearer', 'BEARER', 'bEaReR'])('accepts the scheme in any case: %s', async (scheme) => {
    await api.get('/', { Authorization: `${scheme} ${await issuer.token()}` }).expect(200)
  })

  it.each([
    ['no token', 'Bearer'],
    ['two tokens', 'Bearer abc def'],
    ['two tokens in a list', 'Bearer abc, Bearer def'],
    ['what is not token68', 'Bearer abc"def'],
    ['padding in the middle', 'Bearer a=b'],
    ['a parameter', 'Bearer token="abc"'],
    ['a tab', 'Bearer\tabc'],
    ['Unicode', 'Bearer ab\u00e9'],
  ])('answers %s with 400 invalid_request', async (_what, authorization) => {
    const { headers } = await api.get('/', { Authorization: authorization }).expect(400)
    expect(headers['www-authenticate']).toBe('Bearer error="invalid_request"')
  })

  it('answers a token over 16 KiB with 400 invalid_request, and a shorter one like any other', async () => {
    const server = await listenWithLargeHeaders(api)
    try {
      expect(await send(server.url, ['Authorization', `Bearer ${'a'.repeat(16_385)}`])).toBe(400)
      expect(await send(server.url, ['Authorization', `Bearer ${'a'.repeat(16_384)}`])).toBe(401)
      const long = await issuer.token({ padding: 'x'.repeat(9000) })
      expect(await send(server.url, ['Authorization', `Bearer ${long}`])).toBe(200)
    } finally {
      await server.close()
    }
  })

  it('answers two Authorization headers with 400, even if both are good', async () => {
    const server = await listenWithLargeHeaders(api)
    const header = `Bearer ${await issuer.token()}`
    try {
      expect(await send(server.url, ['Authorization', header, 'authorization', header])).toBe(400)
      expect(await send(server.url, ['Authorization', header])).toBe(200)
    } finally {
      await server.close()
    }
  })

  it('never reads a token from the query, and refuses a second one there', async () => {
    const token = await issuer.token()
    const { headers } = await api.get(`/?access_token=${token}`).expect(401)
    expect(headers['www-authenticate']).toBe('Bearer')
    await api.get(`/?access_token=${token}`, token).expect(400)
    await api.get(`/?access%5Ftoken=${token}`, token).expect(400)
    await api.get('/?other=1', token).expect(200)
  })

  it('reads a token from a form body only if that is allowed, and never two', async () => {
    const token = await issuer.token()
    const form = { before: [express.urlencoded({ extended: true })] }
    const closed = createApi(issuer.issuer, {}, form)
    const open = createApi(issuer.issuer, { allowBodyToken: true }, form)
    const post = (to: Api) => request(to.app).post('/')
    await post(closed).type('form').send({ access_token: token }).expect(401)
    await post(open).type('form').send({ access_token: token }).expect(200)
    await post(open).type('form').send({ access_token: token }).set('Authorization', `Bearer ${token}`).expect(400)
    await post(closed).type('form').send({ access_token: token }).set('Authorization', `Bearer ${token}`).expect(400)
    await post(open).type('form').send(`access_token=${token}&access_token=${token}`).expect(400)
    await post(open).type('form').send({ 'access_token[a]': token }).expect(400)
    await post(open).query({ access_token: token }).type('form').send({ access_token: token }).expect(400)
    await post(open).set('Authorization', `Bearer ${token}`).type('form').send({ other: '1' }).expect(200)
  })

  it('does not read a token from a JSON body', async () => {
    const token = await issuer.token()
    const open = createApi(issuer.issuer, { allowBodyToken: true }, { before: [express.json()] })
    await request(open.app).post('/').send({ access_token: token }).expect(401)
    await request(open.app).post('/').set('Authorization', `Bearer ${token}`).send({ access_token: 'x' }).expect(200)
  })
})

describe('answers (RFC 6750 §3)', () => {
  it('answers a bad token with 401 invalid_token, and reveals nothing else in any header', async () => {
    const { headers } = await api.get('/', await issuer.token({ aud: 'https://other.example' })).expect(401)
    expect(headers['www-authenticate']).toBe('Bearer error="invalid_token"')
    expect(JSON.stringify(headers)).not.toMatch(/aud|127\.0\.0\.1|other\.example/)
  })

  it.each<[string, Record<string, unknown>, Record<string, unknown>, RegExp]>([
    ['iss', { iss: 'https://typo.example' }, {}, /"https:\/\/typo\.example".*issuer is "http:\/\/127\.0\.0\.1/],
    [
      'aud',
      { aud: 'https://other.example' },
      {},
      /"https:\/\/other\.example".*"https:\/\/api\.example\.com".*audience/,
    ],
    ['alg', {}, { alg: 'RS256' }, /"RS256".*ES256.*resourceServer\.algorithms/],
    ['exp', { exp: 1_700_000_000 }, {}, /2023-11-14T22:13:20\.000Z.*clock.*20\d\d-.*clockTolerance/],
    ['exp', { exp: 1_900_000_000_000 }, {}, /milliseconds/],
    [
      'iat',
      { iat: 4_000_000_000 },
      {},
      /2096-10-02T07:06:40\.000Z.*clock of this server reads 20\d\d-.*clockTolerance/,
    ],
    ['nonce', { nonce: 'n' }, { typ: 'JWT' }, /nonce/],
    ['kid', {}, { kid: 'gone' }, /ES256.*"gone"/],
  ])('explains a refusal because of %s to operators only: %o %o', async (claim, claims, header, hint) => {
    const explaining = createApi(issuer.issuer, { algorithms: ['ES256'] })
    const now = Math.floor(Date.now() / 1000)
    const payload = { iss: issuer.issuer, aud: AUDIENCE, client_id: 'app', exp: now + 300, ...claims }
    const token = signRaw(issuer.key, { alg: 'ES256', kid: issuer.key.kid, typ: 'at+jwt', ...header }, payload)
    const { headers } = await explaining.get('/', token).expect(401)
    const error = explaining.errors[0] as RelyingPartyError
    expect(error.hint).toMatch(hint)
    expect(error.message).not.toMatch(/resourceServer|127\.0\.0\.1|example|aud\b|iss\b|\balg\b|[ER]S256/)
    expect(headers['www-authenticate']).toBe('Bearer error="invalid_token"')
    expect(JSON.stringify(error.cause)).toContain(claim)
  })

  it('writes values of a token into a hint so that they cannot forge a log line', async () => {
    const explaining = createApi(issuer.issuer)
    await explaining.get('/', await issuer.token({ iss: `x\n\u2028\u202eERROR ${'y'.repeat(5000)}` })).expect(401)
    const { hint = '' } = explaining.errors[0] as RelyingPartyError
    expect(hint).toMatch(/^[\x20-\x7e…]+$/)
    expect(hint.length).toBeLessThan(600)
  })

  it('answers a missing scope with 403 insufficient_scope and every required scope', async () => {
    const { requireScope } = await import('../../src/index.js')
    const both = createApi(
      issuer.issuer,
      {},
      {
        routes: (app) => app.get('/both', requireScope('reports:read', 'admin'), (_req, res) => void res.end()),
      },
    )
    const { headers } = await both.get('/both', await issuer.token()).expect(403)
    expect(headers['www-authenticate']).toBe('Bearer error="insufficient_scope", scope="reports:read admin"')
    expect((both.errors[0] as RelyingPartyError).cause).toEqual({ missing: ['admin'] })
    await both.get('/both', await issuer.token({ scope: 'admin reports:read' })).expect(200)
  })

  it('never puts the token into an error', async () => {
    const failing = createApi(issuer.issuer)
    const token = await issuer.token({ exp: 1 })
    await failing.get('/', token).expect(401)
    const [error] = failing.errors as RelyingPartyError[]
    const told = JSON.stringify([error?.message, error?.headers, error?.cause, error?.stack])
    for (const part of token.split('.')) expect(told).not.toContain(part)
  })

  it('works on Express 4 too', async () => {
    const old = createApi(issuer.issuer, {}, { createExpress: express4 as unknown as typeof express })
    await old.get('/reports', await issuer.token()).expect(200)
    const { headers } = await old.get('/reports', await issuer.token({ scope: 'other' })).expect(403)
    expect(headers['www-authenticate']).toBe('Bearer error="insufficient_scope", scope="reports:read"')
    await old.get('/reports').expect(401)
  })
})

describe('claims (RFC 9068 §4)', () => {
  const now = () => Math.floor(Date.now() / 1000)

  it.each<[string, () => Record<string, unknown>]>([
    ['another audience', () => ({ aud: 'https://other.example' })],
    ['no audience', () => ({ aud: undefined })],
    ['an audience that holds ours as a part', () => ({ aud: `${AUDIENCE}.evil.example` })],
    ['an audience that is an object', () => ({ aud: { 0: AUDIENCE } })],
    ['another issuer', () => ({ iss: 'https://evil.example' })],
    ['no issuer', () => ({ iss: undefined })],
    ['an issuer in a list', () => ({ iss: [issuer.issuer] })],
    ['exp in the past', () => ({ exp: now() - 10 })],
    ['no exp', () => ({ exp: undefined })],
    ['exp as a string', () => ({ exp: String(now() + 600) })],
    ['exp that is no time', () => ({ exp: 1e300 })],
    ['a negative exp', () => ({ exp: -1 })],
    ['exp in milliseconds', () => ({ exp: (now() + 600) * 1000 })],
    ['nbf in milliseconds', () => ({ nbf: now() * 1000 })],
    ['iat in milliseconds', () => ({ iat: now() * 1000 })],
    ['auth_time in milliseconds', () => ({ auth_time: now() * 1000 })],
    ['auth_time in the future', () => ({ auth_time: now() + 60 })],
    ['auth_time as a string', () => ({ auth_time: 'yesterday' })],
    ['exp as true', () => ({ exp: true })],
    ['exp as an array', () => ({ exp: [now() + 600] })],
    ['nbf in the future', () => ({ nbf: now() + 60 })],
    ['nbf as a string', () => ({ nbf: 'soon' })],
    ['iat in the future', () => ({ iat: now() + 60 })],
    ['iat as an object', () => ({ iat: {} })],
    ['a subject that is a number', () => ({ sub: 7 })],
    ['an empty subject', () => ({ sub: '' })],
    ['cnf that this server cannot check', () => ({ cnf: { jwk: {} } })],
    ['cnf that is no object', () => ({ cnf: 'key' })],
  ])('refuses %s', async (_what, claims) => {
    await api.get('/', await issuer.token(claims() as never)).expect(401)
  })

  it('accepts the same token unchanged, even with an audience among several', async () => {
    await api.get('/', await issuer.token()).expect(200)
    await api.get('/', await issuer.token({ aud: ['https://other.example', AUDIENCE] })).expect(200)
    await api.get('/', await issuer.token({ exp: now() - 3 })).expect(200)
    await api.get('/', await issuer.token({ nbf: now() + 3, iat: now() + 3 })).expect(200)
    await api.get('/', await issuer.token({ auth_time: now() - 86_400 })).expect(200)
    await api.get('/', await issuer.token({ auth_time: 0, nbf: 0 })).expect(200)
    await api.get('/', await issuer.token({ exp: Date.UTC(9999, 11, 31) / 1000 })).expect(200)
  })

  it.each<[string, Record<string, unknown>, Record<string, unknown>]>([
    ['typ of another kind', {}, { typ: 'logout+jwt' }],
    ['typ of a DPoP proof', {}, { typ: 'dpop+jwt' }],
    ['an ID token with a nonce', { nonce: 'n' }, { typ: 'JWT' }],
    ['an ID token with at_hash', { at_hash: 'h' }, { typ: undefined }],
    ['a bare ID token', { scope: undefined, client_id: undefined, azp: 'app' }, { typ: 'JWT' }],
    ['a Keycloak ID token', { typ: 'ID' }, { typ: 'JWT' }],
    ['a Keycloak refresh token', { typ: 'Refresh' }, { typ: 'JWT' }],
    ['a logout token', { events: {} }, { typ: 'JWT' }],
    ['a Cognito ID token', { token_use: 'id' }, { typ: undefined }],
    ['a refresh token by token_use', { token_use: 'refresh' }, {}],
    ['token_use of another kind under at+jwt', { token_use: 'id' }, { typ: 'at+jwt' }],
    ['token_use that is no string', { token_use: ['access'] }, {}],
    ['a Keycloak ID token with a nonce', { typ: 'ID', nonce: 'n' }, { typ: 'JWT' }],
    ['a nonce and a claim typ in another case', { typ: 'bearer', nonce: 'n' }, { typ: 'JWT' }],
    ['at_hash, whatever the claim typ', { typ: 'Bearer', at_hash: 'h' }, { typ: 'JWT' }],
    ['claims of an access token that are null', { scope: null, client_id: null }, { typ: 'JWT' }],
  ])('refuses %s', async (_what, claims, header) => {
    await api.get('/', await issuer.token(claims, header)).expect(401)
  })

  it.each<[string, Record<string, unknown>]>([
    ['of Cognito', { token_use: 'access' }],
    ['with token_use in full', { token_use: 'access_token' }],
    ['of Keycloak before 25, which repeats the nonce', { typ: 'Bearer', nonce: 'n' }],
    ['of Keycloak, bound to a key of another kind of client', { typ: 'DPoP', nonce: 'n' }],
  ])('accepts an access token %s', async (_what, claims) => {
    await api.get('/', await issuer.token(claims, { typ: 'JWT' })).expect(200)
    await api.get('/', await issuer.token(claims, { typ: undefined })).expect(200)
  })

  it.each(['roles', 'cognito:groups'])(
    'takes no ID token for having the claim that scopes names: %s',
    async (claim) => {
      const reading = createApi(issuer.issuer, { scopes: claim })
      const bare = { scope: undefined, client_id: undefined, azp: 'app', [claim]: ['reports:read'] }
      await reading.get('/reports', await issuer.token(bare, { typ: 'JWT' })).expect(401)
      await reading.get('/reports', await issuer.token({ ...bare, client_id: 'app' }, { typ: 'JWT' })).expect(200)
      await reading.get('/reports', await issuer.token(bare)).expect(200)
    },
  )

  it('passes only verified, frozen claims to a function for scopes', async () => {
    const seen: unknown[] = []
    const reading = createApi(issuer.issuer, {
      scopes: (claims) => {
        seen.push(claims.sub, Object.isFrozen(claims))
        return ['reports:read']
      },
    })
    const forged = await issuer.token({ sub: 'eve' }, { typ: 'JWT' }, await createKey('ES256', issuer.key.kid))
    await reading.get('/reports', forged).expect(401)
    expect(seen).toEqual([])
    await reading.get('/reports', await issuer.token({}, { typ: 'JWT' })).expect(200)
    expect(seen).toEqual(['ada', true])
  })

  it('refuses a token whose scopes the function cannot read, and explains it in the hint', async () => {
    for (const scopes of [
      (claims: Record<string, unknown>) => (claims.realm_access as { roles: string[] }).roles,
      () => 'reports:read' as never,
      async () => ['reports:read'],
      () => [7] as never,
    ]) {
      const failing = createApi(issuer.issuer, { scopes: scopes as () => string[] })
      const { headers } = await failing.get('/', await issuer.token()).expect(401)
      expect(headers['www-authenticate']).toBe('Bearer error="invalid_token"')
      expect(failing.errors[0]).toMatchObject({ hint: expect.stringContaining('resourceServer.scopes') })
    }
    await createApi(issuer.issuer, { scopes: () => undefined as never })
      .get('/', await issuer.token())
      .expect(200)
  })

  it.each(['at+jwt', 'AT+JWT', 'application/at+jwt', 'JWT', undefined])('accepts the typ %s', async (typ) => {
    await api.get('/', await issuer.token({}, { typ })).expect(200)
  })

  it('accepts only at+jwt if typ is strict', async () => {
    const strict = createApi(issuer.issuer, { typ: 'at+jwt' })
    await strict.get('/', await issuer.token()).expect(200)
    await strict.get('/', await issuer.token({}, { typ: 'JWT' })).expect(401)
    await strict.get('/', await issuer.token({}, { typ: undefined })).expect(401)
  })

  it('accepts the access token of a real provider', async () => {
    const provider = await startLocalProvider({
      features: { clientCredentials: { enabled: true }, resourceIndicators: { enabled: true } },
    })
    try {
      await provider.addClient({
        client_id: 'service',
        client_secret: 'service secret',
        redirect_uris: [],
        response_types: [],
        grant_types: ['client_credentials'],
      })
      const token = await fetch(`${provider.issuer}/token`, {
        method: 'POST',
        headers: { authorization: `Basic ${Buffer.from('service:service+secret').toString('base64')}` },
        body: new URLSearchParams({ grant_type: 'client_credentials', resource: AUDIENCE, scope: 'reports:read' }),
      })
      const { access_token } = (await token.json()) as { access_token: string }
      await createApi(provider.issuer).get('/reports', access_token).expect(200)
    } finally {
      await provider.close()
    }
  })
})

describe('signatures (RFC 8725, CVE-2026-22817, CVE-2026-22818)', () => {
  it.each([
    ['header', 0],
    ['payload', 1],
    ['signature', 2],
  ])('refuses a token with another %s', async (_part, index) => {
    const [ours, other] = [await issuer.token(), await issuer.token({ sub: 'grace' }, { kid: issuer.key.kid, x: 1 })]
    const parts = ours.split('.')
    parts[index] = other.split('.')[index] as string
    await api.get('/', parts.join('.')).expect(401)
    await api.get('/', ours).expect(200)
  })

  it.each(['none', 'None', 'NONE', ''])('refuses the algorithm "%s"', async (alg) => {
    const [, payload] = (await issuer.token()).split('.')
    const header = Buffer.from(JSON.stringify({ alg, typ: 'at+jwt', kid: issuer.key.kid })).toString('base64url')
    await api.get('/', `${header}.${payload}.`).expect(401)
  })

  it.each([true, false])('refuses HS256 with the public key as secret, with alg in the JWK: %s', async (withAlg) => {
    const server = await startIssuer('RS256')
    try {
      if (!withAlg) delete server.jwks.keys[0]?.alg
      const confused = createApi(server.issuer)
      for (const secret of [JSON.stringify(server.key.jwk), server.key.jwk.n as string]) {
        const forged = { alg: 'HS256', kid: server.key.kid, privateKey: Buffer.from(secret) }
        await confused.get('/', await signToken(server.issuer, forged)).expect(401)
      }
      await confused.get('/', await server.token()).expect(200)
    } finally {
      await server.close()
    }
  })

  it('refuses an algorithm that is not configured', async () => {
    const strict = createApi(issuer.issuer, { algorithms: ['RS256'] })
    await strict.get('/', await issuer.token()).expect(401)
    await createApi(issuer.issuer, { algorithms: ['ES256'] })
      .get('/', await issuer.token())
      .expect(200)
  })

  it('ignores keys that the token itself contains or points to: jwk, jku, x5u, x5c', async () => {
    const own = await createKey('ES256', issuer.key.kid)
    const thief = await startIssuer()
    try {
      const { issuer: url } = thief
      for (const header of [{ jwk: own.jwk }, { jku: `${url}/jwks` }, { x5u: `${url}/cert` }, { x5c: ['MII='] }]) {
        await api.get('/', await issuer.token({}, header, own)).expect(401)
        await api.get('/', await issuer.token({}, header)).expect(200)
      }
      expect(thief.requests).toEqual([])
    } finally {
      await thief.close()
    }
  })

  it.each<[string, object, boolean]>([
    ['crit with an unknown extension', { crit: ['exotic'], exotic: true }, false],
    ['crit with b64', { crit: ['b64'], b64: true }, false],
    ['an empty crit', { crit: [] }, false],
    ['b64', { b64: true }, false],
    ['zip', { zip: 'DEF' }, false],
    // The unencoded payload below is base64url itself: what is verified and what is decoded would differ.
    ['an unencoded payload', { crit: ['b64'], b64: false }, true],
    ['an unencoded payload without crit', { b64: false }, true],
  ])('refuses %s in the header, and fetches no key', async (_what, extension, unencoded) => {
    const server = await startIssuer()
    try {
      const now = Math.floor(Date.now() / 1000)
      const claims = { iss: server.issuer, aud: AUDIENCE, client_id: 'app', exp: now + 300 }
      const header = { alg: 'ES256', kid: server.key.kid, typ: 'at+jwt' }
      const payload = unencoded ? Buffer.from(JSON.stringify(claims)).toString('base64url') : claims
      const strict = createApi(server.issuer)
      await strict.get('/', signRaw(server.key, { ...header, ...extension }, payload, { unencoded })).expect(401)
      expect(server.requests).toEqual([])
      await strict.get('/', signRaw(server.key, { ...header, exotic: true }, claims)).expect(200)
    } finally {
      await server.close()
    }
  })

  it('refuses a token in another base64url spelling, even if the original is cached', async () => {
    const key = await createKey('ES256')
    const spelled = createApi({ issuer: issuer.issuer, keys: [key.jwk] })
    const token = await issuer.token({}, {}, key)
    await spelled.get('/', token).expect(200)
    const last = token.slice(-1)
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const other = token.slice(0, -1) + alphabet[alphabet.indexOf(last) + 1]
    expect(Buffer.from(other.split('.')[2] as string, 'base64url')).toEqual(
      Buffer.from(token.split('.')[2] as string, 'base64url'),
    )
    await spelled.get('/', other).expect(401)
    await spelled.get('/', `${token}=`).expect(401)
    await spelled.get('/', token.replaceAll('-', '+').replaceAll('_', '/')).expect(/[-_]/.test(token) ? 401 : 200)
  })

  it.each([
    ['garbage', 'abc'],
    ['two parts', 'e30.e30'],
    ['five parts', 'e30.e30.e30.e30.e30'],
    ['empty parts', '..'],
    ['a header that is no JSON', 'abcd.e30.abcd'],
    ['a header that is an array', 'W10.e30.abcd'],
    ['a payload that is a number', 'eyJhbGciOiJSUzI1NiJ9.Nw.abcd'],
    ['a deep payload', `eyJhbGciOiJSUzI1NiJ9.${Buffer.from(`${'['.repeat(3000)}`).toString('base64url')}.abcd`],
  ])('refuses %s', async (_what, token) => {
    await api.get('/', token).expect(401)
  })

  it('tries the keys that fit a token without kid', async () => {
    const server = await startIssuer()
    try {
      const second = await server.addKey()
      const several = createApi(server.issuer)
      await several.get('/', await server.token({}, { kid: undefined }, second)).expect(200)
      await several.get('/', await server.token({}, { kid: undefined }, await createKey())).expect(401)
    } finally {
      await server.close()
    }
  })

  it('does not use an RSA key over 4,096 bits', async () => {
    const { generateKeyPair, exportJWK } = await import('jose')
    const { publicKey, privateKey } = await generateKeyPair('RS256', { modulusLength: 4096 + 8, extractable: true })
    const huge = { alg: 'RS256', kid: 'huge', privateKey, jwk: { ...(await exportJWK(publicKey)), kid: 'huge' } }
    const server = await startIssuer('RS256')
    try {
      server.jwks.keys.push(huge.jwk)
      await createApi(server.issuer)
        .get('/', await server.token({}, {}, huge))
        .expect(401)
      await createApi(server.issuer)
        .get('/', await server.token())
        .expect(200)
    } finally {
      await server.close()
    }
  })
})

describe('keys and outages', () => {
  it('fetches the keys at most once per cooldown for any number of unknown kids', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const server = await startIssuer()
    const asked = () => server.requests.filter((path) => path === '/jwks').length
    try {
      const flooded = createApi(server.issuer)
      await flooded.get('/', await server.token()).expect(200)
      for (let i = 0; i < 10; i++) await flooded.get('/', await server.token({}, { kid: `unknown-${i}` })).expect(401)
      expect(asked()).toBe(2)
      await flooded.get('/', await server.token({ jti: 'fresh' })).expect(200)
      vi.setSystemTime(Date.now() + 31_000)
      for (let i = 0; i < 10; i++) await flooded.get('/', await server.token({}, { kid: `again-${i}` })).expect(401)
      expect(asked()).toBe(3)
    } finally {
      vi.useRealTimers()
      await server.close()
    }
  })

  it('accepts a key that was added a moment ago', async () => {
    const server = await startIssuer()
    try {
      const rotating = createApi(server.issuer)
      await rotating.get('/', await server.token()).expect(200)
      const added = await server.addKey('ES256')
      await rotating.get('/', await server.token({}, {}, added)).expect(200)
    } finally {
      await server.close()
    }
  })

  it('accepts a new key with an old kid, and fetches once per cooldown because of bad signatures', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const server = await startIssuer('ES256')
    const asked = () => server.requests.filter((path) => path === '/jwks').length
    try {
      const rotating = createApi(server.issuer)
      const old = await server.token({ jti: 'old' })
      await rotating.get('/', old).expect(200)
      const forger = await createKey('ES256', server.key.kid)
      for (let i = 0; i < 5; i++) await rotating.get('/', await server.token({ jti: `${i}` }, {}, forger)).expect(401)
      expect(asked()).toBe(2)
      const rotated = await createKey('ES256', server.key.kid)
      server.jwks.keys = [rotated.jwk]
      vi.setSystemTime(Date.now() + 31_000)
      await rotating.get('/', await server.token({ jti: 'new' }, {}, rotated)).expect(200)
      await rotating.get('/', await server.token({ jti: 'without kid' }, { kid: undefined }, rotated)).expect(200)
      await rotating.get('/', old).expect(401)
      await rotating.get('/', await server.token({ jti: 'late' }, {}, forger)).expect(401)
      expect(asked()).toBe(3)
    } finally {
      vi.useRealTimers()
      await server.close()
    }
  })

  it('answers a bad signature with 401, not 503, while the provider is down: the cached keys decide', async () => {
    const server = await startIssuer('ES256')
    try {
      const going = createApi(server.issuer)
      await going.get('/', await server.token()).expect(200)
      server.down = 500
      await going.get('/', await server.token({}, {}, await createKey('ES256', server.key.kid))).expect(401)
      await going.get('/', await server.token({ jti: 'sound' })).expect(200)
    } finally {
      await server.close()
    }
  })

  it('answers 503 with Retry-After while there are no keys, without a challenge or a fetch each time', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const server = await startIssuer()
    server.down = 500
    try {
      const waiting = createApi(server.issuer)
      for (let i = 0; i < 3; i++) {
        const { headers } = await waiting.get('/', await server.token()).expect(503)
        expect(headers['retry-after']).toBe('5')
        expect(headers['www-authenticate']).toBeUndefined()
      }
      expect(server.requests).toHaveLength(1)
      await waiting.get('/', await server.token({ exp: 1 })).expect(401)
      await waiting.get('/').expect(401)
      server.down = undefined
      vi.setSystemTime(Date.now() + 6000)
      await waiting.get('/', await server.token()).expect(200)
    } finally {
      vi.useRealTimers()
      await server.close()
    }
  })

  it('answers 503 to a token whose key cannot be fetched, and accepts it after the outage', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const server = await startIssuer()
    try {
      const waiting = createApi(server.issuer)
      await waiting.get('/', await server.token()).expect(200)
      const token = await server.token({}, {}, await server.addKey('ES256'))
      server.down = 500
      for (let i = 0; i < 3; i++) await waiting.get('/', token).expect(503)
      await waiting.get('/', await server.token({ jti: 'known key' })).expect(200)
      server.down = undefined
      vi.setSystemTime(Date.now() + 31_000)
      await waiting.get('/', token).expect(200)
    } finally {
      vi.useRealTimers()
      await server.close()
    }
  })

  it('uses the cached keys while the provider is down', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const server = await startIssuer()
    try {
      const going = createApi(server.issuer)
      await going.get('/', await server.token()).expect(200)
      server.down = 500
      vi.setSystemTime(Date.now() + 3_600_000)
      await going.get('/', await server.token({ jti: 'later' })).expect(200)
    } finally {
      vi.useRealTimers()
      await server.close()
    }
  })
})

/** Serves an API with headers beyond Node's default limit. */
async function listenWithLargeHeaders({ app }: Api) {
  const server = createServer({ maxHeaderSize: 65_536 }, app)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () => new Promise((resolve) => server.close(resolve)),
  }
}

/** Sends raw headers and returns the status. */
function send(url: string, headers: string[]): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    httpRequest(url, { headers: ['Host', new URL(url).host, ...headers], agent: false }, (res) => {
      res.resume()
      res.on('end', () => resolve(res.statusCode))
    })
      .on('error', reject)
      .end()
  })
}
