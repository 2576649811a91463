import { decodeJwt, UnsecuredJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startApp } from '../support/bed/app.js'
import {
  expectRefused,
  expectSignedIn,
  type FrontChannel,
  half,
  startFrontChannel,
  type Tamper,
} from '../support/bed/frontChannel.js'
import { UserAgent } from '../support/bed/userAgent.js'

describe('the implicit flow: an ID token with form_post', () => {
  let flow: FrontChannel
  beforeAll(async () => {
    flow = await startFrontChannel('id_token', {
      routes: (app) => {
        app.get('/scopes', (req, res) => void res.json(req.auth.scopes))
      },
    })
  })
  afterAll(() => flow.close())

  it('signs the user in without a secret, a code, or any request to the token endpoint', async () => {
    const browser = new UserAgent()
    const profile = await browser.visit(`${flow.app.url}/profile`)
    expect(profile.json()).toMatchObject({ sub: 'ada', iss: flow.provider.issuer, name: 'Ada Lovelace' })
    const asked = new URL(browser.visited.find((url) => url.includes('response_type=')) ?? '')
    expect(Object.fromEntries(asked.searchParams)).toMatchObject({
      response_type: 'id_token',
      response_mode: 'form_post',
    })
    expect(asked.searchParams.get('nonce')).toHaveLength(43)
    expect(asked.searchParams.has('code_challenge')).toBe(false)
  })

  it('never puts the ID token in a URL', async () => {
    const browser = new UserAgent()
    let idToken = ''
    await flow.signIn((response) => {
      idToken = response.id_token ?? ''
      return response
    }, browser)
    expect(idToken).not.toBe('')
    expect(browser.visited.filter((url) => url.includes(idToken))).toEqual([])
  })

  it('grants no scope but openid, whatever scope the browser sends', async () => {
    const browser = new UserAgent()
    await expectSignedIn(flow.signIn((response) => ({ ...response, scope: 'openid reports:read' }), browser))
    expect((await browser.fetch(`${flow.app.url}/scopes`)).json()).toEqual(['openid'])
    expect((await browser.visit(`${flow.app.url}/reports`)).status).toBe(403)
  })

  it('has no access token, and reports so, though one is added to the response', async () => {
    const browser = new UserAgent()
    await expectSignedIn(flow.signIn((response) => ({ ...response, access_token: 'slipped in' }), browser))
    flow.app.errors.length = 0
    expect((await browser.fetch(`${flow.app.url}/token`)).status).toBe(500)
    expect(flow.app.errors).toMatchObject([{ code: 'ERR_NO_ACCESS_TOKEN' }])
  })

  it('accepts a response once: it is refused when another browser delivers it again', async () => {
    const browser = new UserAgent()
    let stolen: Record<string, string> = {}
    await expectSignedIn(
      flow.signIn((response) => {
        stolen = response
        return response
      }, browser),
    )
    flow.app.errors.length = 0
    const other = new UserAgent()
    const init = { method: 'POST', body: stolen, from: flow.provider.issuer }
    const answer = await other.visit(`${flow.app.url}/callback`, init)
    expect(answer.status).toBe(400)
    expect(flow.app.errors).toMatchObject([{ code: 'ERR_TRANSACTION_MISSING' }])
  })

  it('reports a posted error', async () => {
    await expectRefused(
      flow,
      ({ state = '' }) => ({ state, error: 'access_denied', iss: flow.provider.issuer }),
      'ERR_AUTHORIZATION_DENIED',
    )
  })

  const refused: [what: string, tamper: Tamper][] = [
    ['without a nonce', async (r, resign) => ({ ...r, id_token: await resign(r.id_token, { nonce: undefined }) })],
    ['of another login', async (r, resign) => ({ ...r, id_token: await resign(r.id_token, { nonce: 'another' }) })],
    ['for another client', async (r, resign) => ({ ...r, id_token: await resign(r.id_token, { aud: 'other' }) })],
    [
      'of another issuer',
      async (r, resign) => ({ ...r, id_token: await resign(r.id_token, { iss: 'https://op.example' }) }),
    ],
    ['that has expired', async (r, resign) => ({ ...r, id_token: await resign(r.id_token, { exp: 1 }) })],
    [
      'whose signature is another token’s',
      async (r, resign) => {
        const other = await resign(r.id_token, { sub: 'grace' })
        return { ...r, id_token: [...(r.id_token ?? '').split('.').slice(0, 2), other.split('.')[2]].join('.') }
      },
    ],
    ['that is not signed', (r) => ({ ...r, id_token: new UnsecuredJWT(decodeJwt(r.id_token ?? '')).encode() })],
    [
      'whose s_hash is of another state',
      async (r, resign) => ({ ...r, id_token: await resign(r.id_token, { s_hash: half('x') }) }),
    ],
  ]

  it.each(refused)('refuses an ID token %s', async (_what, tamper) => {
    await expectRefused(flow, tamper, 'ERR_ID_TOKEN_INVALID')
  })

  it('refuses a response without an ID token', async () => {
    const iss = flow.provider.issuer
    await expectRefused(flow, ({ state = '' }) => ({ state, iss, code: 'x' }), 'ERR_AUTHORIZATION_RESPONSE_INVALID')
  })

  it('refuses a response of another issuer before it reads the ID token', async () => {
    await expectRefused(flow, (response) => ({ ...response, iss: 'https://op.example' }), 'ERR_ISSUER_MISMATCH')
  })
})

describe('options of the implicit flow', () => {
  it.each([
    ['responseMode', { responseMode: 'query' as const }],
    ['userInfo', { userInfo: true }],
    ['scope', { scope: 'openid offline_access' }],
    ['clientAuth', { clientSecret: undefined, clientAuth: 'client_secret_basic' as const }],
  ])('refuses a wrong %s at construction', async (option, provider) => {
    const fixed = { responseType: 'id_token' as const, scope: 'openid' }
    await (await startApp('https://op.example', { provider: fixed })).close()
    const wrong = startApp('https://op.example', { provider: { ...fixed, ...provider } as typeof fixed })
    const expected = option === 'clientAuth' ? 'clientSecret' : option
    await expect(wrong).rejects.toMatchObject({
      code: 'ERR_CONFIGURATION',
      message: expect.stringContaining(`relyingParty.provider.${expected}`) as string,
    })
  })

  it('needs no client secret', async () => {
    const options = { provider: { issuer: 'https://op.example', clientId: 'app', responseType: 'id_token' as const } }
    await (await startApp('https://op.example', { options })).close()
  })
})
