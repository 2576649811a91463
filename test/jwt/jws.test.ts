import fc from 'fast-check'
import { exportSPKI, generateKeyPair, SignJWT, UnsecuredJWT } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { decodeJwt, JwtError, type KeySource, secretKey, verifySignature, verifyWithKey } from '../../src/jwt/jws.js'
import { signRaw } from '../support/provider/issuer.js'

type KeyPair = Awaited<ReturnType<typeof generateKeyPair>>

const CLAIMS = { iss: 'https://issuer.example', sub: 'ada' }

describe('verifySignature', () => {
  let right: KeyPair
  let wrong: KeyPair
  let token: string

  beforeAll(async () => {
    right = await generateKeyPair('RS256', { extractable: true })
    wrong = await generateKeyPair('RS256')
    token = await new SignJWT(CLAIMS).setProtectedHeader({ alg: 'RS256', kid: 'a' }).sign(right.privateKey)
  })

  const from =
    (...keys: readonly (KeyPair['publicKey'] | ReturnType<typeof secretKey>)[]): KeySource =>
    async () =>
      keys

  async function refusal(jwt: string, keys: KeySource = from(right.publicKey), algorithms = ['RS256']) {
    const error = await verifySignature(jwt, { algorithms, keys }).then(
      () => expect.fail('it was accepted'),
      (thrown: unknown) => thrown,
    )
    expect(error).toBeInstanceOf(JwtError)
    return error as JwtError
  }

  it('returns the header and payload of a token that a key of the issuer signed', async () => {
    const { header, payload } = await verifySignature(token, { algorithms: ['RS256'], keys: from(right.publicKey) })
    expect(header).toEqual({ alg: 'RS256', kid: 'a' })
    expect(payload).toEqual(CLAIMS)
  })

  it('tries every key that fits, for example if a token has no kid', async () => {
    const keys = from(wrong.publicKey, right.publicKey)
    const { payload } = await verifySignature(token, { algorithms: ['RS256'], keys })
    expect(payload).toEqual(CLAIMS)
  })

  it('refuses a token that another key signed, or that no key fits', async () => {
    expect((await refusal(token, from(wrong.publicKey))).claim).toBe('signature')
    expect((await refusal(token, from())).claim).toBe('kid')
  })

  it('refuses a token of which any character of the payload or signature was changed', async () => {
    const keys = from(right.publicKey)
    const start = token.indexOf('.') + 1
    const end = token.length - 1 // the last character has bits that mean nothing
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: start, max: end - 1 }), async (at) => {
        if (token[at] === '.') return
        const changed = token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1)
        await expect(verifySignature(changed, { algorithms: ['RS256'], keys })).rejects.toThrow(JwtError)
      }),
      { numRuns: 50 },
    )
  })

  it('refuses every algorithm but the registered one before it looks for a key', async () => {
    const untouched: KeySource = () => expect.fail('keys were looked for')
    const unsigned = new UnsecuredJWT(CLAIMS).encode()
    expect((await refusal(unsigned, untouched)).claim).toBe('alg')
    expect((await refusal(token, untouched, ['ES256'])).claim).toBe('alg')
    for (const alg of ['None', 'NONE', 'rs256', '', 256, null]) {
      const header = Buffer.from(JSON.stringify({ alg })).toString('base64url')
      expect((await refusal(`${header}.${token.split('.')[1]}.`, untouched)).claim).toBe('alg')
    }
  })

  it('refuses the public key used as an HMAC secret', async () => {
    const pem = Buffer.from(await exportSPKI(right.publicKey))
    const confused = await new SignJWT(CLAIMS).setProtectedHeader({ alg: 'HS256' }).sign(pem)
    expect((await refusal(confused)).claim).toBe('alg')
    expect((await refusal(confused, from(right.publicKey), ['HS256'])).claim).toBe('signature')
  })

  it('verifies with the requested algorithm, and no other that the key supports', async () => {
    const decoded = decodeJwt(token) ?? expect.fail()
    const other = await generateKeyPair('ES256')
    expect(await verifyWithKey(token, decoded, right.publicKey)).toBe(true)
    expect(await verifyWithKey(token, { ...decoded, header: { alg: 'PS256' } }, right.publicKey)).toBe(false)
    await expect(verifyWithKey(token, decoded, other.publicKey)).rejects.toThrow(JwtError)
    expect(await verifyWithKey(token, decoded, wrong.publicKey)).toBe(false)
  })

  it('accepts a signature only of the bytes that were decoded', async () => {
    const decoded = decodeJwt(token) ?? expect.fail()
    const forged = { ...decoded, payload: { sub: 'eve' }, bytes: Buffer.from('{"sub":"eve"}') }
    await expect(verifyWithKey(token, forged, right.publicKey)).rejects.toThrow(JwtError)
  })

  it('verifies HS256 with the secret if that is the registered algorithm', async () => {
    const secret = 'a client secret of thirty-two characters or more'
    const jwt = await new SignJWT(CLAIMS).setProtectedHeader({ alg: 'HS256' }).sign(Buffer.from(secret))
    const { payload } = await verifySignature(jwt, { algorithms: ['HS256'], keys: from(secretKey(secret)) })
    expect(payload).toEqual(CLAIMS)
    expect((await refusal(jwt, from(secretKey(`${secret} `)), ['HS256'])).claim).toBe('signature')
  })

  it.each<[string, Record<string, unknown>]>([
    ['crit', { crit: ['urn:x'], 'urn:x': 1 }],
    ['crit', { crit: ['b64'], b64: true }],
    ['crit', { crit: ['b64'], b64: false }],
    ['crit', { crit: [] }],
    ['crit', { crit: null }],
    ['b64', { b64: false }],
    ['b64', { b64: true }],
    ['zip', { zip: 'DEF' }],
  ])('refuses %s in a header before it looks for a key: %o', async (claim, extension) => {
    const jwt = signRaw(right, { alg: 'RS256', kid: 'a', ...extension }, JSON.stringify(CLAIMS))
    expect((await refusal(jwt, () => expect.fail('keys were looked for'))).claim).toBe(claim)
    const sound = signRaw(right, { alg: 'RS256', kid: 'a', exotic: 1 }, JSON.stringify(CLAIMS))
    await expect(verifySignature(sound, { algorithms: ['RS256'], keys: from(right.publicKey) })).resolves.toMatchObject(
      { payload: CLAIMS },
    )
  })

  it('refuses a payload that is not UTF-8, despite a good signature', async () => {
    const header = { alg: 'RS256' }
    const text = '{"sub":"ad\u00e4"}'
    const latin1 = Buffer.from(text, 'latin1').toString('base64url')
    expect((await refusal(signRaw(right, header, latin1, { unencoded: true }))).claim).toBe('header')
    const sound = signRaw(right, header, text)
    await expect(verifySignature(sound, { algorithms: ['RS256'], keys: from(right.publicKey) })).resolves.toBeDefined()
  })

  it('refuses a token over 64 KiB, despite a good signature', async () => {
    const around = (length: number) => signRaw(right, { alg: 'RS256' }, JSON.stringify({ sub: 'a'.repeat(length) }))
    expect((await refusal(around(50_000))).claim).toBe('header')
    const keys = from(right.publicKey)
    await expect(verifySignature(around(48_000), { algorithms: ['RS256'], keys })).resolves.toBeDefined()
  })

  it('asks for other keys once if none verifies, and accepts only a token that those verify', async () => {
    const asked: unknown[] = []
    const keys: KeySource = async (_header, tried) => {
      asked.push(tried)
      return tried ? [right.publicKey] : [wrong.publicKey]
    }
    await expect(verifySignature(token, { algorithms: ['RS256'], keys })).resolves.toMatchObject({ payload: CLAIMS })
    expect(asked).toEqual([undefined, [wrong.publicKey]])
    expect((await refusal(token, from(wrong.publicKey))).claim).toBe('signature')
  })

  it('names both algorithms and the option in the hint for a wrong one, never in the message', async () => {
    const options = { algorithms: ['ES256'], algorithmsOption: 'idTokenSigningAlg', keys: from() }
    const error = await verifySignature(token, options).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ claim: 'alg', hint: expect.stringMatching(/"RS256".*ES256.*idTokenSigningAlg/) })
    expect((error as JwtError).message).not.toMatch(/RS256|ES256|idTokenSigningAlg/)
  })

  it('refuses anything but a JWT, without throwing another error', async () => {
    const header = token.split('.')[0]
    for (const garbage of [
      '',
      '.',
      '..',
      '...',
      'a.b.c',
      'ey',
      `${header}..`,
      `${token}.`,
      `${header}.%%%.%%%`,
      '💣.💣.💣',
    ]) {
      await refusal(garbage)
    }
    await fc.assert(fc.asyncProperty(fc.string({ unit: 'binary' }), async (garbage) => void (await refusal(garbage))))
  })

  it('refuses a payload that is not a JSON object, despite a good signature', async () => {
    const { CompactSign } = await import('jose')
    for (const payload of ['[]', 'null', '"ada"', '1', '', '{', '[{"sub":"ada"}]']) {
      const jwt = await new CompactSign(Buffer.from(payload))
        .setProtectedHeader({ alg: 'RS256' })
        .sign(right.privateKey)
      expect((await refusal(jwt)).claim).toBe('header')
    }
  })

  it('refuses a kid that is not a string', async () => {
    for (const kid of [1, null, ['a'], { a: 1 }]) {
      const header = Buffer.from(JSON.stringify({ alg: 'RS256', kid })).toString('base64url')
      expect((await refusal(`${header}.${token.split('.')[1]}.${token.split('.')[2]}`)).claim).toBe('kid')
    }
  })

  it('keeps the token out of its errors', async () => {
    const error = await refusal(token, from(wrong.publicKey))
    const shown = JSON.stringify({ ...error, message: error.message, stack: error.stack })
    for (const part of token.split('.')) expect(shown).not.toContain(part)
  })
})

