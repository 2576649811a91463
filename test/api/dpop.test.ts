/** RFC 9449 at a resource server. */

import { exportJWK } from 'jose'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { AuthStore, ResourceServerOptions } from '../../src/index.js'
import { type Api, createApi } from '../support/api/api.js'
import { createProofKey, type ProofKey, prove } from '../support/api/dpop.js'
import { AUDIENCE, signRaw, startIssuer, type TestIssuer } from '../support/provider/issuer.js'
import { fakeDate } from '../support/run/waiting.js'

const URL_OF_ROOT = `${AUDIENCE}/`
const NONCE_SECRET = 'a nonce secret of at least thirty-two characters'

let issuer: TestIssuer
let key: ProofKey
let api: Api
let token: string

beforeAll(async () => {
  issuer = await startIssuer()
  key = await createProofKey()
  api = createDPoPApi()
  token = await issuer.token({ cnf: { jkt: key.jkt } })
})

afterAll(() => issuer.close())

function createDPoPApi(options: Partial<ResourceServerOptions> = {}): Api {
  return createApi(issuer.issuer, { resource: AUDIENCE, dpop: true, ...options })
}

function send(to: Api, proof: string | undefined, bearer = token, headers: Record<string, string> = {}) {
  return to.get('/', { Authorization: `DPoP ${bearer}`, ...(proof === undefined ? {} : { DPoP: proof }), ...headers })
}

