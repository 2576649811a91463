/** Requests that a tenant tries to direct from this server to another, with the metadata of its provider. */
import { describe, expect, it } from 'vitest'
import { requestClientCredentials } from '../../src/protocol/clientCredentials.js'
import { requestDeviceAuthorization } from '../../src/protocol/device.js'
import { revokeRefreshToken } from '../../src/protocol/revocation.js'
import { fetchUserInfo } from '../../src/protocol/user/userInfo.js'
import { Provider } from '../../src/provider/provider.js'
import { resolveProviderOptions } from '../../src/provider/resolveOptions.js'
import { createProviderServices } from '../../src/provider/services.js'
import { createApi } from '../support/api/api.js'
import { createKey, signToken } from '../support/provider/issuer.js'

const ASKED = { scope: '', resource: [] }

/** Sends a request to each endpoint of a provider. */
const asking: Record<string, (provider: Provider) => Promise<unknown>> = {
  token_endpoint: (provider) => requestClientCredentials(provider, ASKED),
  userinfo_endpoint: (provider) => fetchUserInfo(provider, 'token', 'ada'),
  revocation_endpoint: (provider) => revokeRefreshToken(provider, 'token'),
  device_authorization_endpoint: (provider) => requestDeviceAuthorization(provider, ASKED),
  jwks_uri: (provider) => provider.keySource({ alg: 'RS256' }),
}

const endpointsOf = (issuer: string) =>
  Object.fromEntries(Object.keys(asking).map((name) => [name, `${issuer}/${name}`]))

/** Records requests, and answers nothing useful. */
function watch() {
  const requests: string[] = []
  const send = async (url: string | URL | Request) => {
    requests.push(String(url))
    return new Response(null, { status: 404 })
  }
  return { requests, fetch: send as typeof fetch }
}

/** Sends a request to one endpoint. Returns the error's code and the requests that were sent. */
async function ask(name: string, issuer: string, changes: object = {}, allowInsecureHttp = false) {
  const { requests, fetch } = watch()
  const metadata = { issuer, ...endpointsOf(issuer), ...changes }
  const options = { issuer, metadata, clientId: 'app', clientSecret: 'secret' }
  const context = { allowInsecureHttp, baseUrlIsSecure: true, baseUrlIsLoopback: false }
  const http = { timeout: 5, maxResponseSize: 1024, allowInsecureHttp, fetch }
  const services = createProviderServices(http, 30)
  const provider = new Provider('tenant', resolveProviderOptions(options, 'provider', context), services)
  const error: unknown = await asking[name]?.(provider).catch((reason: unknown) => reason)
  return { code: (error as { code?: string }).code, requests }
}

describe.each(Object.keys(asking))('a %s', (name) => {
  it.each([
    ['an https provider', 'https://op.example', 'http://169.254.169.254/latest'],
    ['an https provider', 'https://op.example', 'http://127.0.0.1:9200/'],
    ['an https provider', 'https://op.example', 'file:///etc/passwd'],
    ['a provider on this machine', 'http://127.0.0.1:8080', 'http://169.254.169.254/latest'],
    ['a provider on this machine', 'http://localhost:8080', 'http://127.0.0.1.evil.example/'],
    ['a provider on this machine', 'http://localhost:8080', 'data:application/json,{"keys":[]}'],
  ])('of %s, %s, is not asked at %s', async (_what, issuer, steered) => {
    expect(await ask(name, issuer, { [name]: steered })).toEqual({ code: 'ERR_METADATA_INVALID', requests: [] })
    expect((await ask(name, issuer)).requests).toEqual([`${issuer}/${name}`])
  })

  it('over http on a non-loopback host is asked if allowInsecureHttp is set', async () => {
    const issuer = 'http://op.example'
    expect((await ask(name, issuer, {}, true)).requests).toEqual([`${issuer}/${name}`])
  })
})

describe('an authorization server of an API', () => {
  it.each([
    ['https://op.example', 'http://169.254.169.254/latest'],
    ['https://op.example', 'http://127.0.0.1:9200/'],
    ['http://127.0.0.1:8080', 'http://169.254.169.254/latest'],
  ])('%s does not have its keys fetched from %s', async (issuer, steered) => {
    const key = await createKey()
    const token = await signToken(issuer, key)
    const requests: string[] = []
    let jwks_uri = steered
    const send = async (url: string | URL | Request) => {
      requests.push(String(url))
      return Response.json(String(url) === jwks_uri ? { keys: [key.jwk] } : { issuer, jwks_uri })
    }
    const get = () => createApi(issuer, { http: { fetch: send as typeof fetch } }).get('/', token)
    await get().expect(502)
    expect(requests).toEqual([`${issuer}/.well-known/openid-configuration`])
    jwks_uri = `${issuer}/jwks`
    await get().expect(200)
    expect(requests).toContain(jwks_uri)
  })
})
