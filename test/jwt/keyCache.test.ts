import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
  randomUUID,
  sign,
} from 'node:crypto'
import type { JWK } from 'jose'
import { beforeEach, describe, expect, it } from 'vitest'
import { RelyingPartyError } from '../../src/errors.js'
import { verifySignature } from '../../src/jwt/jws.js'
import { KeyCache } from '../../src/jwt/keyCache.js'
import { fakeDate, pass } from '../support/run/waiting.js'

const URI = 'https://issuer.example/jwks'

beforeEach(fakeDate)

type Kind = 'rsa' | 'rsa-1024' | 'p256' | 'secp256k1' | 'ed25519'

/** A key pair as a provider has it: what it publishes, and how it signs. */
interface SigningKey {
  readonly jwk: JWK
  readonly privateJwk: JsonWebKey
}

function generate(kind: Kind, members: JWK = {}): SigningKey {
  const pair = pairs.get(kind) ?? makePair(kind)
  pairs.set(kind, pair)
  return {
    jwk: { ...(createPublicKey(pair).export({ format: 'jwk' }) as JWK), ...members },
    privateJwk: pair.export({ format: 'jwk' }),
  }
}

const pairs = new Map<Kind, KeyObject>()

function makePair(kind: Kind): KeyObject {
  if (kind === 'rsa') return generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
  if (kind === 'rsa-1024') return generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey
  if (kind === 'ed25519') return generateKeyPairSync('ed25519').privateKey
  return generateKeyPairSync('ec', { namedCurve: kind === 'p256' ? 'P-256' : kind }).privateKey
}

