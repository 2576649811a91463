import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { RelyingPartyError } from '../../src/index.js'
import { callback } from '../../src/index.js'
import {
  basket,
  codesOf,
  faultyFetch,
  muteExpress,
  responseParameters,
  type Site,
  startSite,
  transactionCookies,
  upToCallback,
  whoIs,
  withParameters,
} from '../support/bed/site.js'
import { UserAgent } from '../support/bed/userAgent.js'

beforeEach(muteExpress)

describe.each(['query', 'form_post'] as const)('the response with %s', (responseMode) => {
  const faults = faultyFetch()
  let site: Site
  let url: string
  let browser: UserAgent
  beforeAll(async () => {
    site = await startSite({ provider: { responseMode }, options: { http: { fetch: faults.fetch } }, routes: basket })
    url = site.app.url
  })
  afterAll(() => site.close())
  beforeEach(() => {
    browser = new UserAgent()
  })

  it('signs the user in, forbids caching, clears the cookie of the login, and redirects', async () => {
    const { url: callback, init } = await upToCallback(browser, site)
    expect(transactionCookies(browser, url)).toHaveLength(1)
    const answer = await browser.send(callback, init)
    expect(answer.status).toBe(303)
    expect(answer.headers.location).toBe(`${url}/profile`)
    expect(answer.headers['cache-control']).toBe('no-store')
    expect(transactionCookies(browser, url)).toEqual([])
    expect(await whoIs(browser, url)).toBe('ada')
  })

  it('delivered to another browser does not sign anyone in, and the right browser still can', async () => {
    const { url: callback, init } = await upToCallback(browser, site)
    const other = new UserAgent()
    const refused = await other.visit(callback, init)
    expect(refused.status).toBe(400)
    expect(codesOf(site.app)).toEqual(['ERR_TRANSACTION_MISSING'])
    expect(await whoIs(other, url)).toBeNull()
    expect((await browser.visit(callback, init)).url).toBe(`${url}/profile`)
  })

  it('delivered to a browser with its own login in progress does not sign anyone in', async () => {
    const { url: callback, init } = await upToCallback(browser, site)
    const victim = new UserAgent()
    await upToCallback(victim, site)
    expect((await victim.visit(callback, init)).status).toBe(400)
    expect(codesOf(site.app)).toEqual(['ERR_TRANSACTION_MISSING'])
    expect(await whoIs(victim, url)).toBeNull()
  })

  it('with a code of another login is refused because of the nonce or the verifier', async () => {
    const attacker = await upToCallback(new UserAgent(), site)
    const victim = await upToCallback(browser, site)
    const code = String(responseParameters(attacker).get('code'))
    const mixed = withParameters(victim, { code })
    const answer = await browser.send(mixed.url, mixed.init)
    expect(answer.status).toBe(400)
    expect(codesOf(site.app)).toEqual(['ERR_TOKEN_REQUEST_REFUSED'])
    expect(await whoIs(browser, url)).toBeNull()
  })

  it('delivered twice at once results in one login and one token request', async () => {
    const { url: callback, init } = await upToCallback(browser, site)
    faults.tokenRequests = 0
    site.app.events.length = 0
    const tabs = [browser.clone(), browser.clone(), browser.clone()]
    const answers = await Promise.all(tabs.map((tab) => tab.send(callback, init)))
    expect(answers.filter(({ headers }) => headers.location === `${url}/profile`)).toHaveLength(1)
    expect(faults.tokenRequests).toBe(1)
    expect(site.app.events.filter(({ type }) => type === 'session.opened')).toHaveLength(1)
    codesOf(site.app)
  })

  it('delivered again, by reload or the back button, redirects into the application', async () => {
    const { url: callback, init } = await upToCallback(browser, site)
    await browser.visit(callback, init)
    const again = await browser.visit(callback, init)
    expect(again.status).toBe(200)
    expect(again.url).toBe(`${url}/`)
    expect(await whoIs(browser, url)).toBe('ada')
    expect(codesOf(site.app)).toEqual([])
  })

  it('replayed with its old cookie, in the same browser or another, does not sign in a second time', async () => {
    const { url: callback, init } = await upToCallback(browser, site)
    const stolen = browser.clone()
    await browser.visit(callback, init)
    faults.tokenRequests = 0
    const replayed = await stolen.visit(callback, init)
    expect(replayed.status).toBe(400)
    expect(codesOf(site.app)).toEqual(['ERR_TRANSACTION_CONSUMED'])
    expect(await whoIs(stolen, url)).toBeNull()
    expect(faults.tokenRequests).toBe(0)
  })

  it('is refused if it is late, and accepted in time', async () => {
    const { url: callback, init } = await upToCallback(browser, site)
    vi.useFakeTimers({ toFake: ['Date'] })
    vi.setSystemTime(Date.now() + 602_000)
    const late = await browser.clone().visit(callback, init)
    vi.useRealTimers()
    expect(late.status).toBe(400)
    const [error] = site.app.errors.splice(0)
    expect(error).toMatchObject({
      code: 'ERR_TRANSACTION_EXPIRED',
      returnTo: '/profile',
      retryUrl: '/login?returnTo=%2Fprofile',
    })
    expect((await browser.visit(callback, init)).url).toBe(`${url}/profile`)
  })

  it('with another iss is refused, and its text is not shown', async () => {
    const changes = { code: undefined, iss: 'https://evil.example', error: 'call_this_number' }
    const forged = withParameters(await upToCallback(browser, site), changes)
    const answer = await browser.send(forged.url, forged.init)
    expect(answer.status).toBe(400)
    expect(answer.text).not.toContain('call_this_number')
    const [error] = site.app.errors.splice(0) as Error[]
    expect(error).toMatchObject({ code: 'ERR_ISSUER_MISMATCH' })
    expect(`${error?.message}${JSON.stringify(error?.cause)}`).not.toContain('call_this_number')
  })

  it('without the iss that the provider announces is refused', async () => {
    const bare = withParameters(await upToCallback(browser, site), { iss: undefined })
    const answer = await browser.send(bare.url, bare.init)
    expect(answer.status).toBe(400)
    expect(codesOf(site.app)).toEqual(['ERR_ISSUER_MISMATCH'])
  })
})

