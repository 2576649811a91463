import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import fc from 'fast-check'
import type { JWK } from 'jose'
import { type Change, changes, rarely, seldom, spoil } from './spoil.js'
import { encodeJson, type JsonChanges, jsonChanges } from './spoilJson.js'

/** A key pair for ES256. */
export interface SigningKey {
  readonly privateKey: KeyObject
  readonly jwk: JWK
}

/** Changes to a JWT: in what is signed, in how it is signed, and in the finished text. */
export interface JwtChanges {
  readonly header: JsonChanges
  readonly claims: JsonChanges
  /** `other` is a key of someone else, `zeros` a signature of zeros, which a weak check of ECDSA takes. */
  readonly signature: 'right' | 'other' | 'none' | 'zeros'
  readonly text: readonly Change[]
}

const HEADER = ['alg', 'kid', 'typ', 'crit', 'b64', 'zip', 'jwk', 'jku', 'x5c', 'x5u', 'enc', 'cty']

/** Changes to a JWT with claims of these names. */
export function jwtChanges(...claims: readonly string[]): fc.Arbitrary<JwtChanges> {
  return fc.record({
    header: fc.oneof(
      { weight: 2, arbitrary: fc.constant(UNCHANGED) },
      { weight: 1, arbitrary: jsonChanges(...HEADER) },
    ),
    claims: jsonChanges(...claims),
    signature: seldom(fc.constantFrom('other' as const, 'none' as const, 'zeros' as const), 'right' as const),
    text: rarely(changes, []),
  })
}

const UNCHANGED: JsonChanges = { set: [], without: [], twice: [], instead: undefined, text: [] }

/** Makes a key with an identifier. */
export function createKey(kid: string): SigningKey {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return { privateKey, jwk: { ...(publicKey.export({ format: 'jwk' }) as JWK), kid, alg: 'ES256', use: 'sig' } }
}

const OTHER = createKey('other')

/** Signs a JWT that was changed. */
export function signChanged(
  key: SigningKey,
  header: Readonly<Record<string, unknown>>,
  claims: Readonly<Record<string, unknown>>,
  { header: inHeader, claims: inClaims, signature, text }: JwtChanges,
): string {
  const input = `${base64url(encodeJson(header, inHeader))}.${base64url(encodeJson(claims, inClaims))}`
  return spoil(`${input}.${signatureOf(input, key, signature)}`, text)
}

/** Signs a JWT. */
export function signJwt(key: SigningKey, header: object, claims: object): string {
  const input = `${base64url(JSON.stringify(header))}.${base64url(JSON.stringify(claims))}`
  return `${input}.${signatureOf(input, key, 'right')}`
}

function signatureOf(input: string, key: SigningKey, kind: JwtChanges['signature']): string {
  if (kind === 'none') return ''
  if (kind === 'zeros') return Buffer.alloc(64).toString('base64url')
  const { privateKey } = kind === 'other' ? OTHER : key
  return sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')
}

function base64url(text: string): string {
  return Buffer.from(text).toString('base64url')
}
