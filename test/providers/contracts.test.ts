import { beforeEach, describe, expect, it } from 'vitest'
import { muteExpress } from '../support/bed/bed.js'
import { UserAgent } from '../support/bed/userAgent.js'
import { REGISTRATION, startPresetSite } from '../support/provider/presetSite.js'
import type { Contract } from './fixtures/contract.js'
import { moreContracts } from './fixtures/more.js'
import { oauth2Contracts } from './fixtures/oauth2.js'
import { openIdContracts } from './fixtures/openId.js'
import { presets } from './presets.js'

beforeEach(muteExpress)

const contracts = { ...openIdContracts, ...oauth2Contracts, ...moreContracts() }

/** An application at the provider of a contract. */
async function start({ options, answers = {}, tokenEndpoint, tokens, refreshed, idToken }: Contract) {
  return startPresetSite(options, {
    answers: {
      ...answers,
      [tokenEndpoint]: ({ form }) => (form.get('grant_type') === 'refresh_token' ? (refreshed ?? {}) : tokens),
    },
    ...(idToken ? { idToken: () => idToken } : {}),
  })
}

type Site = Awaited<ReturnType<typeof start>>

/** Signs in with the parameters of the contract's authorization response. */
async function signIn(site: Site, { response = {} }: Contract, browser = new UserAgent()) {
  return site.signIn(browser, { code: 'the-code', ...response })
}

const sentTo = (site: Site, url: string) => site.received.filter((request) => request.url === url)

describe('the contracts', () => {
  it('cover every preset', () => {
    expect(Object.keys(presets).sort()).toEqual(Object.keys(contracts).sort())
    expect(Object.entries(presets).filter(([name, { row }]) => name !== row.id)).toEqual([])
    expect(Object.keys(presets).length).toBeGreaterThanOrEqual(99)
  })
})

describe.each(Object.entries(contracts))('%s', (_id, contract) => {
  const { options } = contract

  it('gets an authorization request with its scopes and parameters', async () => {
    const site = await start(contract)
    const request = await site.begin(new UserAgent())
    expect(request.origin + request.pathname).toBe(contract.authorizationEndpoint)
    expect(request.search).not.toContain('+')
    const sent = Object.fromEntries(request.searchParams)
    const { state, code_challenge, code_challenge_method, nonce, ...rest } = sent
    expect(rest).toEqual({
      client_id: 'app',
      redirect_uri: `${site.url}/callback`,
      response_type: 'code',
      ...contract.parameters,
    })
    expect(state).toMatch(/^[\w-]{80,500}$/)
    expect(code_challenge_method).toBe(options.pkce === 'refused' ? undefined : 'S256')
    expect(Boolean(code_challenge)).toBe(options.pkce !== 'refused')
    expect(Boolean(nonce)).toBe(options.protocol !== 'oauth2' && options.nonce !== false)
  })

  it('gets the code, the verifier and the credentials of the client in the way that it accepts', async () => {
    const site = await start(contract)
    await signIn(site, contract)
    const [{ form, headers } = { form: new URLSearchParams(), headers: new Headers() }, ...more] = sentTo(
      site,
      contract.tokenEndpoint,
    )
    expect(more).toEqual([])
    expect(form.get('grant_type')).toBe('authorization_code')
    expect(form.get('code')).toBe('the-code')
    expect(form.get('redirect_uri')).toBe(`${site.url}/callback`)
    expect(form.has('code_verifier')).toBe(options.pkce !== 'refused')
    const secret = typeof options.clientSecret === 'function' ? await options.clientSecret() : REGISTRATION.clientSecret
    const basic = `Basic ${Buffer.from(`app:${secret}`).toString('base64')}`
    const sent = { authorization: headers.get('authorization'), secret: form.get('client_secret') }
    const expected = {
      post: { authorization: null, secret },
      basic: { authorization: basic, secret: null },
      none: { authorization: null, secret: null },
    }
    expect(sent).toEqual(expected[contract.clientAuth])
  })

  it("becomes claims of the user, under the provider's issuer", async () => {
    const site = await start(contract)
    const browser = new UserAgent()
    const claims = await signIn(site, contract, browser)
    expect(claims).toMatchObject({ iss: contract.iss, ...contract.claims })
    // Claims that it does not map are those of the ID token.
    const own = new Set([...Object.keys(contract.claims), ...Object.keys(contract.idToken?.claims ?? {})])
    const known = new Set([...own, 'iss', 'aud', 'iat', 'exp', 'nickname'])
    expect(Object.keys(claims).filter((name) => !known.has(name))).toEqual([])
    expect(typeof claims.sub).toBe('string')
    expect(typeof claims.email_verified).toBe('boolean')
    expect((await browser.fetch(`${site.url}/scopes`)).json()).toEqual(contract.scopes)
  })

  it('refuses a code that was used, and a user may cancel', async () => {
    const site = await start(contract)
    const { status, body, code = 'ERR_TOKEN_REQUEST_REFUSED' } = contract.usedCode
    site.answers[contract.tokenEndpoint] = () => Response.json(body, { status })
    expect(await site.fail({ code: 'used', ...contract.response })).toMatchObject({ code })
    const cancelled = contract.cancelled ?? { error: 'access_denied' }
    expect(await site.fail(cancelled)).toMatchObject({ code: 'ERR_AUTHORIZATION_DENIED', status: 403 })
  })

  it('is an outage while it fails', async () => {
    const site = await start(contract)
    site.answers[contract.tokenEndpoint] = () => new Response('<h1>Oops</h1>', { status: 502 })
    const outage = await site.fail({ code: 'the-code', ...contract.response })
    expect(outage).toMatchObject({ code: 'ERR_PROVIDER_UNAVAILABLE', status: 503 })
  })

  if (contract.refreshed) {
    it('refreshes tokens', async () => {
      const site = await start(contract)
      const browser = new UserAgent()
      await signIn(site, contract, browser)
      const answer = await browser.fetch(`${site.url}/token`)
      expect(site.errors).toEqual([])
      expect(answer.json()).toEqual({ token: contract.refreshed?.access_token })
      const { form } = sentTo(site, contract.tokenEndpoint)[1] ?? {}
      expect(form?.get('grant_type')).toBe('refresh_token')
      expect(form?.get('refresh_token')).toBe(contract.tokens.refresh_token)
      expect((await site.claims(browser)).json()).toMatchObject(contract.claims)
    })
  }

  it('is signed out of if it has a logout, and otherwise the session ends here', async () => {
    const site = await start(contract)
    const browser = new UserAgent()
    await signIn(site, contract, browser)
    const url = await site.signOut(browser)
    url.searchParams.delete('state')
    url.searchParams.delete('id_token_hint')
    expect([...url.searchParams].sort()).toEqual(
      [...new URL(contract.logout?.(site.url) ?? site.url).searchParams].sort(),
    )
    expect(url.origin + url.pathname).toBe(contract.logout?.(site.url).split('?')[0] ?? `${site.url}/`)
    expect((await site.claims(browser)).status).toBe(401)
  })
})