describe('decodeJwt', () => {
  it('accepts a token only in its canonical form: the unused bits of each part are zero', () => {
    // Each part ends in two or three characters of a group of four, of which the last has unused bits.
    const encode = (text: string) => Buffer.from(text).toString('base64url')
    const parts = [encode('{"alg":"RS256"}   '.slice(0, 16)), encode('{"sub":"ada"} '), encode('signature ')]
    expect(parts.map(({ length }) => length % 4)).not.toContain(0)
    expect(decodeJwt(parts.join('.'))).toMatchObject({ header: { alg: 'RS256' }, payload: { sub: 'ada' } })
    for (const [i, part] of parts.entries()) {
      const last = part.at(-1) ?? ''
      const other = part.slice(0, -1) + String.fromCharCode(last.charCodeAt(0) + 1)
      expect(Buffer.from(other, 'base64url')).toEqual(Buffer.from(part, 'base64url'))
      expect(decodeJwt(parts.with(i, other).join('.'))).toBeUndefined()
    }
  })

  it('accepts only three base64url parts, however lenient the decoder of Node is', () => {
    const parts = ['{"alg":"RS256"}', '{"sub":"ada"}'].map((text) => Buffer.from(text).toString('base64url'))
    const token = [...parts, 'AAAA'].join('.')
    expect(decodeJwt(token)).toBeDefined()
    for (const other of [
      `${token}.AAA`,
      `${token}    `,
      token.replace('AAAA', 'AA+/'),
      parts.join('.'),
      `....${token}`,
    ]) {
      expect(decodeJwt(other)).toBeUndefined()
    }
  })
})
