import { inspect } from 'node:util'
import { beforeEach, describe, expect, it } from 'vitest'
import type { ProviderOptions } from '../../src/index.js'
import { defined } from '../../src/lib/defined.js'
import { muteExpress } from '../support/bed/bed.js'
import { UserAgent } from '../support/bed/userAgent.js'
import { oauth2, SERVER, startOAuth2 } from '../support/provider/oauth2Site.js'

beforeEach(muteExpress)

const SECRET = 'client secret'

/** Sends JSON with other names, as TikTok and Feishu do. */
const asJson: ProviderOptions['adaptTokenRequest'] = ({ url, headers, body }) => {
  const { client_id: app_id, client_secret: app_secret, ...rest } = Object.fromEntries(body)
  return {
    url,
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify({ app_id, app_secret, ...rest }),
  }
}

async function failedLogin(changes: Parameters<typeof oauth2>[0], reply?: Response) {
  const site = await startOAuth2(oauth2({ clientAuth: 'client_secret_post', ...changes }))
  if (reply) site.replies['/token'] = () => reply
  const browser = new UserAgent()
  await site.respond(browser, (await site.begin(browser)).get('state'))
  expect((await site.who(browser)).status).toBe(401)
  return site
}

describe('adaptTokenRequest', () => {
  it('sends the request in another form', async () => {
    const site = await startOAuth2(oauth2({ clientAuth: 'client_secret_post', adaptTokenRequest: asJson }))
    await site.signIn()
    const [sent] = site.received('/token')
    expect(sent?.headers.get('content-type')).toBe('application/json')
    const { code_verifier, ...others } = JSON.parse(sent?.text ?? '') as Record<string, string>
    expect(code_verifier).toHaveLength(43)
    expect(others).toEqual({
      app_id: 'app',
      app_secret: SECRET,
      grant_type: 'authorization_code',
      code: 'the-code',
      redirect_uri: `${site.url}/callback`,
    })
  })

  it('may be async, and applies to a token endpoint however its URL is written', async () => {
    const site = await startOAuth2(
      oauth2({
        tokenEndpoint: 'HTTPS://EXAMPLE.com:443/token',
        adaptTokenRequest: async ({ url, headers, body }) => ({
          url,
          headers,
          body: new URLSearchParams([...body, ['client_key', 'app']]),
        }),
      }),
    )
    await site.signIn()
    expect(site.received('/token').map(({ body }) => body.get('client_key'))).toEqual(['app'])
  })

  it('leaves other requests as they are', async () => {
    const adapted: string[] = []
    const site = await startOAuth2(
      oauth2({
        revocationEndpoint: `${SERVER}/revoke`,
        adaptTokenRequest(request) {
          adapted.push(request.url)
          return request
        },
      }),
    )
    site.tokens.refresh_token = 'refresh-token'
    const browser = await site.signIn()
    await browser.send(`${site.url}/logout`, { method: 'POST', from: site.url })
    expect(site.received('/revoke').map(({ body }) => body.get('token'))).toEqual(['refresh-token'])
    expect(adapted).toEqual([`${SERVER}/token`])
  })

  it.each<[string, ProviderOptions['adaptTokenRequest']]>([
    [
      'throws',
      ({ body }) => {
        throw new Error(`cannot send ${body.get('client_secret')} with ${body.get('code')}`)
      },
    ],
    ['rejects', async ({ body }) => Promise.reject(new Error(`cannot send ${body}`))],
    ['returns nothing', () => undefined as never],
  ])('that %s is at fault, and its error shows no secret', async (_what, adaptTokenRequest) => {
    const { errors, requests } = await failedLogin(defined({ adaptTokenRequest }))
    expect(errors).toMatchObject([{ code: 'ERR_CONFIGURATION', hint: expect.stringContaining('adaptTokenRequest') }])
    for (const secret of [SECRET, 'client+secret', 'the-code'])
      expect(inspect(errors, { depth: 9 })).not.toContain(secret)
    expect(requests).toEqual([])
  })

  it.each([
    ['moved the secrets to JSON', asJson],
    [
      'removed them from the form it was given',
      (({ url, headers, body }) => {
        const text = JSON.stringify(Object.fromEntries(body))
        for (const name of [...body.keys()]) body.delete(name)
        return { url, headers, body: text }
      }) satisfies ProviderOptions['adaptTokenRequest'],
    ],
  ])('that %s lets no error repeat them', async (_what, adaptTokenRequest) => {
    const echo = { error: 'invalid_request', error_description: `no ${SECRET}, the-code` }
    const { errors } = await failedLogin(defined({ adaptTokenRequest }), Response.json(echo, { status: 400 }))
    expect(errors).toMatchObject([{ code: 'ERR_TOKEN_REQUEST_REFUSED' }])
    for (const secret of [SECRET, 'the-code']) expect(inspect(errors, { depth: 9 })).not.toContain(secret)
  })

  it('that adds a secret of its own lets no error repeat it', async () => {
    const { errors } = await failedLogin(
      {
        adaptTokenRequest: ({ url, headers, body }) => ({
          url,
          headers,
          body: JSON.stringify({ ...Object.fromEntries(body), signature: 'signed-secret' }),
        }),
      },
      Response.json({ error: 'invalid_request', error_description: 'bad signed-secret' }, { status: 400 }),
    )
    expect(errors).toMatchObject([{ code: 'ERR_TOKEN_REQUEST_REFUSED' }])
    expect(inspect(errors, { depth: 9 })).not.toContain('signed-secret')
  })

  it('cannot send secrets without TLS', async () => {
    const { errors, requests } = await failedLogin({
      adaptTokenRequest: (request) => ({ ...request, url: 'http://example.com/token' }),
    })
    expect(errors).toMatchObject([{ code: 'ERR_METADATA_INVALID' }])
    expect(requests).toEqual([])
  })
})

