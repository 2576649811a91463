import { beforeEach, describe, expect, it, vi } from 'vitest'
import { callback, type RelyingPartyError } from '../../src/index.js'
import { startBed, useBed } from '../support/bed/bed.js'
import { responseParameters, upToCallback, withParameters } from '../support/bed/callbackRequest.js'
import { faultyFetch } from '../support/bed/faultyFetch.js'
import { codesOf, transactionCookies, whoIs } from '../support/bed/observed.js'
import { basket } from '../support/bed/routes.js'
import { UserAgent } from '../support/bed/userAgent.js'

describe.each(['query', 'form_post'] as const)('the response with %s', (responseMode) => {
  const faults = faultyFetch()
  let browser: UserAgent
  const { bed } = useBed({ provider: { responseMode }, options: { http: { fetch: faults.fetch } }, routes: basket })
  beforeEach(() => {
    browser = new UserAgent()
  })

  it('signs the user in, forbids caching, clears the cookie of the login, and redirects', async () => {
    const { url: callback, init } = await upToCallback(browser, bed)
    expect(transactionCookies(browser, bed.app.url)).toHaveLength(1)
    const answer = await browser.send(callback, init)
    expect(answer.status).toBe(303)
    expect(answer.headers.location).toBe(`${bed.app.url}/profile`)
    expect(answer.headers['cache-control']).toBe('no-store')
    expect(transactionCookies(browser, bed.app.url)).toEqual([])
    expect(await whoIs(browser, bed.app.url)).toBe('ada')
  })

  it('delivered to another browser does not sign anyone in, and the right browser still can', async () => {
    const { url: callback, init } = await upToCallback(browser, bed)
    const other = new UserAgent()
    const refused = await other.visit(callback, init)
    expect(refused.status).toBe(400)
    expect(codesOf(bed.app)).toEqual(['ERR_TRANSACTION_MISSING'])
    expect(await whoIs(other, bed.app.url)).toBeNull()
    expect((await browser.visit(callback, init)).url).toBe(`${bed.app.url}/profile`)
  })

  it('delivered to a browser with its own login in progress does not sign anyone in', async () => {
    const { url: callback, init } = await upToCallback(browser, bed)
    const victim = new UserAgent()
    await upToCallback(victim, bed)
    expect((await victim.visit(callback, init)).status).toBe(400)
    expect(codesOf(bed.app)).toEqual(['ERR_TRANSACTION_MISSING'])
    expect(await whoIs(victim, bed.app.url)).toBeNull()
  })

  it('with a code of another login is refused because of the nonce or the verifier', async () => {
    const attacker = await upToCallback(new UserAgent(), bed)
    const victim = await upToCallback(browser, bed)
    const code = String(responseParameters(attacker).get('code'))
    const mixed = withParameters(victim, { code })
    const answer = await browser.send(mixed.url, mixed.init)
    expect(answer.status).toBe(400)
    expect(codesOf(bed.app)).toEqual(['ERR_TOKEN_REQUEST_REFUSED'])
    expect(await whoIs(browser, bed.app.url)).toBeNull()
  })

  it('delivered twice at once results in one login and one token request', async () => {
    const { url: callback, init } = await upToCallback(browser, bed)
    faults.tokenRequests = 0
    bed.app.events.length = 0
    const tabs = [browser.clone(), browser.clone(), browser.clone()]
    const answers = await Promise.all(tabs.map((tab) => tab.send(callback, init)))
    expect(answers.filter(({ headers }) => headers.location === `${bed.app.url}/profile`)).toHaveLength(1)
    expect(faults.tokenRequests).toBe(1)
    expect(bed.app.events.filter(({ type }) => type === 'session.opened')).toHaveLength(1)
    codesOf(bed.app)
  })

  it('delivered again, by reload or the back button, redirects into the application', async () => {
    const { url: callback, init } = await upToCallback(browser, bed)
    await browser.visit(callback, init)
    const again = await browser.visit(callback, init)
    expect(again.status).toBe(200)
    expect(again.url).toBe(`${bed.app.url}/`)
    expect(await whoIs(browser, bed.app.url)).toBe('ada')
    expect(codesOf(bed.app)).toEqual([])
  })

  it('replayed with its old cookie, in the same browser or another, does not sign in a second time', async () => {
    const { url: callback, init } = await upToCallback(browser, bed)
    const stolen = browser.clone()
    await browser.visit(callback, init)
    faults.tokenRequests = 0
    const replayed = await stolen.visit(callback, init)
    expect(replayed.status).toBe(400)
    expect(codesOf(bed.app)).toEqual(['ERR_TRANSACTION_CONSUMED'])
    expect(await whoIs(stolen, bed.app.url)).toBeNull()
    expect(faults.tokenRequests).toBe(0)
  })

  it('is refused if it is late, and accepted in time', async () => {
    const { url: callback, init } = await upToCallback(browser, bed)
    vi.useFakeTimers({ toFake: ['Date'] })
    vi.setSystemTime(Date.now() + 602_000)
    const late = await browser.clone().visit(callback, init)
    vi.useRealTimers()
    expect(late.status).toBe(400)
    const [error] = bed.app.errors.splice(0)
    expect(error).toMatchObject({
      code: 'ERR_TRANSACTION_EXPIRED',
      returnTo: '/profile',
      retryUrl: '/login?returnTo=%2Fprofile',
    })
    expect((await browser.visit(callback, init)).url).toBe(`${bed.app.url}/profile`)
  })

  it('with another iss is refused, and its text is not shown', async () => {
    const changes = { code: undefined, iss: 'https://evil.example', error: 'call_this_number' }
    const forged = withParameters(await upToCallback(browser, bed), changes)
    const answer = await browser.send(forged.url, forged.init)
    expect(answer.status).toBe(400)
    expect(answer.text).not.toContain('call_this_number')
    const [error] = bed.app.errors.splice(0) as Error[]
    expect(error).toMatchObject({ code: 'ERR_ISSUER_MISMATCH' })
    expect(`${error?.message}${JSON.stringify(error?.cause)}`).not.toContain('call_this_number')
  })

  it('without the iss that the provider announces is refused', async () => {
    const bare = withParameters(await upToCallback(browser, bed), { iss: undefined })
    const answer = await browser.send(bare.url, bare.init)
    expect(answer.status).toBe(400)
    expect(codesOf(bed.app)).toEqual(['ERR_ISSUER_MISMATCH'])
  })
})

