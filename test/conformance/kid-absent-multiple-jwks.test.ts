import { describe, expect, it } from 'vitest'
import { startBed } from '../support/bed/bed.js'
import { accepts, expectRejected, rejects } from '../support/bed/conformance.js'
import { breakSignature, createRsaKey, publicKeys } from '../support/provider/providerKeys.js'
import type { Spoil } from '../support/provider/spoil.js'

const several: Spoil = { header: { kid: undefined } }

describe('kid-absent-multiple-jwks', () => {
  accepts('an ID token without kid, signed with any of the matching keys', several)
  accepts('keys that share a kid', {
    header: { kid: 'one' },
    jwks: (keys) => publicKeys(keys).map((jwk) => ({ ...jwk, kid: 'one' })),
  })
  accepts(
    'keys of several algorithms that share a kid',
    { header: { kid: 'one' }, jwks: (keys) => publicKeys(keys).map((jwk) => ({ ...jwk, kid: 'one' })) },
    { spoiled: { idTokenAlg: 'ES256' } },
  )
  accepts('a key set with members that are not keys', {
    jwks: (keys) => [
      null,
      'key',
      [],
      {},
      { kty: 'RSA' },
      { kty: 'RSA', n: '!', e: 7, use: 'sig' },
      ...publicKeys(keys),
    ],
  })
  accepts('an ID token without kid, after unusable keys of its type', {
    ...several,
    jwks: (keys) => [{ kty: 'RSA' }, { kty: 'RSA', n: '', e: '' }, ...publicKeys(keys)],
  })
  rejects('an altered signature', { ...several, jwt: breakSignature }, 'ERR_ID_TOKEN_INVALID')
  rejects('a kid that no key has', { header: { kid: 'unknown' } }, 'ERR_ID_TOKEN_INVALID')
  rejects(
    'the kid of a key of another type',
    { key: ({ rsa, ec }) => ({ ...rsa, jwk: ec.jwk }) },
    'ERR_ID_TOKEN_INVALID',
  )

  it('rejects an ID token without kid that no key verifies, after fetching the keys once more', async () => {
    const stranger = await createRsaKey()
    const bed = await startBed({ spoil: { ...several, key: () => stranger } })
    await expectRejected(bed, 'ERR_ID_TOKEN_INVALID')
    expect(bed.provider.requests('jwks')).toHaveLength(2)
  })
})
