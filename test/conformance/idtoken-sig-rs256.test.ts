import { createPublicKey, createSecretKey, type KeyObject } from 'node:crypto'
import { describe } from 'vitest'
import { accepts, rejects } from '../support/bed/conformance.js'
import type { ProviderKeys } from '../support/provider/providerKeys.js'

/** Signs with the public RSA key as an HMAC secret, which fools verifiers that let the token choose the algorithm. */
function publicKeyAsSecret(encode: (key: KeyObject) => string) {
  return ({ rsa }: ProviderKeys) => {
    const secret = encode(createPublicKey({ key: rsa.jwk, format: 'jwk' }))
    return { jwk: rsa.jwk, privateKey: createSecretKey(Buffer.from(secret)) }
  }
}

describe('idtoken-sig-rs256', () => {
  accepts('an ID token signed with RS256, which is the default')
  accepts('an ID token signed with EdDSA, if that is registered', {}, { spoiled: { idTokenAlg: 'EdDSA' } })
  rejects('another algorithm than the registered one, ES256', { header: { alg: 'ES256' } }, 'ERR_ID_TOKEN_INVALID')
  rejects('another algorithm than the registered one, PS256', { header: { alg: 'PS256' } }, 'ERR_ID_TOKEN_INVALID')
  rejects('another algorithm than the registered one, RS512', { header: { alg: 'RS512' } }, 'ERR_ID_TOKEN_INVALID')
  rejects('HS256 with the client secret', { header: { alg: 'HS256' } }, 'ERR_ID_TOKEN_INVALID')
  rejects(
    'HS256 with the public key in PEM as secret',
    {
      header: { alg: 'HS256' },
      key: publicKeyAsSecret((key) => key.export({ type: 'spki', format: 'pem' }).toString()),
    },
    'ERR_ID_TOKEN_INVALID',
  )
  rejects(
    'HS256 with the public key as JWK as secret',
    { header: { alg: 'HS256' }, key: publicKeyAsSecret((key) => JSON.stringify(key.export({ format: 'jwk' }))) },
    'ERR_ID_TOKEN_INVALID',
  )
  rejects('RS256 if ES256 is registered', { header: { alg: 'RS256' } }, 'ERR_ID_TOKEN_INVALID', {
    spoiled: { idTokenAlg: 'ES256' },
  })
})
