import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { decodeProtectedHeader, jwtVerify } from 'jose'
import { beforeEach, describe, expect, it } from 'vitest'
import { apple } from '../../src/providers.js'
import { muteExpress } from '../support/bed/bed.js'
import { startPresetSite } from '../support/provider/presetSite.js'
import { configurationErrorSaying } from '../support/run/configurationError.js'
import { fakeDate, pass } from '../support/run/waiting.js'
import { APPLE_KEY } from './fixtures/openId.js'

beforeEach(muteExpress)

const ISSUER = 'https://appleid.apple.com'
const OPTIONS = { clientId: 'app', teamId: 'A1B2C3D4E5', keyId: 'F6G7H8I9J0', privateKey: APPLE_KEY }

function secretOf(options: Partial<Parameters<typeof apple>[0]> = {}): () => Promise<string> {
  const { clientSecret } = apple({ ...OPTIONS, ...options })
  if (typeof clientSecret !== 'function') throw new TypeError('clientSecret is not a function')
  return async () => clientSecret()
}

const verify = (secret: string, audience = ISSUER) =>
  jwtVerify(secret, createPublicKey(APPLE_KEY), { audience, issuer: 'A1B2C3D4E5', subject: 'app' })

describe("apple()'s client secret", () => {
  it('is a JWT for Apple, signed with the private key, and valid for less than six months', async () => {
    const secret = await secretOf()()
    expect(decodeProtectedHeader(secret)).toEqual({ alg: 'ES256', kid: 'F6G7H8I9J0' })
    const { payload } = await verify(secret)
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(3600)
  })

  it('is kept, and replaced long before it expires', async () => {
    fakeDate()
    const secret = secretOf()
    const first = await secret()
    pass(2900)
    expect(await secret()).toBe(first)
    pass(200)
    const second = await secret()
    expect(second).not.toBe(first)
    const { payload } = await verify(second)
    expect(payload.exp).toBe(Math.floor(Date.now() / 1000) + 3600)
    // The first is still valid: requests with it may be in progress.
    await verify(first)
  })

  it('is signed once for requests that come together', async () => {
    const secret = secretOf()
    const secrets = await Promise.all(Array.from({ length: 20 }, secret))
    expect(new Set(secrets).size).toBe(1)
  })

  it('is replaced if the clock was set back', async () => {
    fakeDate()
    const secret = secretOf()
    const first = await secret()
    pass(-7200)
    const { payload } = await verify(await secret())
    expect(await secret()).not.toBe(first)
    expect(payload.iat).toBe(Math.floor(Date.now() / 1000))
  })

  it('is for another issuer if that is set', async () => {
    await verify(await secretOf({ issuer: 'http://localhost:1' })(), 'http://localhost:1')
    await expect(verify(await secretOf()(), 'http://localhost:1')).rejects.toThrow('aud')
  })

  it('accepts a key whose line breaks an environment variable wrote as two characters', async () => {
    await verify(await secretOf({ privateKey: APPLE_KEY.replaceAll('\n', '\\n') })())
  })

  const pem = (curve: string) =>
    generateKeyPairSync('ec', { namedCurve: curve }).privateKey.export({ type: 'pkcs8', format: 'pem' }) as string

  it.each([
    ['no key', undefined, 'apple.privateKey'],
    ['text', 'secret', '.p8 file'],
    ['the path of a file', '/keys/AuthKey.p8', '.p8 file'],
    ['a key of another curve', pem('P-384'), 'not a P-256 private key'],
    ['a public key', createPublicKey(APPLE_KEY).export({ type: 'spki', format: 'pem' }) as string, 'private key'],
  ])('refuses %s at construction, without quoting it', (_what, privateKey, said) => {
    const create = () => apple({ ...OPTIONS, privateKey: privateKey as string })
    expect(create).toThrow(configurationErrorSaying(said) as never)
    const { cause, message } = (() => {
      try {
        return create() as never
      } catch (error) {
        return error as Error
      }
    })()
    expect(cause).toBeUndefined()
    expect(message).not.toContain(privateKey ?? '-')
  })

  it.each(['teamId', 'keyId'])('refuses %s of another form', (name) => {
    expect(() => apple({ ...OPTIONS, [name]: 'a1' })).toThrow(configurationErrorSaying(`apple.${name}`) as never)
  })
})

describe("apple()'s user parameter", () => {
  const verified = { sub: '001234.5678', email: 'ada@example.com', email_verified: 'true' }

  async function start(claims: Record<string, unknown> = verified) {
    return startPresetSite(apple(OPTIONS), {
      answers: { [`${ISSUER}/auth/token`]: { access_token: 'a', token_type: 'Bearer' } },
      idToken: () => ({ claims: { iss: ISSUER, ...claims } }),
    })
  }

  it('changes neither sub nor e-mail, nor whether it is verified', async () => {
    const site = await start({ sub: '001234.5678', email: 'ada@example.com', email_verified: 'false' })
    const user = {
      name: { firstName: 'Ada', lastName: 'Lovelace', sub: 'eve' },
      sub: 'eve',
      iss: 'https://evil.example',
      email: 'eve@example.com',
      email_verified: true,
      is_private_email: true,
    }
    const claims = await site.signIn(undefined, { code: 'c', user: JSON.stringify(user), sub: 'eve', email: 'eve' })
    expect(claims).toMatchObject({
      iss: ISSUER,
      sub: '001234.5678',
      email: 'ada@example.com',
      email_verified: false,
      is_private_email: false,
      name: 'Ada Lovelace',
    })
    expect(JSON.stringify(claims)).not.toContain('eve')
  })

  it.each([
    ['none', undefined],
    ['no JSON', '{"name":'],
    ['no object', '[]'],
    ['a name that is no object', '{"name":"Eve"}'],
    ['parts that are no texts', '{"name":{"firstName":{"a":1},"lastName":["b"]}}'],
    ['blank parts', '{"name":{"firstName":" ","lastName":""}}'],
    ['more than 4,096 characters', JSON.stringify({ name: { firstName: 'a'.repeat(5000) } })],
    ['very deep JSON', `{"name":${'['.repeat(1500)}${']'.repeat(1500)}}`],
    ['a prototype', '{"__proto__":{"name":{"firstName":"Eve"}}}'],
  ])('is ignored if it has %s', async (_what, user) => {
    const claims = await (await start()).signIn(undefined, { code: 'c', ...(user === undefined ? {} : { user }) })
    expect(claims).toMatchObject({ sub: '001234.5678', email_verified: true })
    for (const name of ['name', 'given_name', 'family_name']) expect(claims).not.toHaveProperty(name)
  })

  it('has at most 200 characters of each part', async () => {
    const user = JSON.stringify({ name: { firstName: ` ${'a'.repeat(300)}`, lastName: 'L' } })
    const { name } = await (await start()).signIn(undefined, { code: 'c', user })
    expect(name).toBe(`${'a'.repeat(200)} L`)
  })
})
