import { describe, expect, it, vi } from 'vitest'
import { type DeviceAuthorizationOptions, deviceAuthorization } from '../../src/index.js'
import { startLocalProvider } from '../support/bed/app.js'
import { answerDevice } from '../support/bed/device.js'
import { fakeDate } from '../support/run/waiting.js'

async function prepare() {
  const provider = await startLocalProvider({
    features: { deviceFlow: { enabled: true } },
    clients: [
      {
        client_id: 'tool',
        token_endpoint_auth_method: 'none',
        grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
        redirect_uris: [],
        response_types: [],
      },
    ],
  })
  const requests: URLSearchParams[] = []
  /** Answers the next token requests in place of the provider. */
  const answers: object[] = []
  /** Like the provider, but polled every second. */
  const fast: typeof fetch = async (url, init) => {
    if (String(url).endsWith('/token')) {
      requests.push(new URLSearchParams(String(init?.body)))
      const answer = answers.shift()
      if (answer) return Response.json(answer, { status: 400 })
    }
    const response = await fetch(url, init)
    if (!String(url).includes('/device/auth')) return response
    return Response.json({ ...((await response.json()) as object), interval: 1 })
  }
  const run = (options: Partial<DeviceAuthorizationOptions> = {}) =>
    deviceAuthorization({
      provider: {
        issuer: provider.issuer,
        clientId: 'tool',
        clientAuth: 'none',
        scope: 'openid profile offline_access',
      },
      http: { fetch: fast },
      onCode: ({ verificationUriComplete = '' }) =>
        answerDevice({ verification_uri_complete: verificationUriComplete }),
      ...options,
    })
  return { provider, run, requests, answers }
}

describe('deviceAuthorization', () => {
  it('shows a code, waits, and returns claims, scopes and tokens', async () => {
    const { run, answers, requests } = await prepare()
    answers.push({ error: 'authorization_pending' })
    const session = await run()
    expect(session.claims).toMatchObject({ sub: 'ada', name: 'Ada Lovelace' })
    expect(session.scopes).toContain('profile')
    expect(await session.getAccessToken()).toEqual(expect.any(String))
    expect(requests).toHaveLength(2)
  })

  it('refreshes the token before it expires', async () => {
    const { run, requests } = await prepare()
    const session = await run()
    fakeDate()
    const first = await session.getAccessToken()
    vi.setSystemTime(Date.now() + 400_000)
    expect(await session.getAccessToken()).toBe(first)
    vi.setSystemTime(Date.now() + 150_000)
    expect(await session.getAccessToken()).not.toBe(first)
    vi.setSystemTime(Date.now() + 550_000)
    await session.getAccessToken()
    const grants = requests.map((request) => request.get('grant_type'))
    expect(grants.slice(1)).toEqual(['refresh_token', 'refresh_token'])
    expect(new Set(requests.map((request) => request.get('refresh_token'))).size).toBe(3)
  })

  it.each([
    ['access_denied', 'ERR_AUTHORIZATION_DENIED'],
    ['expired_token', 'ERR_DEVICE_CODE_EXPIRED'],
    ['invalid_grant', 'ERR_TOKEN_REQUEST_REFUSED'],
  ])('ends with a typed error on %s', async (error, code) => {
    const { run, answers } = await prepare()
    answers.push({ error })
    await expect(run()).rejects.toMatchObject({ code })
    expect((await run()).claims?.sub).toBe('ada')
  })

  it('ends when its signal is aborted', async () => {
    const { run, requests } = await prepare()
    const stop = new AbortController()
    const waiting = run({ onCode: () => stop.abort(new Error('stopped')), signal: stop.signal })
    await expect(waiting).rejects.toThrow('stopped')
    expect(requests).toEqual([])
  })

  it('reports that a provider has no device flow', async () => {
    const provider = await startLocalProvider()
    const { run } = await prepare()
    const other = { issuer: provider.issuer, clientId: 'tool', clientAuth: 'none' as const }
    await expect(run({ provider: other })).rejects.toMatchObject({ code: 'ERR_METADATA_INVALID' })
  })

  it.each([{ onCode: undefined }, { provider: undefined }, { scopes: 'openid' }])('refuses %o', async (options) => {
    const { run } = await prepare()
    await expect(run(options as object)).rejects.toMatchObject({ code: 'ERR_CONFIGURATION' })
  })
})
