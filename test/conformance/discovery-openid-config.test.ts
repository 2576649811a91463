import { describe, expect, it, vi } from 'vitest'
import { startBed } from '../support/bed/bed.js'
import { expectAccepted, rejects } from '../support/bed/conformance.js'
import { json } from '../support/provider/providerReplies.js'

const MOVED = { authorization: '/2/a', token: '/2/t', userinfo: '/2/u', jwks: '/2/k', end_session: '/2/l' }

describe('discovery-openid-config', () => {
  it('uses the endpoints of the metadata', async () => {
    const bed = await startBed({ provider: { userInfo: true }, spoil: {} })
    bed.provider.paths = { ...bed.provider.paths, ...MOVED }
    await expectAccepted(bed)
    expect(bed.provider.received.map(({ path }) => path)).toEqual([
      '/.well-known/openid-configuration',
      '/2/a',
      '/2/t',
      '/2/k',
      '/2/u',
    ])
  })

  it('fetches the metadata once, and follows endpoints that change once the cache expires', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const bed = await startBed({ spoil: {} })
    await expectAccepted(bed)
    await expectAccepted(bed)
    expect(bed.provider.requests('discovery')).toHaveLength(1)
    bed.provider.paths = { ...bed.provider.paths, ...MOVED }
    vi.setSystemTime(Date.now() + 601_000)
    await expectAccepted(bed)
    expect(bed.provider.requests('discovery')).toHaveLength(2)
    expect(bed.provider.received.slice(-3).map(({ path }) => path)).toEqual(['/2/a', '/2/t', '/2/k'])
  })

  rejects('metadata that is not JSON', { reply: { discovery: () => ({ body: '<html>' }) } }, 'ERR_METADATA_INVALID')
  rejects('an array as metadata', { reply: { discovery: () => json([]) } }, 'ERR_METADATA_INVALID')
  rejects('metadata that is not found', { reply: { discovery: () => json({}, 404) } }, 'ERR_METADATA_INVALID')
  rejects(
    'metadata at another address',
    { reply: { discovery: () => ({ status: 302, headers: { location: '/elsewhere' } }) } },
    'ERR_METADATA_INVALID',
  )
  rejects(
    'metadata while the provider is down',
    { reply: { discovery: () => json({}, 503) } },
    'ERR_PROVIDER_UNAVAILABLE',
  )
  rejects('metadata without a token endpoint', { metadata: { token_endpoint: undefined } }, 'ERR_METADATA_INVALID')
  rejects(
    'metadata without an authorization endpoint',
    { metadata: { authorization_endpoint: undefined } },
    'ERR_METADATA_INVALID',
  )
  rejects(
    'metadata without a UserInfo endpoint',
    { metadata: { userinfo_endpoint: undefined } },
    'ERR_METADATA_INVALID',
    { provider: { userInfo: true } },
  )
})
