import { describe, expect, it } from 'vitest'
import { startBed } from '../support/bed/bed.js'
import { accepts, expectAccepted, expectRejected, rejects } from '../support/bed/conformance.js'

const OTHER = { iss: 'https://other.example' }
const UNANNOUNCED = { authorization_response_iss_parameter_supported: undefined }

describe('iss of the authorization response (RFC 9207)', () => {
  rejects('another issuer', { authorization: OTHER }, 'ERR_ISSUER_MISMATCH')
  rejects('another issuer, with form_post', { authorization: OTHER }, 'ERR_ISSUER_MISMATCH', {
    provider: { responseMode: 'form_post' },
  })
  rejects('no issuer, if the provider announces one', { authorization: { iss: undefined } }, 'ERR_ISSUER_MISMATCH')
  rejects('an empty issuer', { authorization: { iss: '' } }, 'ERR_ISSUER_MISMATCH')
  rejects(
    'another issuer, even if the provider announces none',
    { authorization: OTHER, metadata: UNANNOUNCED },
    'ERR_ISSUER_MISMATCH',
  )
  rejects(
    'an issuer with an additional slash',
    { authorization: ({ iss }) => ({ iss: `${String(iss)}/` }) },
    'ERR_ISSUER_MISMATCH',
  )
  rejects(
    'a repeated issuer',
    { authorization: ({ iss }) => ({ iss: [iss, iss] }) },
    'ERR_AUTHORIZATION_RESPONSE_INVALID',
  )
  accepts('no issuer, if the provider announces none', { authorization: { iss: undefined }, metadata: UNANNOUNCED })

  it('does not send the code and shows nothing of the response if the issuer is another', async () => {
    await expectAccepted(await startBed({ spoil: {} }))
    const authorization = { ...OTHER, error: 'access_denied', error_description: 'call this number' }
    const bed = await startBed({ spoil: { authorization } })
    const { answer, error } = await expectRejected(bed, 'ERR_ISSUER_MISMATCH')
    expect(bed.provider.requests('token')).toEqual([])
    for (const text of [answer.text, error.message, JSON.stringify(error.cause)]) {
      expect(text).not.toMatch(/access_denied|call this number/)
    }
  })
})
