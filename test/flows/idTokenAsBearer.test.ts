import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ResourceServerOptions } from '../../src/index.js'
import { createApi } from '../support/api/api.js'
import { type App, register, startApp, startLocalProvider } from '../support/bed/app.js'
import { UserAgent } from '../support/bed/userAgent.js'
import { AUDIENCE } from '../support/provider/issuer.js'

/** The tokens of one login. */
interface LoginTokens {
  readonly accessToken: string
  readonly idToken: string
  /** The ID token of the refresh, which need not have a nonce. */
  readonly refreshedIdToken: string
}

let provider: Awaited<ReturnType<typeof startLocalProvider>>
let app: App
let tokens: LoginTokens

beforeAll(async () => {
  provider = await startLocalProvider({ features: { resourceIndicators: { enabled: true } } })
  const idTokens: string[] = []
  const watched: typeof fetch = async (url, init) => {
    const response = await fetch(url, init)
    const { id_token } = (await response.clone().json()) as { id_token?: string }
    if (id_token) idTokens.push(id_token)
    return response
  }
  app = await startApp(provider.issuer, {
    provider: { resource: AUDIENCE, prompt: 'consent' },
    options: { http: { fetch: watched } },
    routes: (express) => {
      express.get('/token-for-api', (req, res, next) => {
        req.auth.getAccessToken({ resource: AUDIENCE }).then((token) => res.json({ token }), next)
      })
    },
  })
  await register(provider, app)
  const browser = new UserAgent()
  await browser.visit(`${app.url}/login`)
  const accessToken = (await browser.fetch(`${app.url}/token-for-api`)).json<{ token: string }>().token
  const [idToken = '', refreshedIdToken = ''] = idTokens
  tokens = { accessToken, idToken, refreshedIdToken }
})

afterAll(async () => {
  await app.close()
  await provider.close()
})

describe('the ID token of a login, sent to an API as a bearer token', () => {
  // An API that also accepts the client_id as its audience would accept the aud of an ID token.
  it.each<Partial<ResourceServerOptions>>([
    { audience: AUDIENCE, typ: 'at+jwt' },
    { audience: AUDIENCE, typ: 'tolerant' },
    { audience: [AUDIENCE, 'app'], typ: 'at+jwt' },
    { audience: [AUDIENCE, 'app'], typ: 'tolerant' },
  ])('is refused with %j, where the access token of that login is accepted', async (options) => {
    const api = createApi(provider.issuer, options)
    for (const idToken of [tokens.idToken, tokens.refreshedIdToken]) {
      expect(decodeJwt(idToken)).toMatchObject({ aud: 'app', sub: 'ada' })
      const refused = await api.get('/', idToken).expect(401)
      expect(refused.headers['www-authenticate']).toBe('Bearer error="invalid_token"')
    }
    const accepted = await api.get('/', tokens.accessToken).expect(200)
    expect(accepted.body).toMatchObject({ kind: 'access_token', subject: 'ada' })
  })
})
