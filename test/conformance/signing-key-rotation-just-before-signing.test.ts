import { describe, expect, it } from 'vitest'
import { startBed } from '../support/bed/bed.js'
import { expectAccepted, expectRejected } from '../support/bed/conformance.js'
import { createRsaKey, publicKeys } from '../support/provider/providerKeys.js'
import type { Spoil } from '../support/provider/spoil.js'

describe('signing-key-rotation-just-before-signing', () => {
  it('accepts an ID token signed with a key that was published after the login began', async () => {
    const bed = await startBed({ spoil: {} })
    await expectAccepted(bed)
    const fresh = await createRsaKey()
    bed.provider.spoil = {
      key: () => {
        bed.provider.keys = { ...bed.provider.keys, rsa: fresh }
        return fresh
      },
    }
    await expectAccepted(bed)
    expect(bed.provider.requests('jwks')).toHaveLength(2)
  })

  it('rejects an unpublished key, and accepts the same key once it is published', async () => {
    const fresh = await createRsaKey()
    await expectRejected(await startBed({ spoil: { key: () => fresh } }), 'ERR_ID_TOKEN_INVALID')
    const jwks: Spoil['jwks'] = (keys) => [...publicKeys(keys), fresh.jwk]
    await expectAccepted(await startBed({ spoil: { key: () => fresh, jwks } }))
  })
})
