import { describe, expect, it } from 'vitest'
import { startBed } from '../support/bed/bed.js'
import { accepts, expectAccepted, expectRejected } from '../support/bed/conformance.js'

/** Characters that form encoding treats differently, and some outside ASCII. */
const RESERVED = 'a:b%c+d/e&f=g?h#i j~k!l*m\'n(o)p"q-r_s.t@u,ö€'
const RESERVED_AT_BOTH = { clientId: `client ${RESERVED}`, clientSecret: `secret ${RESERVED} of the client` }

describe('client-secret-basic', () => {
  it('authenticates in the header, and in no other way', async () => {
    const bed = await startBed({ spoil: {} })
    await expectAccepted(bed)
    const [request] = bed.provider.requests('token')
    expect(request?.headers.authorization).toMatch(/^Basic /)
    expect(request?.parameters.has('client_secret')).toBe(false)
    expect(request?.parameters.has('client_assertion')).toBe(false)
  })

  it('form-encodes client_id and secret before joining them', async () => {
    const bed = await startBed({ spoiled: { clientId: 'a:b', clientSecret: 'c d+e%f/g&h=' }, spoil: {} })
    await expectAccepted(bed)
    const [request] = bed.provider.requests('token')
    const credentials = Buffer.from(request?.headers.authorization?.slice('Basic '.length) ?? '', 'base64').toString()
    expect(credentials).toBe('a%3Ab:c+d%2Be%25f%2Fg%26h%3D')
  })

  it('leaves characters alone that form encoding does, for providers that do not decode credentials', async () => {
    const settings = { clientId: 'app-1.0_a', clientSecret: 'secret-with_safe.characters*', rawBasic: true }
    await expectAccepted(await startBed({ spoiled: settings, spoil: {} }))
  })

  accepts('a client_id and a secret with every reserved character', {}, { spoiled: RESERVED_AT_BOTH })

  it('names the fix for a provider that does not decode the credentials, and the fix works', async () => {
    const undecoded = await startBed({ spoiled: { ...RESERVED_AT_BOTH, rawBasic: true }, spoil: {} })
    const { error } = await expectRejected(undecoded, 'ERR_CLIENT_REFUSED')
    expect(error.hint).toContain("clientAuth: 'client_secret_post'")
    await expectAccepted(
      await startBed({ spoiled: { ...RESERVED_AT_BOTH, clientAuth: 'client_secret_post' }, spoil: {} }),
    )
  })

  it('does not sign anyone in with a wrong secret', async () => {
    await expectRejected(
      await startBed({ provider: { clientSecret: 'another secret' }, spoil: {} }),
      'ERR_CLIENT_REFUSED',
    )
  })
})
