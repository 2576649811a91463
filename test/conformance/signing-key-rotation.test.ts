import { describe, expect, it, vi } from 'vitest'
import { defined } from '../../src/lib/defined.js'
import { startBed } from '../support/bed/bed.js'
import { expectAccepted, expectRejected } from '../support/bed/conformance.js'
import { createRsaKey } from '../support/provider/providerKeys.js'

describe('signing-key-rotation', () => {
  it('fetches the keys again if they were replaced between two logins', async () => {
    const bed = await startBed({ spoil: {} })
    await expectAccepted(bed)
    await expectAccepted(bed)
    expect(bed.provider.requests('jwks')).toHaveLength(1)
    bed.provider.keys = { ...bed.provider.keys, rsa: await createRsaKey() }
    await expectAccepted(bed)
    expect(bed.provider.requests('jwks')).toHaveLength(2)
  })

  it('accepts a new key under an old kid, and rejects the one it replaced', async () => {
    const bed = await startBed({ spoil: {} })
    await expectAccepted(bed)
    const { rsa: old } = bed.provider.keys
    const { privateKey, jwk } = await createRsaKey()
    bed.provider.keys = {
      ...bed.provider.keys,
      rsa: { privateKey, jwk: { ...jwk, ...defined({ kid: old.jwk.kid }) } },
    }
    await expectAccepted(bed)
    expect(bed.provider.requests('jwks')).toHaveLength(2)
    bed.provider.spoil = { key: () => old }
    await expectRejected(bed, 'ERR_ID_TOKEN_INVALID')
    expect(bed.provider.requests('jwks')).toHaveLength(2)
  })

  it('rejects an old key once the new ones are fetched', async () => {
    const bed = await startBed({ spoil: {} })
    await expectAccepted(bed)
    const { rsa: old } = bed.provider.keys
    bed.provider.keys = { ...bed.provider.keys, rsa: await createRsaKey() }
    await expectAccepted(bed)
    bed.provider.spoil = { key: () => old }
    await expectRejected(bed, 'ERR_ID_TOKEN_INVALID')
  })

  it('fetches the keys at most once in thirty seconds because of an unknown kid', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const bed = await startBed({ spoil: { header: { kid: 'unknown' } } })
    for (let login = 0; login < 3; login++) await expectRejected(bed, 'ERR_ID_TOKEN_INVALID')
    const asked = bed.provider.requests('jwks').length
    expect(asked).toBeLessThanOrEqual(2)
    vi.setSystemTime(Date.now() + 31_000)
    bed.provider.spoil = {}
    bed.provider.keys = { ...bed.provider.keys, rsa: await createRsaKey() }
    await expectAccepted(bed)
    expect(bed.provider.requests('jwks')).toHaveLength(asked + 1)
  })
})
