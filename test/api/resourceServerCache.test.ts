import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createApi } from '../support/api/api.js'
import { createKey, startIssuer, type TestIssuer } from '../support/provider/issuer.js'

let issuer: TestIssuer

beforeEach(async () => {
  issuer = await startIssuer()
  vi.useFakeTimers({ toFake: ['Date'] })
})

afterEach(async () => {
  vi.useRealTimers()
  await issuer.close()
})

/** Lets the keys grow old, so that the next token that is not held has them fetched again. */
function growOld(): void {
  vi.setSystemTime(Date.now() + 601_000)
}

describe('a cached token', () => {
  it('needs no request to its issuer until it expires', async () => {
    const api = createApi(issuer.issuer)
    const token = await issuer.token({ exp: Math.floor(Date.now() / 1000) + 30 })
    await api.get('/', token).expect(200)
    const requests = issuer.requests.length
    await api.get('/', token).expect(200)
    expect(issuer.requests).toHaveLength(requests)
    vi.setSystemTime(Date.now() + 36_000)
    await api.get('/', token).expect(401)
  })

  it.each<[string, (issuer: TestIssuer) => Promise<void>]>([
    ['loses', async ({ jwks }) => void jwks.keys.shift()],
    ['changes', async ({ jwks, key }) => void jwks.keys.splice(0, 1, (await createKey('ES256', key.kid)).jwk)],
  ])('is refused once the issuer %s its key', async (_what, change) => {
    const api = createApi(issuer.issuer, { cache: { ttl: 3600 } })
    const other = await issuer.addKey('ES256')
    const token = await issuer.token({ exp: Math.floor(Date.now() / 1000) + 7200 })
    await api.get('/', token).expect(200)
    await change(issuer)
    await api.get('/', token).expect(200)
    growOld()
    await api.get('/', await issuer.token({}, {}, other)).expect(200)
    await api.get('/', token).expect(401)
  })

  it('stays while its key stays, whatever keys are added', async () => {
    const api = createApi(issuer.issuer, { cache: { ttl: 3600 } })
    const token = await issuer.token({ exp: Math.floor(Date.now() / 1000) + 7200 })
    await api.get('/', token).expect(200)
    const added = await issuer.addKey('ES256')
    growOld()
    await api.get('/', await issuer.token({}, {}, added)).expect(200)
    await api.get('/', token).expect(200)
  })

  it('still has its scopes checked, and is cached for one configuration only', async () => {
    const api = createApi(issuer.issuer)
    const token = await issuer.token({ scope: 'other' })
    await api.get('/', token).expect(200)
    await api.get('/reports', token).expect(403)
    await createApi(issuer.issuer, { audience: 'https://other.example' }).get('/', token).expect(401)
  })
})
