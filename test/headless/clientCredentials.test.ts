import { createServer } from 'node:http'
import { decodeJwt } from 'jose'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { type ClientCredentialsOptions, clientCredentials } from '../../src/index.js'
import { listen, startLocalProvider } from '../support/bed/app.js'
import { MemoryAuthStore } from '../support/stores/memoryAuthStore.js'

const CLIENT = { clientId: 'service', clientSecret: 'the secret of the service' }
const API = 'https://api.example/reports'

const DOWN = { status: 503, error: 'server_error' }

describe('clientCredentials', () => {
  let provider: Awaited<ReturnType<typeof startLocalProvider>>
  let requests: URLSearchParams[] = []
  /** Answers token requests in place of the provider. */
  let failWith: typeof DOWN | undefined

  /** Observes the token requests. */
  const watched: typeof fetch = async (url, init) => {
    if (String(url).endsWith('/token')) {
      requests.push(new URLSearchParams(String(init?.body)))
      if (failWith) return Response.json({ error: failWith.error }, { status: failWith.status })
    }
    return fetch(url, init)
  }

  function create(options: Partial<ClientCredentialsOptions> = {}) {
    const http = { fetch: watched }
    return clientCredentials({
      provider: { issuer: provider.issuer, ...CLIENT },
      scope: 'reports:read',
      http,
      ...options,
    })
  }

  beforeAll(async () => {
    provider = await startLocalProvider({
      features: { clientCredentials: { enabled: true }, resourceIndicators: { enabled: true } },
      ttl: { clientCredentials: 600 },
      clients: [
        {
          client_id: CLIENT.clientId,
          client_secret: CLIENT.clientSecret,
          grant_types: ['client_credentials'],
          redirect_uris: [],
          response_types: [],
        },
      ],
    })
  })
  afterAll(() => provider.close())
  beforeEach(() => {
    requests = []
    failWith = undefined
    vi.useFakeTimers({ toFake: ['Date'] })
  })
  afterEach(() => vi.useRealTimers())

  it('gets a token for the requested scope and API', async () => {
    const token = await create({ resource: API }).getAccessToken()
    expect(decodeJwt(token)).toMatchObject({ aud: API, scope: 'reports:read', client_id: 'service' })
  })

  it.each<[string | string[]]>([
    ['/reports'],
    ['api.example/reports'],
    [`${API}#today`],
    [`${API} ${API}`],
    [[API, 'reports']],
  ])('refuses %j as the API at construction: not an absolute URI without a fragment', (resource) => {
    expect(() => create({ resource })).toThrow(
      'clientCredentials.resource must be an absolute URI without a fragment, such as https://api.example.com/',
    )
    expect(() => create({ resource: [API, 'urn:example:stock'] })).not.toThrow()
  })

  it('makes one request for any number of callers, and none until the token is due', async () => {
    const client = create()
    const tokens = await Promise.all(Array.from({ length: 20 }, () => client.getAccessToken()))
    expect(new Set(tokens).size).toBe(1)
    vi.setSystemTime(Date.now() + 530_000)
    expect(await client.getAccessToken()).toBe(tokens[0])
    expect(requests).toHaveLength(1)
  })

  it('requests a new token a minute before the old one expires', async () => {
    const client = create()
    const first = await client.getAccessToken()
    vi.setSystemTime(Date.now() + 545_000)
    expect(await client.getAccessToken()).not.toBe(first)
    expect(requests).toHaveLength(2)
  })

  it('does not cache a failure, and uses the old token until it expires while the provider is down', async () => {
    const client = create()
    failWith = DOWN
    await expect(client.getAccessToken()).rejects.toMatchObject({ code: 'ERR_PROVIDER_UNAVAILABLE' })
    failWith = undefined
    const token = await client.getAccessToken()
    failWith = DOWN
    vi.setSystemTime(Date.now() + 570_000)
    expect(await client.getAccessToken()).toBe(token)
    vi.setSystemTime(Date.now() + 31_000)
    await expect(client.getAccessToken()).rejects.toMatchObject({ code: 'ERR_PROVIDER_UNAVAILABLE' })
    failWith = undefined
    expect(await client.getAccessToken()).not.toBe(token)
  })

  it('reports that the credentials are wrong, without showing them', async () => {
    const client = create({
      provider: { issuer: provider.issuer, clientId: 'service', clientSecret: 'a wrong secret' },
    })
    const error: unknown = await client.getAccessToken().catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'ERR_CLIENT_REFUSED' })
    expect(String(error)).not.toContain('a wrong secret')
    expect(await create().getAccessToken()).toEqual(expect.any(String))
  })

  it('reports that the provider refused an API', async () => {
    const client = create({ resource: API })
    failWith = { status: 400, error: 'invalid_target' }
    const cause = { error: 'invalid_target' }
    await expect(client.getAccessToken()).rejects.toMatchObject({ code: 'ERR_TOKEN_REQUEST_REFUSED', cause })
    failWith = undefined
    expect(decodeJwt(await client.getAccessToken()).aud).toBe(API)
  })

  it('shares one token between processes through a store, encrypted there', async () => {
    const store = new MemoryAuthStore()
    const secret = 'a secret of at least thirty-two characters'
    const token = await create({ store, secret }).getAccessToken()
    expect(await create({ store, secret }).getAccessToken()).toBe(token)
    expect(requests).toHaveLength(1)
    expect(store.values().join()).not.toContain(token)
    expect(await create({ store, secret, scope: 'reports:write' }).getAccessToken()).not.toBe(token)
    expect(await create({ store, secret: 'another secret of thirty-two characters' }).getAccessToken()).not.toBe(token)
  })

  describe('fetch()', () => {
    let api: Awaited<ReturnType<typeof listen>>
    /** The tokens the API has seen, with the body of each call. */
    let calls: string[] = []
    let accepts: (token: string) => boolean = () => true

    beforeAll(async () => {
      const server = createServer((req, res) => {
        const token = req.headers.authorization?.replace('Bearer ', '') ?? ''
        let body = ''
        req.on('data', (chunk) => (body += String(chunk)))
        req.on('end', () => {
          calls.push(`${token} ${body}`)
          res.writeHead(accepts(token) ? 200 : 401).end()
        })
      })
      api = await listen((req, res) => void server.emit('request', req, res))
    })
    afterAll(() => api.close())
    beforeEach(() => {
      calls = []
      accepts = () => true
    })

    it('refreshes the token once when the API answers 401, however many calls get that response', async () => {
      const client = create()
      const revoked = await client.getAccessToken()
      accepts = (token) => token !== revoked
      const answers = await Promise.all(
        [1, 2, 3].map((n) => client.fetch(api.url, { method: 'POST', body: `body ${n}` })),
      )
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
      expect(requests).toHaveLength(2)
      expect(
        calls
          .filter((call) => !call.startsWith(revoked))
          .map((call) => call.split(' ')[2])
          .sort(),
      ).toEqual(['1', '2', '3'])
    })

    it('returns a second 401', async () => {
      accepts = () => false
      expect((await create().fetch(api.url)).status).toBe(401)
      expect(calls).toHaveLength(2)
    })

    it('does not read a refused token from the store again', async () => {
      const options = { store: new MemoryAuthStore(), secret: 'a secret of at least thirty-two characters' }
      const client = create(options)
      const revoked = await client.getAccessToken()
      accepts = (token) => token !== revoked
      expect((await client.fetch(api.url)).status).toBe(200)
      expect(await create(options).getAccessToken()).toBe(await client.getAccessToken())
    })

    it('does not send the token over http to a non-loopback host', async () => {
      await expect(create().fetch('http://api.example/')).rejects.toMatchObject({ code: 'ERR_CONFIGURATION' })
      expect((await create().fetch(api.url)).status).toBe(200)
    })
  })

  it.each<[string, object]>([
    [
      'clientCredentials.provider.clientAuth',
      { provider: { issuer: 'https://op.example', clientId: 'a', clientAuth: 'none' } },
    ],
    ['clientCredentials.secret', { store: new MemoryAuthStore() }],
    ['clientCredentials.secret', { store: new MemoryAuthStore(), secret: 'short' }],
    ['clientCredentials.scopes', { scopes: 'reports:read' }],
    ['clientCredentials.provider', { provider: undefined }],
  ])('refuses a wrong %s at construction', (option, options) => {
    expect(() => create(options)).toThrow(option)
  })
})