describe('adaptTokenResponse', () => {
  const unwrap = (response: Readonly<Record<string, unknown>>) => ({ ...(response.data as object) })

  it('reads an envelope, and the error in one', async () => {
    const site = await startOAuth2(oauth2({ adaptTokenResponse: unwrap }))
    const { access_token, scope } = site.tokens
    site.replies['/token'] = () => Response.json({ code: 0, data: { access_token, scope } })
    expect((await site.who(await site.signIn())).json()).toMatchObject({ subject: '42' })
    site.replies['/token'] = () => Response.json({ code: 7, data: { error: 'invalid_grant' } })
    const browser = new UserAgent()
    await site.respond(browser, (await site.begin(browser)).get('state'))
    expect(site.errors).toMatchObject([{ code: 'ERR_TOKEN_REQUEST_REFUSED', cause: { error: 'invalid_grant' } }])
  })

  it.each<[string, ProviderOptions['adaptTokenResponse']]>([
    [
      'throws',
      ({ access_token }) => {
        throw new Error(`cannot read ${String(access_token)}`)
      },
    ],
    ['quotes the response as JSON.parse does', ({ access_token }) => JSON.parse(String(access_token))],
    ['returns a string', () => 'tokens' as never],
  ])('that %s is at fault, and its error shows no token', async (_what, adaptTokenResponse) => {
    const { errors } = await failedLogin(
      defined({ adaptTokenResponse }),
      Response.json({ access_token: 'secret-token', token_type: 'bearer' }),
    )
    expect(errors).toMatchObject([{ code: 'ERR_CONFIGURATION', hint: expect.stringContaining('adaptTokenResponse') }])
    expect(inspect(errors, { depth: 9 })).not.toContain('secret-t')
  })

  it('is not called with a page in place of JSON', async () => {
    const { errors } = await failedLogin({ adaptTokenResponse: unwrap }, new Response('<html>', { status: 200 }))
    expect(errors).toMatchObject([{ code: 'ERR_TOKEN_RESPONSE_INVALID' }])
  })
})
