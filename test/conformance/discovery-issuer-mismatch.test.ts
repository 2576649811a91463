import { describe, expect, it } from 'vitest'
import { expectAccepted, expectRejected, rejects, startFlow } from '../support/bed/conformance.js'

describe('discovery-issuer-mismatch', () => {
  it('stops before the redirect if the metadata is of another issuer', async () => {
    await expectAccepted(await startFlow())
    const flow = await startFlow({}, { metadata: { issuer: 'https://other.example' } })
    const { answer } = await expectRejected(flow, 'ERR_METADATA_INVALID')
    expect(answer.headers.location).toBeUndefined()
    expect(flow.provider.received.map(({ endpoint }) => endpoint)).toEqual(['discovery'])
  })

  rejects('metadata without issuer', { metadata: { issuer: undefined } }, 'ERR_METADATA_INVALID')
  rejects(
    'metadata of an issuer below the requested one',
    { metadata: ({ issuer }) => ({ issuer: `${String(issuer)}/tenant` }) },
    'ERR_METADATA_INVALID',
  )
})
