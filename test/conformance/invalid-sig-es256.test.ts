import { describe } from 'vitest'
import { accepts, rejects } from '../support/bed/conformance.js'
import { breakSignature } from '../support/provider/providerKeys.js'

const settings = { spoiled: { idTokenAlg: 'ES256' } } as const

describe('invalid-sig-es256', () => {
  accepts('an ID token signed with ES256, if that is registered', {}, settings)
  rejects('an altered signature', { jwt: breakSignature }, 'ERR_ID_TOKEN_INVALID', settings)
  rejects('an empty signature', { jwt: (jwt) => jwt.replace(/[^.]+$/, '') }, 'ERR_ID_TOKEN_INVALID', settings)
  rejects(
    'a signature of zeros',
    { jwt: (jwt) => jwt.replace(/[^.]+$/, Buffer.alloc(64).toString('base64url')) },
    'ERR_ID_TOKEN_INVALID',
    settings,
  )
})
