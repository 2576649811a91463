import { createHash } from 'node:crypto'
import { type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import { defined } from '../../../src/lib/defined.js'

/** A client's key for DPoP proofs. */
export interface ProofKey {
  readonly alg: string
  readonly privateKey: CryptoKey
  readonly jwk: JWK
  /** The thumbprint that tokens are bound to. */
  readonly jkt: string
}

/** Generates a key for proofs. */
export async function createProofKey(alg = 'ES256'): Promise<ProofKey> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  const jwk = await exportJWK(publicKey)
  return { alg, privateKey, jwk, jkt: await calculateJwkThumbprint(jwk) }
}

/** Creates a proof for a GET of `htu`. `undefined` removes a claim or header parameter. */
export async function prove(
  key: ProofKey,
  { htu, token }: { htu: string; token: string },
  claims: Record<string, unknown> = {},
  header: Record<string, unknown> = {},
): Promise<string> {
  const payload = {
    htm: 'GET',
    htu,
    iat: Math.floor(Date.now() / 1000),
    jti: Math.random().toString(36),
    ath: createHash('sha256').update(token).digest('base64url'),
    ...claims,
  }
  return new SignJWT(defined(payload))
    .setProtectedHeader(defined({ typ: 'dpop+jwt', alg: key.alg, jwk: key.jwk, ...header }) as { alg: string })
    .sign(key.privateKey)
}
