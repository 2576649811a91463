import { describe, expect, it } from 'vitest'
import { accepts, expectAccepted, expectRejected, rejects, startFlow } from '../support/bed/conformance.js'

const OTHER = { iss: 'https://other.example' }
const UNANNOUNCED = { authorization_response_iss_parameter_supported: undefined }

describe('iss of the authorization response (RFC 9207)', () => {
  rejects('another issuer', { authorization: OTHER }, 'ERR_ISSUER_MISMATCH')
  rejects('another issuer, by form_post', { authorization: OTHER }, 'ERR_ISSUER_MISMATCH', {
    client: { responseMode: 'form_post' },
  })
  rejects('no issuer, where the provider announces one', { authorization: { iss: undefined } }, 'ERR_ISSUER_MISMATCH')
  rejects('an empty issuer', { authorization: { iss: '' } }, 'ERR_ISSUER_MISMATCH')
  rejects(
    'another issuer, also where the provider announces none',
    { authorization: OTHER, metadata: UNANNOUNCED },
    'ERR_ISSUER_MISMATCH',
  )
  rejects(
    'an issuer with a slash more',
    { authorization: ({ iss }) => ({ iss: `${String(iss)}/` }) },
    'ERR_ISSUER_MISMATCH',
  )
  rejects(
    'an issuer that is given twice',
    { authorization: ({ iss }) => ({ iss: [iss, iss] }) },
    'ERR_AUTHORIZATION_RESPONSE_INVALID',
  )
  accepts('no issuer, where the provider announces none', { authorization: { iss: undefined }, metadata: UNANNOUNCED })

  it('sends the code nowhere and shows nothing of the response when the issuer is another', async () => {
    await expectAccepted(await startFlow())
    const authorization = { ...OTHER, error: 'access_denied', error_description: 'call this number' }
    const flow = await startFlow({}, { authorization })
    const { answer, error } = await expectRejected(flow, 'ERR_ISSUER_MISMATCH')
    expect(flow.provider.requests('token')).toEqual([])
    for (const text of [answer.text, error.message, JSON.stringify(error.cause)]) {
      expect(text).not.toMatch(/access_denied|call this number/)
    }
  })
})
