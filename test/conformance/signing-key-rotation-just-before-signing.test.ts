import { describe, expect, it } from 'vitest'
import { expectAccepted, expectRejected, signIn, startFlow } from '../support/conformance.js'
import { createRsaKey, publicKeys } from '../support/providerKeys.js'

describe('signing-key-rotation-just-before-signing', () => {
  it('accepts an ID token signed with a key that was not there when the login began', async () => {
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

  it('rejects a key that is not published, and accepts it as soon as it is', async () => {
    const fresh = await createRsaKey()
    const flow = await startFlow({}, { key: () => fresh })
    await expectRejected(flow, 'ERR_ID_TOKEN_INVALID')
    expect(await signedInLater()).toEqual({ kind: 'session', subject: 'ada' })

    async function signedInLater() {
      const later = await startFlow({}, { key: () => fresh, jwks: (keys) => [...publicKeys(keys), fresh.jwk] })
      return (await signIn(later)).answer.json()
    }
  })
})