function jwt(key: SigningKey, header: { alg: string; kid?: string }): string {
  const text = [header, { sub: 'ada' }].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
  const privateKey = createPrivateKey({ key: key.privateJwk, format: 'jwk' })
  const signature =
    header.alg === 'EdDSA'
      ? sign(null, Buffer.from(text), privateKey)
      : sign('sha256', Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' })
  return `${text}.${signature.toString('base64url')}`
}

/** A jwks endpoint whose keys can change, and which can fail or answer something else. */
function endpoint(...keys: readonly unknown[]) {
  const state = {
    keys,
    answer: undefined as Response | undefined,
    fails: false,
    requests: 0,
    fetch: async (): Promise<Response> => {
      state.requests++
      if (state.fails) throw new RelyingPartyError('ERR_PROVIDER_UNAVAILABLE', 'the endpoint fails')
      return state.answer ?? Response.json({ keys: state.keys })
    },
  }
  return state
}

async function verify(cache: KeyCache, token: string, alg: string) {
  return verifySignature(token, { algorithms: [alg], keys: (header, tried) => cache.find(URI, header, tried) })
}

describe('the key cache', () => {
  const a = generate('rsa', { kid: 'a' })

  it('makes one request for any number of tokens at once, and none for those that follow', async () => {
    const remote = endpoint(a.jwk)
    const cache = new KeyCache(remote)
    const found = await Promise.all(Array.from({ length: 50 }, () => cache.find(URI, { alg: 'RS256', kid: 'a' })))
    expect(found.every((keys) => keys.length === 1)).toBe(true)
    pass(599)
    await cache.find(URI, { alg: 'RS256', kid: 'a' })
    expect(remote.requests).toBe(1)
  })

  it('accepts a token signed by a key that was published a second ago', async () => {
    const remote = endpoint(a.jwk)
    const cache = new KeyCache(remote)
    await verify(cache, jwt(a, { alg: 'RS256', kid: 'a' }), 'RS256')
    pass(1)
    const rotated = generate('rsa', { kid: 'b' })
    remote.keys = [rotated.jwk]
    await expect(verify(cache, jwt(rotated, { alg: 'RS256', kid: 'b' }), 'RS256')).resolves.toBeDefined()
    expect(remote.requests).toBe(2)
  })

  it('accepts a new key with an old kid, even for a token that was checked with the old key before', async () => {
    const old = generate('p256', { kid: 'a' })
    const remote = endpoint(old.jwk)
    const cache = new KeyCache(remote)
    const header = { alg: 'ES256', kid: 'a' }
    await verify(cache, jwt(old, header), 'ES256')
    const tried = await cache.find(URI, header)
    pairs.delete('p256')
    const rotated = generate('p256', { kid: 'a' })
    remote.keys = [rotated.jwk]
    await expect(verify(cache, jwt(rotated, header), 'ES256')).resolves.toBeDefined()
    expect(await cache.find(URI, header, tried)).toHaveLength(1)
    await expect(verify(cache, jwt(old, header), 'ES256')).rejects.toMatchObject({ claim: 'signature' })
    expect(remote.requests).toBe(2)
  })

  it('fetches once in 30 seconds because of bad signatures, and refuses them if it cannot', async () => {
    const key = generate('p256', { kid: 'a' })
    const remote = endpoint(key.jwk)
    const cache = new KeyCache(remote)
    const header = { alg: 'ES256', kid: 'a' }
    const forged = `${jwt(key, header).split('.', 2).join('.')}.${Buffer.alloc(64, 1).toString('base64url')}`
    const flood = async () => {
      for (let i = 0; i < 5; i++) {
        await expect(verify(cache, forged, 'ES256')).rejects.toMatchObject({ claim: 'signature' })
      }
    }
    await flood()
    expect(remote.requests).toBe(2)
    pass(31)
    remote.fails = true
    await flood()
    expect(remote.requests).toBe(3)
    await expect(verify(cache, jwt(key, header), 'ES256')).resolves.toBeDefined()
  })

  it('makes one request per 30 seconds under a flood of unknown kids, and serves known keys meanwhile', async () => {
    const remote = endpoint(a.jwk)
    const cache = new KeyCache(remote)
    await cache.find(URI, { alg: 'RS256', kid: 'a' })
    const flood = () =>
      Promise.all(Array.from({ length: 200 }, () => cache.find(URI, { alg: 'RS256', kid: randomUUID() })))
    expect((await flood()).flat()).toEqual([])
    await flood()
    expect(remote.requests).toBe(2)
    pass(29)
    await flood()
    expect(remote.requests).toBe(2)
    expect(await cache.find(URI, { alg: 'RS256', kid: 'a' })).toHaveLength(1)
    pass(1)
    await flood()
    expect(remote.requests).toBe(3)
  })

  it('makes at most two requests if the flood comes first', async () => {
    const remote = endpoint(a.jwk)
    const cache = new KeyCache(remote)
    await Promise.all(Array.from({ length: 200 }, () => cache.find(URI, { alg: 'RS256', kid: randomUUID() })))
    expect(remote.requests).toBe(2)
  })

  it('serves the cached keys for 24 hours while the endpoint fails, then no longer', async () => {
    const remote = endpoint(a.jwk)
    const cache = new KeyCache(remote)
    const token = jwt(a, { alg: 'RS256', kid: 'a' })
    await verify(cache, token, 'RS256')
    remote.fails = true
    pass(24 * 3600 - 1)
    await expect(verify(cache, token, 'RS256')).resolves.toBeDefined()
    pass(1)
    await expect(verify(cache, token, 'RS256')).rejects.toMatchObject({ code: 'ERR_PROVIDER_UNAVAILABLE' })
  })

  it('no longer accepts a key that the provider withdrew, once the keys are not fresh', async () => {
    const remote = endpoint(a.jwk)
    const cache = new KeyCache(remote)
    await cache.find(URI, { alg: 'RS256', kid: 'a' })
    remote.keys = []
    pass(600)
    expect(await cache.find(URI, { alg: 'RS256', kid: 'a' })).toEqual([])
  })

  it('keeps the keys of each provider apart', async () => {
    const remote = endpoint(a.jwk)
    const cache = new KeyCache(remote)
    await cache.find(URI, { alg: 'RS256', kid: 'a' })
    remote.keys = []
    expect(await cache.find('https://other.example/jwks', { alg: 'RS256', kid: 'a' })).toEqual([])
  })

  it('is bounded in the number of providers', async () => {
    const remote = endpoint(a.jwk)
    const cache = new KeyCache({ fetch: remote.fetch, max: 2 })
    for (const name of ['one', 'two', 'three']) await cache.find(`https://${name}.example`, { alg: 'RS256' })
    await cache.find('https://three.example', { alg: 'RS256' })
    expect(remote.requests).toBe(3)
    await cache.find('https://one.example', { alg: 'RS256' })
    expect(remote.requests).toBe(4)
  })

  it.each([
    ['a page instead of JSON', () => new Response('<html>')],
    ['an array', () => Response.json([])],
    ['null', () => Response.json(null)],
    ['no keys', () => Response.json({})],
    ['keys that are no array', () => Response.json({ keys: { a: 1 } })],
    ['another status', () => new Response('{"keys":[]}', { status: 404 })],
  ])('refuses %s in place of a key set', async (_, answer) => {
    const remote = endpoint(a.jwk)
    const cache = new KeyCache(remote)
    remote.answer = answer()
    await expect(cache.find(URI, { alg: 'RS256' })).rejects.toMatchObject({ code: 'ERR_METADATA_INVALID' })
    remote.answer = undefined
    expect(await cache.find(URI, { alg: 'RS256' })).toHaveLength(1)
  })
})

describe('the keys of a set', () => {
  const rsa = generate('rsa')
  const p256 = generate('p256')
  const secp256k1 = generate('secp256k1')
  const ed25519 = generate('ed25519')
  const small = generate('rsa-1024')

  it('that are nested too deep for the stack do not keep the others from being used', async () => {
    const deep = `{"kty":${'['.repeat(10_000)}${']'.repeat(10_000)}}`
    const remote = endpoint()
    remote.answer = new Response(`{"keys":[${deep},${JSON.stringify(rsa.jwk)}]}`)
    await expect(verify(new KeyCache(remote), jwt(rsa, { alg: 'RS256' }), 'RS256')).resolves.toBeDefined()
  })

  it('that are unusable do not prevent the use of the others', async () => {
    const unusable = [
      secp256k1.jwk,
      small.jwk,
      { kty: 'RSA' },
      { kty: 'RSA', n: 'AQAB' },
      { kty: 'RSA', n: 1, e: 2 },
      { kty: 'RSA', n: 'A'.repeat(1400), e: 'AQAB' },
      { kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA' },
      { kty: 'oct', k: Buffer.from('secret').toString('base64url') },
      { kty: 'future' },
      null,
      'key',
      ['key'],
      { ...rsa.jwk, use: 'enc' },
      { ...rsa.jwk, key_ops: ['encrypt'] },
      { ...rsa.jwk, key_ops: 'verify' },
      { ...rsa.jwk, kid: 1 },
    ]
    const cache = new KeyCache(endpoint(...unusable, rsa.jwk, p256.jwk, ed25519.jwk))
    await expect(verify(cache, jwt(rsa, { alg: 'RS256' }), 'RS256')).resolves.toBeDefined()
    await expect(verify(cache, jwt(p256, { alg: 'ES256' }), 'ES256')).resolves.toBeDefined()
    await expect(verify(cache, jwt(ed25519, { alg: 'EdDSA' }), 'EdDSA')).resolves.toBeDefined()
  })

  it.each<[string, SigningKey, string]>([
    ['an RSA key', rsa, 'RS256'],
    ['a P-256 key', p256, 'ES256'],
    ['an Ed25519 key', ed25519, 'EdDSA'],
  ])('%s without alg, use and kid verifies', async (_, key, alg) => {
    expect(key.jwk.alg).toBeUndefined()
    const cache = new KeyCache(endpoint(key.jwk))
    await expect(verify(cache, jwt(key, { alg, kid: 'any' }), alg)).rejects.toMatchObject({ claim: 'kid' })
    await expect(verify(cache, jwt(key, { alg }), alg)).resolves.toBeDefined()
  })

  it.each<[string, JWK, JWK]>([
    ['for encryption', { use: 'enc' }, { use: 'sig' }],
    ['for other operations', { key_ops: ['sign'] }, { key_ops: ['verify'] }],
    ['for another algorithm', { alg: 'PS256' }, { alg: 'RS256' }],
    ['of another kid', { kid: 'b' }, { kid: 'a' }],
  ])('%s do not verify', async (_, wrong, right) => {
    const token = jwt(rsa, { alg: 'RS256', kid: 'a' })
    const refusing = new KeyCache(endpoint({ ...rsa.jwk, kid: 'a', ...wrong }))
    await expect(verify(refusing, token, 'RS256')).rejects.toMatchObject({ claim: 'kid' })
    const accepting = new KeyCache(endpoint({ ...rsa.jwk, kid: 'a', ...right }))
    await expect(verify(accepting, token, 'RS256')).resolves.toBeDefined()
  })

  it('with an RSA modulus of less than 2,048 or more than 4,096 bits are left out', async () => {
    const tooLong = { kty: 'RSA', e: 'AQAB', n: Buffer.alloc(513, 0xff).toString('base64url') }
    const longest = { kty: 'RSA', e: 'AQAB', n: Buffer.alloc(512, 0xff).toString('base64url') }
    expect(await new KeyCache(endpoint(small.jwk)).find(URI, { alg: 'RS256' })).toHaveLength(0)
    expect(await new KeyCache(endpoint(tooLong)).find(URI, { alg: 'RS256' })).toHaveLength(0)
    expect(await new KeyCache(endpoint(longest)).find(URI, { alg: 'RS256' })).toHaveLength(1)
    expect(await new KeyCache(endpoint(rsa.jwk)).find(URI, { alg: 'RS256' })).toHaveLength(1)
  })

  it('are imported as public keys even if the provider publishes the private part', async () => {
    const cache = new KeyCache(endpoint({ ...rsa.jwk, ...rsa.privateJwk }))
    const [key] = await cache.find(URI, { alg: 'RS256' })
    expect(key?.type).toBe('public')
    await expect(verify(cache, jwt(rsa, { alg: 'RS256' }), 'RS256')).resolves.toBeDefined()
  })

  it('are never used as an HMAC secret', async () => {
    const secret = { kty: 'oct', k: Buffer.from('secret').toString('base64url'), alg: 'HS256', kid: 'a' }
    for (const alg of ['HS256', 'none', 'constructor', '__proto__']) {
      expect(await new KeyCache(endpoint(secret, rsa.jwk)).find(URI, { alg })).toEqual([])
    }
  })

  it('with one kid and several algorithms are kept apart', async () => {
    const cache = new KeyCache(endpoint({ ...p256.jwk, kid: 'a' }, { ...rsa.jwk, kid: 'a' }))
    await expect(verify(cache, jwt(rsa, { alg: 'RS256', kid: 'a' }), 'RS256')).resolves.toBeDefined()
    await expect(verify(cache, jwt(p256, { alg: 'ES256', kid: 'a' }), 'ES256')).resolves.toBeDefined()
  })

  it('are tried for a token without kid, up to 8, so that a long set costs no more', async () => {
    const fillers = Array.from({ length: 7 }, () => generateRsaPublic())
    const within = new KeyCache(endpoint(...fillers, rsa.jwk))
    expect(await within.find(URI, { alg: 'RS256' })).toHaveLength(8)
    await expect(verify(within, jwt(rsa, { alg: 'RS256' }), 'RS256')).resolves.toBeDefined()
    const beyond = new KeyCache(endpoint(...fillers, ...fillers, rsa.jwk))
    expect(await beyond.find(URI, { alg: 'RS256' })).toHaveLength(8)
  })
})

/** A public key that no one signs with. */
function generateRsaPublic(): JWK {
  const n = Buffer.alloc(256, 0xab)
  n[255] = 1 + 2 * Math.floor(Math.random() * 100)
  return { kty: 'RSA', e: 'AQAB', n: n.toString('base64url') }
}
