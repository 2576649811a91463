import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { ProviderOptions } from '../../src/index.js'
import { KeyCache } from '../../src/jwt/keyCache.js'
import { RemoteCache } from '../../src/jwt/remoteCache.js'
import { createFetch } from '../../src/lib/http/fetch.js'
import { Provider } from '../../src/provider/provider.js'
import { resolveProviderOptions } from '../../src/provider/resolveOptions.js'
import { fakeDate, pass } from '../support/run/waiting.js'

const ISSUER = 'https://issuer.example/tenant'

beforeEach(fakeDate)

function metadata(issuer = ISSUER): Record<string, unknown> {
  return {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/jwks`,
    userinfo_endpoint: `${issuer}/userinfo`,
  }
}

/** A provider behind a counting fetch, with answers that can change. */
function behind(answers: Record<string, () => Response>, options: Partial<ProviderOptions> = {}) {
  const requests: string[] = []
  const own = async (url: string | URL | Request) => {
    requests.push(String(url))
    return answers[String(url)]?.() ?? new Response(null, { status: 404 })
  }
  const send = createFetch({ timeout: 5, maxResponseSize: 100_000, fetch: own })
  const services = {
    fetch: send,
    metadata: new RemoteCache<{ issuer: string }>({ max: 10 }),
    keys: new KeyCache({ fetch: send }),
    clockTolerance: 30,
    timeout: 5,
    onDiscovered: vi.fn(),
  }
  const resolve = (extra: Partial<ProviderOptions> = {}) =>
    resolveProviderOptions(
      { issuer: ISSUER, clientId: 'app', clientSecret: 'secret', ...options, ...extra },
      'provider',
      { allowInsecureHttp: false, baseUrlIsSecure: true, baseUrlIsLoopback: false },
    )
  return {
    provider: new Provider('default', resolve(), services),
    another: (extra: Partial<ProviderOptions>) => new Provider('another', resolve(extra), services),
    requests,
    services,
  }
}

const WELL_KNOWN = `${ISSUER}/.well-known/openid-configuration`

describe('discovery', () => {
  it('fetches nothing before it is needed, then once for all callers', async () => {
    const { provider, requests, services } = behind({ [WELL_KNOWN]: () => Response.json(metadata()) })
    expect(requests).toEqual([])
    const all = await Promise.all(Array.from({ length: 20 }, () => provider.metadata()))
    expect(requests).toEqual([WELL_KNOWN])
    expect(all[0]).toMatchObject({ token_endpoint: `${ISSUER}/token` })
    expect(services.onDiscovered).toHaveBeenCalledExactlyOnceWith(ISSUER)
  })

  it('is shared by all registrations at one issuer', async () => {
    const { provider, another, requests } = behind({ [WELL_KNOWN]: () => Response.json(metadata()) })
    await provider.metadata()
    await another({ clientId: 'other' }).metadata()
    expect(requests).toHaveLength(1)
  })

  it('follows the metadata when it changes, after 10 minutes', async () => {
    let current = metadata()
    const { provider } = behind({ [WELL_KNOWN]: () => Response.json(current) })
    const first = await provider.configuration()
    expect(await provider.configuration()).toBe(first)
    current = { ...metadata(), token_endpoint: `${ISSUER}/moved` }
    pass(600)
    expect((await provider.configuration()).serverMetadata().token_endpoint).toBe(`${ISSUER}/moved`)
  })

  it('keeps using cached metadata for 24 hours while the provider fails', async () => {
    let down = false
    const { provider } = behind({
      [WELL_KNOWN]: () => (down ? new Response(null, { status: 500 }) : Response.json(metadata())),
    })
    await provider.metadata()
    down = true
    pass(24 * 3600 - 1)
    expect(await provider.metadata()).toMatchObject({ issuer: ISSUER })
    pass(1)
    await expect(provider.metadata()).rejects.toMatchObject({ code: 'ERR_PROVIDER_UNAVAILABLE' })
  })

  it.each([
    ['another issuer', () => Response.json(metadata('https://evil.example'))],
    ['an issuer with a slash more', () => Response.json({ ...metadata(), issuer: `${ISSUER}/` })],
    ['no issuer', () => Response.json({ ...metadata(), issuer: undefined })],
    ['a page', () => new Response('<html>', { headers: { 'content-type': 'text/html' } })],
    ['an array', () => Response.json([metadata()])],
    ['another status', () => Response.json(metadata(), { status: 404 })],
    ['a redirect', () => Response.redirect('https://evil.example/.well-known/openid-configuration')],
  ])('fails on metadata with %s', async (_, answer) => {
    const { provider, requests } = behind({ [WELL_KNOWN]: answer })
    await expect(provider.metadata()).rejects.toMatchObject({ code: 'ERR_METADATA_INVALID', status: 502 })
    expect(requests).toEqual([WELL_KNOWN])
    const accepting = behind({ [WELL_KNOWN]: () => Response.json(metadata()) })
    await expect(accepting.provider.metadata()).resolves.toBeDefined()
  })

  it('is skipped if the application sets the metadata', async () => {
    const given = { ...metadata(), issuer: ISSUER }
    const { provider, requests } = behind({}, { metadata: given })
    expect(await provider.metadata()).toMatchObject(given)
    expect(requests).toEqual([])
  })
})

describe('the endpoints of a provider', () => {
  it('serve keys over https only', async () => {
    const jwks = () => Response.json({ keys: [] })
    const { provider, requests } = behind({
      [WELL_KNOWN]: () => Response.json({ ...metadata(), jwks_uri: 'http://issuer.example/jwks' }),
      'http://issuer.example/jwks': jwks,
    })
    await expect(provider.keySource({ alg: 'RS256' })).rejects.toMatchObject({ code: 'ERR_METADATA_INVALID' })
    expect(requests).toEqual([WELL_KNOWN])
    const secure = behind({ [WELL_KNOWN]: () => Response.json(metadata()), [`${ISSUER}/jwks`]: jwks })
    expect(await secure.provider.keySource({ alg: 'RS256' })).toEqual([])
    expect(secure.requests).toContain(`${ISSUER}/jwks`)
  })

  it.each([undefined, 1, 'jwks', ''])('serve no keys if jwks_uri is %s', async (jwks_uri) => {
    const { provider } = behind({ [WELL_KNOWN]: () => Response.json({ ...metadata(), jwks_uri }) })
    await expect(provider.keySource({ alg: 'RS256' })).rejects.toMatchObject({ code: 'ERR_METADATA_INVALID' })
  })

  it('are not asked for keys if tokens are signed with the client secret', async () => {
    const { provider, requests } = behind({}, { idTokenSigningAlg: 'HS256' })
    expect(await provider.keySource({ alg: 'HS256' })).toHaveLength(1)
    expect(requests).toEqual([])
  })
})

describe('a registration', () => {
  it('is the same for the same issuer and client only', () => {
    const { provider, another } = behind({})
    expect(another({}).registration).toBe(provider.registration)
    expect(another({ clientId: 'other' }).registration).not.toBe(provider.registration)
    expect(another({ issuer: 'https://other.example' }).registration).not.toBe(provider.registration)
  })
})
