import { syncBuiltinESMExports } from 'node:module'
import nock from 'nock'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { RelyingPartyError } from '../../../src/index.js'
import { createFetch } from '../../../src/lib/http/fetch.js'
import type { HttpLimits } from '../../../src/lib/http/httpOptions.js'

const LIMITS: HttpLimits = { timeout: 5, maxResponseSize: 1024 }
const GET = { method: 'GET', headers: {}, body: undefined, redirect: 'manual' } as const
const POST = { method: 'POST', headers: {}, body: new URLSearchParams(), redirect: 'manual' } as const

async function failure(response: Promise<Response>): Promise<RelyingPartyError> {
  return response.then(
    ({ status }) => expect.fail(`it answered ${status}`),
    (thrown: unknown) => thrown as RelyingPartyError,
  )
}

// nock replaces functions of node:http; modules loaded before it keep the originals under their ESM names.
beforeAll(() => syncBuiltinESMExports())
afterAll(() => {
  nock.restore()
  syncBuiltinESMExports()
})

describe('network faults over https', () => {
  const issuer = 'https://issuer.example'
  afterEach(() => void nock.cleanAll())

  it.each(['ECONNREFUSED', 'ENOTFOUND', 'ETIMEDOUT', 'CERT_HAS_EXPIRED'])('%s is named', async (code) => {
    nock(issuer)
      .post('/token')
      .replyWithError(Object.assign(new Error('broken'), { code }))
    const error = await failure(createFetch(LIMITS)(`${issuer}/token`, POST))
    expect(error).toMatchObject({ code: 'ERR_PROVIDER_UNAVAILABLE' })
    expect(error.message).toBe(`the provider at ${issuer} cannot be reached (${code})`)
  })

  it('a response that never arrives ends in a timeout', async () => {
    nock(issuer).get('/jwks').delay(2000).reply(200, {})
    const error = await failure(createFetch({ ...LIMITS, timeout: 0.05 })(`${issuer}/jwks`, GET))
    expect(error.message).toContain('did not answer within 0.05 s')
  })

  it('without a fault the response arrives', async () => {
    nock(issuer).get('/jwks').reply(200, { keys: [] })
    expect(await (await createFetch(LIMITS)(`${issuer}/jwks`, GET)).json()).toEqual({ keys: [] })
  })
})
