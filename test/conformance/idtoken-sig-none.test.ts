import { describe, expect, it } from 'vitest'
import { startBed } from '../support/bed/bed.js'
import { rejects } from '../support/bed/conformance.js'

describe('idtoken-sig-none', () => {
  rejects('an unsigned ID token', { header: { alg: 'none' } }, 'ERR_ID_TOKEN_INVALID')
  rejects('an unsigned ID token without kid', { header: { alg: 'none', kid: undefined } }, 'ERR_ID_TOKEN_INVALID')
  rejects('none in another case', { header: { alg: 'nOnE' } }, 'ERR_ID_TOKEN_INVALID')
  rejects('an ID token without alg', { header: { alg: undefined } }, 'ERR_ID_TOKEN_INVALID')
  rejects(
    'an unsigned ID token with a signature',
    { header: { alg: 'none' }, jwt: (jwt) => `${jwt}c2lnbmF0dXJl` },
    'ERR_ID_TOKEN_INVALID',
  )
  rejects('an unsigned ID token if ES256 is registered', { header: { alg: 'none' } }, 'ERR_ID_TOKEN_INVALID', {
    spoiled: { idTokenAlg: 'ES256' },
  })

  it('cannot be configured', async () => {
    await expect(startBed({ provider: { idTokenSigningAlg: 'none' }, spoil: {} })).rejects.toMatchObject({
      code: 'ERR_CONFIGURATION',
      message: expect.stringContaining('must not be none') as string,
    })
  })
})
