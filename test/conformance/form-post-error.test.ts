import { describe, expect, it } from 'vitest'
import type { ErrorCode } from '../../src/index.js'
import { startBed } from '../support/bed/bed.js'
import { accepts, expectRejected, rejects } from '../support/bed/conformance.js'

const settings = { provider: { responseMode: 'form_post' } } as const

const CODES: Readonly<Record<string, ErrorCode>> = {
  access_denied: 'ERR_AUTHORIZATION_DENIED',
  server_error: 'ERR_PROVIDER_UNAVAILABLE',
  temporarily_unavailable: 'ERR_PROVIDER_UNAVAILABLE',
  invalid_request: 'ERR_AUTHORIZATION_FAILED',
  unauthorized_client: 'ERR_AUTHORIZATION_FAILED',
  invalid_scope: 'ERR_AUTHORIZATION_FAILED',
  login_required: 'ERR_AUTHORIZATION_FAILED',
  interaction_required: 'ERR_AUTHORIZATION_FAILED',
  '<script>alert(1)</script>': 'ERR_AUTHORIZATION_FAILED',
}

describe('form-post-error', () => {
  accepts('a response without an error', {}, settings)
  for (const [error, code] of Object.entries(CODES)) {
    rejects(`the error ${error} that is posted`, { authorization: { code: undefined, error } }, code, settings)
  }
  rejects(
    'an error together with a code',
    { authorization: { error: 'access_denied' } },
    'ERR_AUTHORIZATION_DENIED',
    settings,
  )

  it('shows an error without any text of the provider, and offers a retry', async () => {
    const authorization = {
      code: undefined,
      error: 'access_denied',
      error_description: '<img src=x onerror=alert(1)> \u001b[31mcall this number\r\n',
      error_uri: 'https://other.example/help',
    }
    const { answer, error } = await expectRejected(
      await startBed({ ...settings, spoil: { authorization } }),
      'ERR_AUTHORIZATION_DENIED',
    )
    expect(answer.text).not.toMatch(/img|onerror|call this number|other\.example/)
    expect(error.message).not.toMatch(/img|onerror|call this number|other\.example/)
    expect(error).toMatchObject({ status: 403, returnTo: '/who', retryUrl: '/login?returnTo=%2Fwho' })
  })

  it('does not redeem a code that comes with an error', async () => {
    const bed = await startBed({ ...settings, spoil: { authorization: { error: 'access_denied' } } })
    await expectRejected(bed, 'ERR_AUTHORIZATION_DENIED')
    expect(bed.provider.requests('token')).toEqual([])
  })
})
