import { createSecretKey } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { startBed } from '../support/bed/bed.js'
import { accepts, expectAccepted, rejects } from '../support/bed/conformance.js'
import { breakSignature } from '../support/provider/providerKeys.js'

const settings = { spoiled: { idTokenAlg: 'HS256', clientSecret: 'a client secret of thirty-two characters' } } as const

function signedWith(secret: string) {
  return { key: () => ({ jwk: {}, privateKey: createSecretKey(Buffer.from(secret)) }) }
}

describe('invalid-sig-hs256', () => {
  accepts('an ID token signed with the client secret, if HS256 is registered', {}, settings)
  rejects('an altered signature', { jwt: breakSignature }, 'ERR_ID_TOKEN_INVALID', settings)
  rejects(
    'a signature with another secret',
    signedWith('another secret of thirty-two characters'),
    'ERR_ID_TOKEN_INVALID',
    settings,
  )
  rejects('a signature with an empty secret', signedWith(''), 'ERR_ID_TOKEN_INVALID', settings)

  it('fetches no keys, since the client secret is the key', async () => {
    const bed = await startBed({ ...settings, spoil: {} })
    await expectAccepted(bed)
    expect(bed.provider.requests('jwks')).toEqual([])
  })
})
