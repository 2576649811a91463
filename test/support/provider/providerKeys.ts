import { createHmac, createSecretKey, generateKeyPair, type KeyObject, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import { CompactSign, type JWK } from 'jose'

const generate = promisify(generateKeyPair)

/** A key pair of a provider, the public key as published. */
export interface ProviderKey {
  readonly jwk: JWK
  readonly privateKey: KeyObject
}

/** The keys of a provider. No signing key has `alg`. */
export interface ProviderKeys {
  readonly rsa: ProviderKey
  readonly ec: ProviderKey
  readonly okp: ProviderKey
  /** Other published keys, which sign nothing. */
  readonly others: readonly JWK[]
}

export async function createRsaKey(members: JWK = { use: 'sig' }): Promise<ProviderKey> {
  return asProviderKey(await generate('rsa', { modulusLength: 2048 }), members)
}

export async function createEcKey(namedCurve = 'P-256', members: JWK = { use: 'sig' }): Promise<ProviderKey> {
  return asProviderKey(await generate('ec', { namedCurve }), members)
}

/**
 * Generates the keys that the provider of the OpenID Foundation's conformance suite publishes: two RSA, two P-256, one
 * secp256k1 and one OKP signing key, and two encryption keys.
 */
export async function createProviderKeys(): Promise<ProviderKeys> {
  const [rsa, ec, okp, otherEc, secp256k1, encryption] = await Promise.all([
    createRsaKey(),
    createEcKey(),
    generate('ed25519', {}).then((pair) => asProviderKey(pair, { use: 'sig' })),
    createEcKey(),
    createEcKey('secp256k1'),
    createEcKey('P-256', { use: 'enc', alg: 'ECDH-ES' }),
  ])
  const others = [
    secp256k1.jwk,
    encryption.jwk,
    publicRsaKey({ use: 'enc', alg: 'RSA-OAEP' }),
    publicRsaKey({ use: 'sig' }),
    otherEc.jwk,
  ]
  return { rsa, ec, okp, others }
}

/** All public keys, those that sign nothing first. */
export function publicKeys({ rsa, ec, okp, others }: ProviderKeys): JWK[] {
  return [...others, okp.jwk, rsa.jwk, ec.jwk]
}

/** Returns the key that a provider signs with for an algorithm; for HMAC the client secret. */
export function keyFor(keys: ProviderKeys, alg: unknown, clientSecret: string): ProviderKey {
  switch (String(alg).slice(0, 2)) {
    case 'ES':
      return keys.ec
    case 'Ed':
      return keys.okp
    case 'HS':
      return { jwk: {}, privateKey: createSecretKey(Buffer.from(clientSecret)) }
    default:
      return keys.rsa
  }
}

/** Signs any text as a compact JWS; with `alg` `none` it stays unsigned. */
export async function signJws(
  payload: string,
  header: Readonly<Record<string, unknown>>,
  key: KeyObject,
): Promise<string> {
  const { alg } = header
  if (typeof alg !== 'string' || alg.toLowerCase() === 'none') {
    return `${base64url(JSON.stringify(header))}.${base64url(payload)}.`
  }
  if (alg === 'HS256') return signHs256(`${base64url(JSON.stringify(header))}.${base64url(payload)}`, key)
  const { crit = [] } = header as { crit?: readonly string[] }
  const options = { crit: Object.fromEntries(crit.map((name) => [name, true])) }
  return new CompactSign(Buffer.from(payload)).setProtectedHeader({ ...header, alg }).sign(key, options)
}

/** Signs with a secret of any length, which jose refuses. */
function signHs256(signed: string, key: KeyObject): string {
  return `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`
}

/** Alters one byte in the middle of a signature. */
export function breakSignature(jws: string): string {
  const [header = '', payload = '', signature = ''] = jws.split('.')
  const bytes = Buffer.from(signature, 'base64url')
  const middle = bytes.length >> 1
  bytes.writeUInt8(bytes.readUInt8(middle) ^ 1, middle)
  return `${header}.${payload}.${bytes.toString('base64url')}`
}

/** Creates a random public key, which is far cheaper than generating a pair. */
function publicRsaKey(members: JWK): JWK {
  const modulus = randomBytes(256)
  modulus.writeUInt8(modulus.readUInt8(0) | 0x80, 0)
  modulus.writeUInt8(modulus.readUInt8(255) | 1, 255)
  return { kty: 'RSA', n: modulus.toString('base64url'), e: 'AQAB', ...members, kid: randomKid() }
}

function asProviderKey(pair: { publicKey: KeyObject; privateKey: KeyObject }, members: JWK): ProviderKey {
  return {
    jwk: { ...pair.publicKey.export({ format: 'jwk' }), ...members, kid: randomKid() },
    privateKey: pair.privateKey,
  }
}

function randomKid(): string {
  return randomBytes(8).toString('base64url')
}

function base64url(text: string): string {
  return Buffer.from(text).toString('base64url')
}
