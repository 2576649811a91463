import { describe, expect, it, vi } from 'vitest'
import { defined } from '../../src/lib/defined.js'
import { expectAccepted, expectRejected, startFlow } from '../support/bed/conformance.js'
import { createRsaKey } from '../support/provider/providerKeys.js'

describe('signing-key-rotation', () => {
  it('fetches the keys again if they were replaced between two logins', async () => {
    const flow = await startFlow()
    await expectAccepted(flow)
    await expectAccepted(flow)
    expect(flow.provider.requests('jwks')).toHaveLength(1)
    flow.provider.keys = { ...flow.provider.keys, rsa: await createRsaKey() }
    await expectAccepted(flow)
    expect(flow.provider.requests('jwks')).toHaveLength(2)
  })

  it('accepts a new key under an old kid, and rejects the one it replaced', async () => {
    const flow = await startFlow()
    await expectAccepted(flow)
    const { rsa: old } = flow.provider.keys
    const { privateKey, jwk } = await createRsaKey()
    flow.provider.keys = {
      ...flow.provider.keys,
      rsa: { privateKey, jwk: { ...jwk, ...defined({ kid: old.jwk.kid }) } },
    }
    await expectAccepted(flow)
    expect(flow.provider.requests('jwks')).toHaveLength(2)
    flow.provider.spoil = { key: () => old }
    await expectRejected(flow, 'ERR_ID_TOKEN_INVALID')
    expect(flow.provider.requests('jwks')).toHaveLength(2)
  })

  it('rejects an old key once the new ones are fetched', async () => {
    const flow = await startFlow()
    await expectAccepted(flow)
    const { rsa: old } = flow.provider.keys
    flow.provider.keys = { ...flow.provider.keys, rsa: await createRsaKey() }
    await expectAccepted(flow)
    flow.provider.spoil = { key: () => old }
    await expectRejected(flow, 'ERR_ID_TOKEN_INVALID')
  })

  it('fetches the keys at most once in thirty seconds because of an unknown kid', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const flow = await startFlow({}, { header: { kid: 'unknown' } })
    for (let login = 0; login < 3; login++) await expectRejected(flow, 'ERR_ID_TOKEN_INVALID')
    const asked = flow.provider.requests('jwks').length
    expect(asked).toBeLessThanOrEqual(2)
    vi.setSystemTime(Date.now() + 31_000)
    flow.provider.spoil = {}
    flow.provider.keys = { ...flow.provider.keys, rsa: await createRsaKey() }
    await expectAccepted(flow)
    expect(flow.provider.requests('jwks')).toHaveLength(asked + 1)
  })
})