describe('DPoP', () => {
  it.each(['ES256', 'RS256', 'PS256', 'EdDSA'])('accepts a bound token with a proof signed with %s', async (alg) => {
    const own = await createProofKey(alg)
    const bound = await issuer.token({ cnf: { jkt: own.jkt } })
    const proof = await prove(own, { htu: URL_OF_ROOT, token: bound })
    await send(api, proof, bound).expect(200)
  })

  it('accepts the scheme in any case, and any number of proofs by one key', async () => {
    for (const scheme of ['dpop', 'DPOP']) {
      const proof = await prove(key, { htu: URL_OF_ROOT, token })
      await api.get('/', { Authorization: `${scheme} ${token}`, DPoP: proof }).expect(200)
    }
  })

  it('refuses a bound token sent as a plain Bearer token', async () => {
    const proof = await prove(key, { htu: URL_OF_ROOT, token })
    const { headers } = await api.get('/', { Authorization: `Bearer ${token}`, DPoP: proof }).expect(401)
    expect(headers['www-authenticate']).toMatch(/^Bearer error="invalid_token".*, DPoP .*algs="/)
    await createApi(issuer.issuer).get('/', token).expect(401)
  })

  it('refuses an unbound token with the scheme DPoP', async () => {
    const plain = await issuer.token()
    await send(api, await prove(key, { htu: URL_OF_ROOT, token: plain }), plain).expect(401)
    await api.get('/', plain).expect(200)
  })

  it('refuses unbound tokens if bound ones are required', async () => {
    const strict = createDPoPApi({ dpop: { required: true } })
    const { headers } = await strict.get('/', await issuer.token()).expect(401)
    expect(headers['www-authenticate']).toMatch(/^DPoP error="invalid_token"/)
    await send(strict, await prove(key, { htu: URL_OF_ROOT, token })).expect(200)
  })

  it('names both schemes to a request without credentials', async () => {
    const { headers } = await createDPoPApi({ dpop: { algorithms: ['ES256'] } })
      .get('/')
      .expect(401)
    const metadata = `resource_metadata="${AUDIENCE}/.well-known/oauth-protected-resource"`
    expect(headers['www-authenticate']).toBe(`Bearer ${metadata}, DPoP ${metadata}, algs="ES256"`)
  })

  it('answers a bad proof with invalid_dpop_proof', async () => {
    const { headers } = await send(api, undefined).expect(401)
    expect(headers['www-authenticate']).toMatch(/^DPoP error="invalid_dpop_proof"/)
  })

  const seconds = () => Math.floor(Date.now() / 1000)
  it.each<[string, () => Record<string, unknown>, Record<string, unknown>?]>([
    ['another method', () => ({ htm: 'POST' })],
    ['a method in lower case', () => ({ htm: 'get' })],
    ['another path', () => ({ htu: `${AUDIENCE}/other` })],
    ['another host', () => ({ htu: 'https://evil.example/' })],
    ['another scheme', () => ({ htu: URL_OF_ROOT.replace('https', 'http') })],
    ['a URL with a user', () => ({ htu: 'https://user@api.example.com/' })],
    ['no URL', () => ({ htu: undefined })],
    ['what is no URL', () => ({ htu: 'api' })],
    ['the hash of another token', () => ({ ath: 'x' })],
    ['no hash', () => ({ ath: undefined })],
    ['an old iat', () => ({ iat: seconds() - 70 })],
    ['an iat in the future', () => ({ iat: seconds() + 60 })],
    ['no iat', () => ({ iat: undefined })],
    ['iat as a string', () => ({ iat: String(seconds()) })],
    ['no jti', () => ({ jti: undefined })],
    ['jti as a number', () => ({ jti: 7 })],
    ['an endless jti', () => ({ jti: 'x'.repeat(300) })],
    ['iat in milliseconds', () => ({ iat: Date.now() })],
    ['b64', () => ({}), { b64: true }],
    ['zip', () => ({}), { zip: 'DEF' }],
    ['another typ', () => ({}), { typ: 'JWT' }],
    ['no typ', () => ({}), { typ: undefined }],
    ['no key', () => ({}), { jwk: undefined }],
    ['a key that is a string', () => ({}), { jwk: 'key' }],
  ])('refuses a proof with %s', async (_what, claims, header) => {
    await send(api, await prove(key, { htu: URL_OF_ROOT, token }, claims(), header)).expect(401)
    await send(api, await prove(key, { htu: URL_OF_ROOT, token })).expect(200)
  })

  it('refuses a proof by another key, even one that contains the right key', async () => {
    const other = await createProofKey()
    await send(api, await prove(other, { htu: URL_OF_ROOT, token })).expect(401)
    await send(api, await prove({ ...other, jwk: key.jwk }, { htu: URL_OF_ROOT, token })).expect(401)
  })

  it('refuses a proof with an unencoded payload, which could be read in two ways', async () => {
    const rsa = await createProofKey('RS256')
    const bound = await issuer.token({ cnf: { jkt: rsa.jkt } })
    const header = { typ: 'dpop+jwt', alg: 'RS256', jwk: rsa.jwk }
    const [, payload = ''] = (await prove(rsa, { htu: URL_OF_ROOT, token: bound })).split('.')
    const unencoded = (extension: object) => signRaw(rsa, { ...header, ...extension }, payload, { unencoded: true })
    await send(api, unencoded({ crit: ['b64'], b64: false }), bound).expect(401)
    await send(api, unencoded({}), bound).expect(200)
  })

  it('explains a wrong htu to operators: the actual value, and the one expected from resource', async () => {
    const explaining = createDPoPApi()
    await send(explaining, await prove(key, { htu: 'https://internal.example/', token })).expect(401)
    expect(explaining.errors[0]).toMatchObject({
      message: 'the DPoP proof is refused: it is for another URL',
      hint: expect.stringMatching(/internal\.example.*api\.example\.com\/.*resourceServer\.resource/),
    })
  })

  it('refuses a proof that contains its private key', async () => {
    const jwk = await exportJWK(key.privateKey)
    await send(api, await prove({ ...key, jwk }, { htu: URL_OF_ROOT, token })).expect(401)
  })

  it('refuses an RSA key with an exponent that makes verification slow', async () => {
    const own = await createProofKey('RS256')
    const jwk = { ...own.jwk, e: 'AQAAAQ' }
    const bound = await issuer.token({ cnf: { jkt: own.jkt } })
    await send(api, await prove({ ...own, jwk }, { htu: URL_OF_ROOT, token: bound }), bound).expect(401)
    await send(api, await prove(own, { htu: URL_OF_ROOT, token: bound }), bound).expect(200)
  })

  it('refuses a proof that was used before', async () => {
    const proof = await prove(key, { htu: URL_OF_ROOT, token })
    await send(api, proof).expect(200)
    await send(api, proof).expect(401)
  })

  it('refuses it in another process too, given a store, and answers 503 if the store fails', async () => {
    const used = new Set<string>()
    const store = { add: async (name: string) => !used.has(name) && Boolean(used.add(name)) } as unknown as AuthStore
    const [one, two] = [createDPoPApi({ dpop: { store } }), createDPoPApi({ dpop: { store } })]
    const proof = await prove(key, { htu: URL_OF_ROOT, token })
    await send(one, proof).expect(200)
    await send(two, proof).expect(401)
    await send(two, await prove(key, { htu: URL_OF_ROOT, token })).expect(200)
    const broken = { add: () => Promise.reject(new Error('down')) } as unknown as AuthStore
    await send(createDPoPApi({ dpop: { store: broken } }), await prove(key, { htu: URL_OF_ROOT, token })).expect(503)
  })

  it('does not mark a refused proof as used', async () => {
    const proof = await prove(key, { htu: URL_OF_ROOT, token })
    const another = await issuer.token({ cnf: { jkt: key.jkt }, jti: 'another' })
    await send(api, proof, another).expect(401)
    await send(api, proof).expect(200)
  })

  it.each(['api.example.com/other?', 'evil.example', 'user@api.example.com'])(
    'compares htu with the configuration, whatever the Host header is: %s',
    async (host) => {
      const own = await prove(key, { htu: URL_OF_ROOT, token })
      await send(api, own, token, { Host: host }).expect(200)
      const forged = await prove(key, { htu: `https://${host}/`, token })
      await send(api, forged, token, { Host: host, 'X-Forwarded-Host': host }).expect(401)
    },
  )

  it('compares htu without query and fragment, and with its escapes normalized', async () => {
    for (const htu of [`${URL_OF_ROOT}?a=1`, `${URL_OF_ROOT}#b`, 'HTTPS://API.example.com:443/']) {
      await send(api, await prove(key, { htu, token })).expect(200)
    }
    const proof = await prove(key, { htu: `${AUDIENCE}/%72eports`, token })
    await api.get('/reports?x=1', { Authorization: `DPoP ${token}`, DPoP: proof }).expect(200)
  })

  it('accepts a path below that of the resource, even if a proxy strips it', async () => {
    const below = createDPoPApi({ resource: `${AUDIENCE}/v1`, audience: AUDIENCE })
    await send(below, await prove(key, { htu: `${AUDIENCE}/v1/`, token })).expect(200)
    await send(below, await prove(key, { htu: URL_OF_ROOT, token })).expect(401)
  })

  it('requires a nonce, accepts the current and the previous one, and issues a new one in time', async () => {
    fakeDate()
    const strict = createDPoPApi({ dpop: { nonceSecret: NONCE_SECRET, nonceLifetime: 60 } })
    const other = createDPoPApi({ dpop: { nonceSecret: [`another ${NONCE_SECRET}`, NONCE_SECRET], nonceLifetime: 60 } })
    const proof = (nonce?: string) => prove(key, { htu: URL_OF_ROOT, token }, { nonce })
    const asked = await send(strict, await proof()).expect(401)
    expect(asked.headers['www-authenticate']).toMatch(/^DPoP error="use_dpop_nonce"/)
    const nonce = asked.headers['dpop-nonce']
    expect((await send(strict, await proof(nonce)).expect(200)).headers['dpop-nonce']).toBeUndefined()
    await send(other, await proof(nonce)).expect(200)
    await send(strict, await proof(`${nonce}x`)).expect(401)
    vi.setSystemTime(Date.now() + 60_000)
    const late = await send(strict, await proof(nonce)).expect(200)
    expect(late.headers['dpop-nonce']).toMatch(/^[\w-]+$/)
    expect(late.headers['dpop-nonce']).not.toBe(nonce)
    vi.setSystemTime(Date.now() + 60_000)
    await send(strict, await proof(nonce)).expect(401)
  })
})
