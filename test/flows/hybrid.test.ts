import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  expectRefused,
  expectSignedIn,
  type FrontChannel,
  half,
  startFrontChannel,
} from '../support/bed/frontChannel.js'
import { UserAgent } from '../support/bed/userAgent.js'

describe('the hybrid flow: a code and an ID token with form_post', () => {
  let flow: FrontChannel
  beforeAll(async () => {
    flow = await startFrontChannel('code id_token')
  })
  afterAll(() => flow.close())

  it('signs the user in, with an access token, a refresh token and scopes', async () => {
    const browser = new UserAgent()
    expect((await browser.visit(`${flow.app.url}/profile`)).json()).toMatchObject({ sub: 'ada', name: 'Ada Lovelace' })
    expect((await browser.visit(`${flow.app.url}/reports`)).status).toBe(200)
    expect((await browser.fetch(`${flow.app.url}/token`)).json().token).toEqual(expect.any(String))
    const asked = new URL(browser.visited.find((url) => url.includes('response_type=')) ?? '').searchParams
    expect(asked.get('response_type')).toBe('code id_token')
    expect(asked.get('code_challenge_method')).toBe('S256')
    expect(asked.get('nonce')).toHaveLength(43)
  })

  it('reports its checks', async () => {
    flow.app.events.length = 0
    await expectSignedIn(flow.signIn())
    const verified = flow.app.events.find(({ type }) => type === 'login.verified')
    expect(verified).toMatchObject({ checks: expect.arrayContaining(['c_hash', 'code_verifier', 'nonce']) as string[] })
  })

  it('refuses a code that is not the one its ID token was issued with', async () => {
    await expectRefused(flow, (r) => ({ ...r, code: `${r.code}x` }), 'ERR_ID_TOKEN_INVALID')
  })

  it('never sends a code to the token endpoint whose ID token was refused', async () => {
    let code = ''
    await expectRefused(
      flow,
      async (r, resign) => {
        code = r.code ?? ''
        return { ...r, id_token: await resign(r.id_token, { nonce: 'another' }) }
      },
      'ERR_ID_TOKEN_INVALID',
    )
    const stored = await flow.provider.provider.AuthorizationCode.find(code)
    expect(stored).toMatchObject({ clientId: 'app', isValid: true })
  })

  it('refuses two ID tokens of different subjects', async () => {
    await expectRefused(
      flow,
      async (r, resign) => ({ ...r, id_token: await resign(r.id_token, { sub: 'grace' }) }),
      'ERR_ID_TOKEN_INVALID',
    )
  })

  it('refuses two ID tokens with different auth_time', async () => {
    const withMaxAge = await startFrontChannel('code id_token', { provider: { maxAge: 600 } })
    const auth_time = Math.floor(Date.now() / 1000) - 60
    await expectRefused(
      withMaxAge,
      async (r, resign) => ({ ...r, id_token: await resign(r.id_token, { auth_time }) }),
      'ERR_ID_TOKEN_INVALID',
    ).finally(() => withMaxAge.close())
  })

  it('accepts two ID tokens that differ in claims the login did not ask for', async () => {
    const auth_time = Math.floor(Date.now() / 1000) - 60
    for (const changes of [{ auth_time }, { acr: 'urn:example:front' }, { sid: 'front' }, { name: 'Front' }]) {
      await expectSignedIn(flow.signIn(async (r, resign) => ({ ...r, id_token: await resign(r.id_token, changes) })))
    }
  })

  it('checks s_hash if there is one', async () => {
    await expectSignedIn(
      flow.signIn(async (r, resign) => ({ ...r, id_token: await resign(r.id_token, { s_hash: half(r.state) }) })),
    )
    await expectRefused(
      flow,
      async (r, resign) => ({ ...r, id_token: await resign(r.id_token, { s_hash: half('another') }) }),
      'ERR_ID_TOKEN_INVALID',
    )
  })

  it.each(['code', 'id_token'])('refuses a response without %s', async (missing) => {
    await expectRefused(
      flow,
      ({ [missing]: _, ...rest }) => ({ ...rest, iss: flow.provider.issuer }),
      'ERR_AUTHORIZATION_RESPONSE_INVALID',
    )
  })

  it('refuses an error without iss, though the provider announces that it always sends one', async () => {
    await expectRefused(flow, ({ state = '' }) => ({ state, error: 'access_denied' }), 'ERR_ISSUER_MISMATCH')
  })
})
