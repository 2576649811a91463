import { describe, expect, it } from 'vitest'
import { expectAccepted, expectRejected, startFlow } from '../support/bed/conformance.js'
import { createRsaKey, publicKeys } from '../support/provider/providerKeys.js'
import type { Spoil } from '../support/provider/spoil.js'

describe('signing-key-rotation-just-before-signing', () => {
  it('accepts an ID token signed with a key that was published after the login began', async () => {
    const flow = await startFlow()
    await expectAccepted(flow)
    const fresh = await createRsaKey()
    flow.provider.spoil = {
      key: () => {
        flow.provider.keys = { ...flow.provider.keys, rsa: fresh }
        return fresh
      },
    }
    await expectAccepted(flow)
    expect(flow.provider.requests('jwks')).toHaveLength(2)
  })

  it('rejects an unpublished key, and accepts the same key once it is published', async () => {
    const fresh = await createRsaKey()
    await expectRejected(await startFlow({}, { key: () => fresh }), 'ERR_ID_TOKEN_INVALID')
    const jwks: Spoil['jwks'] = (keys) => [...publicKeys(keys), fresh.jwk]
    await expectAccepted(await startFlow({}, { key: () => fresh, jwks }))
  })
})
