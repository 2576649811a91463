import { createHash, createSecretKey } from 'node:crypto'
import fc from 'fast-check'
import { type CryptoKey, generateKeyPair, SignJWT } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { type IdTokenExpectations, verifyIdToken } from '../../src/protocol/idToken.js'

const NOW = Math.floor(Date.now() / 1000)
const ISSUER = 'https://op.example.com'
const CLAIMS = { iss: ISSUER, aud: 'app', sub: 'ada', exp: NOW + 300, iat: NOW, nonce: 'nonce' }
const TOLERANCE = 30

let key: CryptoKey
let publicKey: CryptoKey
beforeAll(async () => {
  ;({ privateKey: key, publicKey } = await generateKeyPair('ES256'))
})

type Changes = Readonly<Record<string, unknown>>

function sign(claims: Changes): Promise<string> {
  return new SignJWT({ ...CLAIMS, ...claims }).setProtectedHeader({ alg: 'ES256' }).sign(key)
}

async function verify(claims: Changes, expected: Partial<IdTokenExpectations> = {}) {
  return verifyIdToken(await sign(claims), {
    issuer: () => ISSUER,
    clientId: 'app',
    algorithm: 'ES256',
    keys: async () => [publicKey],
    clockTolerance: TOLERANCE,
    nonce: 'nonce',
    ...expected,
  })
}

const hash = (value: string, alg = 'sha256') => {
  const digest = createHash(alg).update(value).digest()
  return digest.subarray(0, digest.length / 2).toString('base64url')
}
const atHash = (required: boolean) => [{ claim: 'at_hash' as const, value: 'token', required }]

