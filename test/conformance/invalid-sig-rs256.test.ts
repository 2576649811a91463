import { describe, expect, it } from 'vitest'
import { startBed } from '../support/bed/bed.js'
import { expectAccepted, expectRejected, rejects } from '../support/bed/conformance.js'
import { breakSignature, createRsaKey } from '../support/provider/providerKeys.js'

describe('invalid-sig-rs256', () => {
  rejects('an altered signature, even from the token endpoint', { jwt: breakSignature }, 'ERR_ID_TOKEN_INVALID')
  rejects('an empty signature', { jwt: (jwt) => jwt.replace(/[^.]+$/, '') }, 'ERR_ID_TOKEN_INVALID')
  rejects(
    'altered claims with the signature of the original ones',
    { jwt: (jwt) => jwt.replace(/\.[^.]+\./, (claims) => alter(claims)) },
    'ERR_ID_TOKEN_INVALID',
  )

  it('rejects a signature with an unpublished key under the kid of a published one', async () => {
    const stranger = await createRsaKey()
    await expectAccepted(await startBed({ spoil: {} }))
    const bed = await startBed({ spoil: { key: ({ rsa }) => ({ ...stranger, jwk: rsa.jwk }) } })
    await expectRejected(bed, 'ERR_ID_TOKEN_INVALID')
  })

  it('never uses a key from the token itself', async () => {
    const stranger = await createRsaKey()
    const bed = await startBed({
      spoil: { key: () => stranger, header: { jwk: stranger.jwk, jku: 'https://other.example/jwks' } },
    })
    await expectRejected(bed, 'ERR_ID_TOKEN_INVALID')
    expect(bed.provider.requests('jwks').length).toBeGreaterThan(0)
  })
})

function alter(part: string): string {
  const claims = JSON.parse(Buffer.from(part.slice(1, -1), 'base64url').toString()) as object
  return `.${Buffer.from(JSON.stringify({ ...claims, sub: 'mallory' })).toString('base64url')}.`
}