describe('a request to the callback', () => {
  let site: Site
  let browser: UserAgent
  beforeAll(async () => {
    site = await startSite({ routes: (app) => void app.all('/elsewhere', callback()) })
  })
  afterAll(() => site.close())
  beforeEach(() => {
    browser = new UserAgent()
  })

  it('without a login in progress fails with the likely causes and a retry', async () => {
    const answer = await browser.send(`${site.app.url}/callback?code=a&state=b`)
    expect(answer.status).toBe(400)
    const [error] = site.app.errors.splice(0)
    expect(error).toMatchObject({ code: 'ERR_TRANSACTION_MISSING', returnTo: '/', retryUrl: '/login' })
    const { message, hint } = error as RelyingPartyError
    expect(message).toBe('this browser has no such login in progress: start it again')
    for (const cause of ['another browser', 'another host name than baseUrl', 'cookies are blocked', 'bookmark']) {
      expect(hint).toContain(cause)
    }
  })
  it('with another method than GET and POST is refused', async () => {
    const { url, init } = await upToCallback(browser, site)
    for (const method of ['HEAD', 'PUT', 'OPTIONS', 'DELETE']) {
      const answer = await browser.send(url, { method })
      expect(answer.status).toBe(405)
      expect(answer.headers.allow).toBe('GET, POST')
    }
    codesOf(site.app)
    expect((await browser.visit(url, init)).status).toBe(200)
  })

  it('at another path than the configured one is a configuration error', async () => {
    const { url } = await upToCallback(browser, site)
    const answer = await browser.send(url.replace('/callback', '/elsewhere'))
    expect(answer.status).toBe(500)
    const [error] = site.app.errors.splice(0)
    expect((error as Error).message).toContain(
      `callback() is mounted at /elsewhere, but the provider sends users to ${site.app.url}/callback`,
    )
  })

  it.each(['/callback/', '/CALLBACK'])('works in other spellings that Express accepts: %s', async (path) => {
    const { url } = await upToCallback(browser, site)
    expect((await browser.visit(url.replace('/callback', path))).url).toBe(`${site.app.url}/profile`)
  })

  describe('with malformed parameters', () => {
    it.each(['state', 'code', 'iss', 'other'])(
      'with GET and a repeated %s is refused, and the login can still finish',
      async (name) => {
        const { url } = await upToCallback(browser, site)
        const value = new URL(url).searchParams.get(name) ?? 'x'
        const answer = await browser.send(`${url}&${name}=${value}${name === 'other' ? '&other=y' : ''}`)
        expect(answer.status).toBe(400)
        expect(codesOf(site.app)).toEqual(['ERR_AUTHORIZATION_RESPONSE_INVALID'])
        expect((await browser.visit(url)).url).toBe(`${site.app.url}/profile`)
      },
    )

    it.each(['', '?', '?state=', '?code=a', '?state[]=a&code[]=b', `?state=${'a'.repeat(4000)}`, '?state=%00', '?%'])(
      'does not sign anyone in: %j',
      async (query) => {
        const answer = await browser.send(`${site.app.url}/callback${query}`)
        expect(answer.status).toBe(400)
        expect(codesOf(site.app)).toHaveLength(1)
      },
    )

    it('redirects a signed-in user to the start page', async () => {
      await browser.visit(`${site.app.url}/profile`)
      for (const query of ['', '?state=a', `?state=${'a'.repeat(4000)}`]) {
        const answer = await browser.send(`${site.app.url}/callback${query}`)
        expect(answer.headers.location).toBe(`${site.app.url}/`)
      }
    })
  })
})

describe('a response in the query if form_post was requested', () => {
  it('is refused, and the login can still finish', async () => {
    const site = await startSite({ provider: { responseMode: 'form_post' } })
    onTestFinished(() => site.close())
    const browser = new UserAgent()
    const callback = await upToCallback(browser, site)
    const query = responseParameters(callback)
    const get = (parameters: URLSearchParams) => browser.send(`${site.app.url}/callback?${parameters}`)
    const refused = [
      query,
      new URLSearchParams({ state: String(query.get('state')), error: 'access_denied' }),
      new URLSearchParams({ state: String(query.get('state')), id_token: 'x.y.z' }),
    ]
    for (const parameters of refused) expect((await get(parameters)).status).toBe(400)
    expect(codesOf(site.app)).toEqual(Array(3).fill('ERR_AUTHORIZATION_RESPONSE_INVALID'))
    expect(await whoIs(browser, site.app.url)).toBeNull()
    expect((await browser.send(callback.url, callback.init)).headers.location).toBe(`${site.app.url}/profile`)
    expect(await whoIs(browser, site.app.url)).toBe('ada')
  })
})