describe('an ID token', () => {
  it.each<[string, Changes, Partial<IdTokenExpectations>]>([
    ['as it should be', {}, {}],
    ['with aud as an array', { aud: ['app'] }, {}],
    ['that expired within the tolerance', { exp: NOW - TOLERANCE + 5 }, {}],
    ['issued in a future within the tolerance', { iat: NOW + TOLERANCE - 5 }, {}],
    ['not valid before a time within the tolerance', { nbf: NOW + TOLERANCE - 5 }, {}],
    ['with times in parts of a second', { exp: NOW + 300.5, iat: NOW - 0.5 }, {}],
    ['without a nonce, where none was sent', { nonce: undefined }, { nonce: null }],
    ['with a nonce, where it is not checked', {}, { nonce: undefined }],
    ['with an auth_time in the future within the tolerance', { auth_time: NOW + TOLERANCE - 5 }, { maxAge: 60 }],
    ['with an auth_time within max_age', { auth_time: NOW - 60 }, { maxAge: 60 }],
    ['with an acr that was asked for', { acr: 'gold' }, { acr: ['platinum', 'gold'] }],
    ['with the right at_hash', { at_hash: hash('token') }, { hashes: atHash(true) }],
    ['without at_hash, where it need not be', {}, { hashes: atHash(false) }],
  ])('%s is accepted', async (_what, claims, expected) => {
    await expect(verify(claims, expected)).resolves.toMatchObject({ sub: 'ada' })
  })

  it.each<[string, Changes, Partial<IdTokenExpectations>, string]>([
    ['of another issuer', { iss: 'https://evil.example' }, {}, 'iss'],
    ['with a nonce, where none was sent', {}, { nonce: null }, 'nonce'],
    ['of an issuer that cannot be known', {}, { issuer: () => undefined }, 'iss'],
    ['without iss, where it cannot be known', { iss: undefined }, { issuer: () => undefined }, 'iss'],
    ['of an issuer with a slash more', { iss: `${ISSUER}/` }, {}, 'iss'],
    ['without iss', { iss: undefined }, {}, 'iss'],
    ['with iss as an array', { iss: [ISSUER] }, {}, 'iss'],
    ['for another client', { aud: 'other' }, {}, 'aud'],
    ['without aud', { aud: undefined }, {}, 'aud'],
    ['with the client in an inner array', { aud: [['app']] }, {}, 'aud'],
    ['for several clients without azp', { aud: ['app', 'other'] }, {}, 'azp'],
    ['with an azp that is another client', { azp: 'other' }, {}, 'azp'],
    ['that has expired', { exp: NOW - TOLERANCE - 1 }, {}, 'exp'],
    ['without exp', { exp: undefined }, {}, 'exp'],
    ['with exp as a string', { exp: String(NOW + 300) }, {}, 'exp'],
    ['with an exp that is no time', { exp: 1e300 }, {}, 'exp'],
    ['with a negative exp', { exp: -1 }, {}, 'exp'],
    ['with exp null', { exp: null }, {}, 'exp'],
    ['without iat', { iat: undefined }, {}, 'iat'],
    ['issued in the future', { iat: NOW + TOLERANCE + 60 }, {}, 'iat'],
    ['with iat as an array', { iat: [NOW] }, {}, 'iat'],
    ['that is not valid yet', { nbf: NOW + TOLERANCE + 60 }, {}, 'nbf'],
    ['with nbf as a string', { nbf: 'now' }, {}, 'nbf'],
    ['without sub', { sub: undefined }, {}, 'sub'],
    ['with an empty sub', { sub: '' }, {}, 'sub'],
    ['with sub as a number', { sub: 1 }, {}, 'sub'],
    ['with another nonce', { nonce: 'other' }, {}, 'nonce'],
    ['without nonce', { nonce: undefined }, {}, 'nonce'],
    ['with nonce as an array', { nonce: ['nonce'] }, {}, 'nonce'],
    ['without auth_time, though max_age was sent', {}, { maxAge: 60 }, 'auth_time'],
    ['with an auth_time beyond max_age', { auth_time: NOW - 60 - TOLERANCE - 5 }, { maxAge: 60 }, 'auth_time'],
    ['with an auth_time in the future', { auth_time: NOW + TOLERANCE + 5 }, { maxAge: 60 }, 'auth_time'],
    [
      'with an auth_time in the future, although max_age was not sent',
      { auth_time: NOW + TOLERANCE + 5 },
      {},
      'auth_time',
    ],
    ['with an auth_time in milliseconds', { auth_time: NOW * 1000 }, { maxAge: 60 }, 'auth_time'],
    ['with auth_time as a string', { auth_time: String(NOW) }, { maxAge: 60 }, 'auth_time'],
    ['with a malformed auth_time, although max_age was not sent', { auth_time: 'now' }, {}, 'auth_time'],
    ['without acr, though it is essential', {}, { acr: ['gold'] }, 'acr'],
    ['with an acr that is not good enough', { acr: 'bronze' }, { acr: ['gold'] }, 'acr'],
    ['with acr as an array', { acr: ['gold'] }, { acr: ['gold'] }, 'acr'],
    ['with the at_hash of another token', { at_hash: hash('other') }, { hashes: atHash(false) }, 'at_hash'],
    ['with a shortened at_hash', { at_hash: hash('token').slice(0, 8) }, { hashes: atHash(false) }, 'at_hash'],
    [
      'with an at_hash of another algorithm',
      { at_hash: hash('token', 'sha512') },
      { hashes: atHash(false) },
      'at_hash',
    ],
    ['with at_hash as a number', { at_hash: 1 }, { hashes: atHash(false) }, 'at_hash'],
    ['without at_hash, where it must be', {}, { hashes: atHash(true) }, 'at_hash'],
  ])('%s is refused', async (_what, claims, expected, claim) => {
    await expect(verify(claims, expected)).rejects.toMatchObject({ name: 'JwtError', claim })
    await expect(verify({})).resolves.toMatchObject({ sub: 'ada' })
  })

  it.each(['RS256', 'HS256', 'none', 'es256'])(
    'of another algorithm than the registered one is refused: %s',
    async (algorithm) => {
      await expect(verify({}, { algorithm })).rejects.toMatchObject({ claim: 'alg' })
    },
  )

  it('for other clients is refused unless all of them are trusted', async () => {
    const claims = { aud: ['app', 'mobile'], azp: 'mobile' }
    await expect(verify(claims)).rejects.toMatchObject({ claim: 'azp' })
    await expect(verify(claims, { trustedAudiences: ['other'] })).rejects.toMatchObject({ claim: 'aud' })
    await expect(verify({ aud: ['app'], azp: 'x' }, { trustedAudiences: ['mobile'] })).rejects.toMatchObject({
      claim: 'azp',
    })
    await expect(verify({ aud: ['mobile'] }, { trustedAudiences: ['mobile'] })).rejects.toMatchObject({ claim: 'aud' })
    await expect(verify(claims, { trustedAudiences: ['mobile'] })).resolves.toMatchObject({ sub: 'ada' })
  })

  it('signed with the public key as a shared secret is refused', async () => {
    const secret = createSecretKey(Buffer.from('the text of a public key, known to all'))
    const forged = await new SignJWT(CLAIMS).setProtectedHeader({ alg: 'HS256' }).sign(secret)
    const expected = { issuer: () => ISSUER, clientId: 'app', clockTolerance: TOLERANCE, keys: async () => [secret] }
    await expect(verifyIdToken(forged, { ...expected, algorithm: 'ES256' })).rejects.toMatchObject({ claim: 'alg' })
    await expect(verifyIdToken(forged, { ...expected, algorithm: 'HS256' })).resolves.toMatchObject({ sub: 'ada' })
  })

  it('whose text is changed anywhere is refused', async () => {
    const token = await sign({})
    const expected = {
      issuer: () => ISSUER,
      clientId: 'app',
      algorithm: 'ES256',
      clockTolerance: TOLERANCE,
      keys: async () => [publicKey],
    }
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: token.length - 2 }),
        fc.constantFrom('A', 'b', '.', '=', ' '),
        async (at, character) => {
          fc.pre(token[at] !== character)
          const changed = token.slice(0, at) + character + token.slice(at + 1)
          await expect(verifyIdToken(changed, expected)).rejects.toMatchObject({ name: 'JwtError' })
        },
      ),
      { numRuns: 200 },
    )
    await expect(verifyIdToken(token, expected)).resolves.toMatchObject({ sub: 'ada' })
  })

  it('of any claims never makes the check throw anything but a JwtError', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(
          fc.constantFrom('aud', 'azp', 'exp', 'iat', 'nbf', 'nonce', 'acr', 'auth_time', 'at_hash'),
          fc.jsonValue(),
        ),
        async (claims) => {
          const verdict = await verify(claims, { maxAge: 60, acr: ['gold'], hashes: atHash(false) }).catch(
            (error: unknown) => error,
          )
          if (verdict instanceof Error) expect(verdict.name).toBe('JwtError')
          else expect(verdict).toMatchObject({ acr: 'gold' })
        },
      ),
      { numRuns: 200 },
    )
  })
})