describe('a request to the callback', () => {
  let browser: UserAgent
  const { bed } = useBed({ routes: (app) => void app.all('/elsewhere', callback()) })
  beforeEach(() => {
    browser = new UserAgent()
  })

  it('without a login in progress fails with the likely causes and a retry', async () => {
    const answer = await browser.send(`${bed.app.url}/callback?code=a&state=b`)
    expect(answer.status).toBe(400)
    const [error] = bed.app.errors.splice(0)
    expect(error).toMatchObject({ code: 'ERR_TRANSACTION_MISSING', returnTo: '/', retryUrl: '/login' })
    const { message, hint } = error as RelyingPartyError
    expect(message).toBe('this browser has no such login in progress: start it again')
    for (const cause of ['another browser', 'another host name than baseUrl', 'cookies are blocked', 'bookmark']) {
      expect(hint).toContain(cause)
    }
  })
  it('with another method than GET and POST is refused', async () => {
    const { url, init } = await upToCallback(browser, bed)
    for (const method of ['HEAD', 'PUT', 'OPTIONS', 'DELETE']) {
      const answer = await browser.send(url, { method })
      expect(answer.status).toBe(405)
      expect(answer.headers.allow).toBe('GET, POST')
    }
    codesOf(bed.app)
    expect((await browser.visit(url, init)).status).toBe(200)
  })

  it('at another path than the configured one is a configuration error', async () => {
    const { url } = await upToCallback(browser, bed)
    const answer = await browser.send(url.replace('/callback', '/elsewhere'))
    expect(answer.status).toBe(500)
    const [error] = bed.app.errors.splice(0)
    expect((error as Error).message).toContain(
      `callback() is mounted at /elsewhere, but the provider sends users to ${bed.app.url}/callback`,
    )
  })

  it.each(['/callback/', '/CALLBACK'])('works in other spellings that Express accepts: %s', async (path) => {
    const { url } = await upToCallback(browser, bed)
    expect((await browser.visit(url.replace('/callback', path))).url).toBe(`${bed.app.url}/profile`)
  })

  describe('with malformed parameters', () => {
    it.each(['state', 'code', 'iss', 'other'])(
      'with GET and a repeated %s is refused, and the login can still finish',
      async (name) => {
        const { url } = await upToCallback(browser, bed)
        const value = new URL(url).searchParams.get(name) ?? 'x'
        const answer = await browser.send(`${url}&${name}=${value}${name === 'other' ? '&other=y' : ''}`)
        expect(answer.status).toBe(400)
        expect(codesOf(bed.app)).toEqual(['ERR_AUTHORIZATION_RESPONSE_INVALID'])
        expect((await browser.visit(url)).url).toBe(`${bed.app.url}/profile`)
      },
    )

    it.each(['', '?', '?state=', '?code=a', '?state[]=a&code[]=b', `?state=${'a'.repeat(4000)}`, '?state=%00', '?%'])(
      'does not sign anyone in: %j',
      async (query) => {
        const answer = await browser.send(`${bed.app.url}/callback${query}`)
        expect(answer.status).toBe(400)
        expect(codesOf(bed.app)).toHaveLength(1)
      },
    )

    it('redirects a signed-in user to the start page', async () => {
      await browser.visit(`${bed.app.url}/profile`)
      for (const query of ['', '?state=a', `?state=${'a'.repeat(4000)}`]) {
        const answer = await browser.send(`${bed.app.url}/callback${query}`)
        expect(answer.headers.location).toBe(`${bed.app.url}/`)
      }
    })
  })
})

describe('a response in the query if form_post was requested', () => {
  it('is refused, and the login can still finish', async () => {
    const bed = await startBed({ provider: { responseMode: 'form_post' } })
    const browser = new UserAgent()
    const callback = await upToCallback(browser, bed)
    const query = responseParameters(callback)
    const get = (parameters: URLSearchParams) => browser.send(`${bed.app.url}/callback?${parameters}`)
    const refused = [
      query,
      new URLSearchParams({ state: String(query.get('state')), error: 'access_denied' }),
      new URLSearchParams({ state: String(query.get('state')), id_token: 'x.y.z' }),
    ]
    for (const parameters of refused) expect((await get(parameters)).status).toBe(400)
    expect(codesOf(bed.app)).toEqual(Array(3).fill('ERR_AUTHORIZATION_RESPONSE_INVALID'))
    expect(await whoIs(browser, bed.app.url)).toBeNull()
    expect((await browser.send(callback.url, callback.init)).headers.location).toBe(`${bed.app.url}/profile`)
    expect(await whoIs(browser, bed.app.url)).toBe('ada')
  })
})
