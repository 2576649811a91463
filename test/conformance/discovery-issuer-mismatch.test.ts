import { describe, expect, it } from 'vitest'
import { startBed } from '../support/bed/bed.js'
import { expectAccepted, expectRejected, rejects } from '../support/bed/conformance.js'

describe('discovery-issuer-mismatch', () => {
  it('stops before the redirect if the metadata is of another issuer', async () => {
    await expectAccepted(await startBed({ spoil: {} }))
    const bed = await startBed({ spoil: { metadata: { issuer: 'https://other.example' } } })
    const { answer } = await expectRejected(bed, 'ERR_METADATA_INVALID')
    expect(answer.headers.location).toBeUndefined()
    expect(bed.provider.received.map(({ endpoint }) => endpoint)).toEqual(['discovery'])
  })

  rejects('metadata without issuer', { metadata: { issuer: undefined } }, 'ERR_METADATA_INVALID')
  rejects(
    'metadata of an issuer below the requested one',
    { metadata: ({ issuer }) => ({ issuer: `${String(issuer)}/tenant` }) },
    'ERR_METADATA_INVALID',
  )
})
