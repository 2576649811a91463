import { describe, expect, it, vi } from 'vitest'
import { startBed } from '../support/bed/bed.js'
import { expectAccepted, rejects } from '../support/bed/conformance.js'
import { json } from '../support/provider/providerReplies.js'

describe('discovery-jwks-uri-keys', () => {
  it('fetches the keys from the jwks_uri of the metadata, once while they are cached', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const bed = await startBed({ spoil: {} })
    bed.provider.paths = { ...bed.provider.paths, jwks: '/elsewhere/keys.json' }
    await expectAccepted(bed)
    await expectAccepted(bed)
    expect(bed.provider.requests('jwks').map(({ path }) => path)).toEqual(['/elsewhere/keys.json'])
    vi.setSystemTime(Date.now() + 601_000)
    await expectAccepted(bed)
    expect(bed.provider.requests('jwks')).toHaveLength(2)
  })

  it('follows a jwks_uri that changes, and drops the keys of the old one', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const bed = await startBed({ spoil: {} })
    await expectAccepted(bed)
    bed.provider.paths = { ...bed.provider.paths, jwks: '/moved' }
    vi.setSystemTime(Date.now() + 601_000)
    await expectAccepted(bed)
    expect(bed.provider.requests('jwks').map(({ path }) => path)).toEqual(['/jwks', '/moved'])
  })

  rejects('metadata without jwks_uri', { metadata: { jwks_uri: undefined } }, 'ERR_METADATA_INVALID')
  rejects('a jwks_uri that is not a URL', { metadata: { jwks_uri: '/jwks' } }, 'ERR_METADATA_INVALID')
  rejects('a key set that is not JSON', { reply: { jwks: () => ({ body: '<html>' }) } }, 'ERR_METADATA_INVALID')
  rejects('an array instead of a key set', { reply: { jwks: () => json([]) } }, 'ERR_METADATA_INVALID')
  rejects('null instead of a key set', { reply: { jwks: () => json(null) } }, 'ERR_METADATA_INVALID')
  rejects('a key set without keys', { jwks: () => [] }, 'ERR_ID_TOKEN_INVALID')
  rejects('no key set while the provider is down', { reply: { jwks: () => json({}, 500) } }, 'ERR_PROVIDER_UNAVAILABLE')
})
