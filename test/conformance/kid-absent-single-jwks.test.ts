import { describe } from 'vitest'
import { accepts, rejects } from '../support/bed/conformance.js'
import { breakSignature } from '../support/provider/providerKeys.js'
import type { Spoil } from '../support/provider/spoil.js'

const single: Spoil = { header: { kid: undefined }, jwks: ({ rsa, ec, okp }) => [ec.jwk, okp.jwk, rsa.jwk] }

describe('kid-absent-single-jwks', () => {
  accepts('an ID token without kid, if one key matches', single)
  accepts('an ID token without kid, if the key has none either', {
    ...single,
    jwks: ({ rsa }) => [{ ...rsa.jwk, kid: undefined }],
  })
  rejects('an altered signature', { ...single, jwt: breakSignature }, 'ERR_ID_TOKEN_INVALID')
  rejects(
    'an ID token without kid, if the only key is for encryption',
    { ...single, jwks: ({ rsa }) => [{ ...rsa.jwk, use: 'enc' }] },
    'ERR_ID_TOKEN_INVALID',
  )
  rejects(
    'an ID token without kid, if the only key is for another algorithm',
    { ...single, jwks: ({ rsa }) => [{ ...rsa.jwk, alg: 'PS256' }] },
    'ERR_ID_TOKEN_INVALID',
  )
})
