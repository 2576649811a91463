import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { type LoginOptions, login } from '../../src/index.js'
import { useBed } from '../support/bed/bed.js'
import { upToCallback } from '../support/bed/callbackRequest.js'
import { authorizationRequest, codesOf, transactionCookies, whoIs } from '../support/bed/observed.js'
import { configurationErrorSaying } from '../support/run/configurationError.js'

const SCOPE = 'openid profile email offline_access reports:read'

const { bed, browser } = useBed({
  provider: { authorizationParams: { ui_locales: 'de' } },
  routes(app) {
    app.get('/login/again', login({ prompt: 'login', returnTo: '/who' }))
    app.get('/login/create', login({ prompt: 'create' }))
    app.get('/login/recent', login({ maxAge: 60 }))
    app.get('/login/strong', login({ acrValues: ['gold', 'silver'] }))
    app.get('/login/essential', login({ acrValues: 'gold', acrEssential: true }))
    app.get('/login/hint', login({ loginHint: 'grace' }))
    app.get('/login/more', login({ scope: 'openid reports:write' }))
    app.get('/login/less', login({ scope: ['openid', 'profile'] }))
    app.get('/login/nothing', login({ scope: 'profile' }))
    app.get('/login/params', login({ authorizationParams: { ui_locales: 'fr', claims_locales: 'fr' } }))
    app.get(
      '/login/chosen',
      login((req) => ({ loginHint: String(req.query.hint) })),
    )
    app.get(
      '/login/later',
      login(async () => ({ prompt: 'login' })),
    )
    app.get('/login/mistaken', login((() => ({ promt: 'login' })) as () => LoginOptions))
    app.get('/login/elsewhere', login({ provider: 'unknown' }))
  },
})

const begin = async (path: string) => {
  const answer = await browser.send(bed.app.url + path)
  expect(answer.status).toBe(303)
  return authorizationRequest(answer)
}

describe('the authorization request', () => {
  it('is for a code, with S256, state and nonce, to the configured redirect_uri', async () => {
    const answer = await browser.send(`${bed.app.url}/login`)
    expect(answer.status).toBe(303)
    expect(answer.headers['cache-control']).toBe('no-store')
    const request = authorizationRequest(answer)
    expect(Object.fromEntries(request)).toEqual({
      response_type: 'code',
      client_id: 'app',
      redirect_uri: `${bed.app.url}/callback`,
      scope: SCOPE,
      state: expect.stringMatching(/^[\w-]{100,200}$/),
      nonce: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: 'S256',
      ui_locales: 'de',
    })
  })

  it('has a new state, nonce and challenge each time, none derived from another', async () => {
    const values = new Set<string>()
    for (let i = 0; i < 5; i++) {
      const request = await begin('/login')
      for (const name of ['state', 'nonce', 'code_challenge']) values.add(String(request.get(name)))
      values.add(
        createHash('sha256')
          .update(String(request.get('state')))
          .digest('base64url'),
      )
      values.add(
        createHash('sha256')
          .update(String(request.get('nonce')))
          .digest('base64url'),
      )
    }
    expect(values.size).toBe(25)
  })

  it('keeps state, nonce and verifier secret from the browser', async () => {
    const request = await begin('/login')
    const [[name, value] = ['', '']] = transactionCookies(browser, bed.app.url)
    const cookie = name + value + Buffer.from(value, 'base64url').toString('latin1')
    for (const secret of ['state', 'nonce']) expect(cookie).not.toContain(request.get(secret))
    expect(cookie).not.toContain('default')
  })

  it('binds the login to the browser with a small cookie: HttpOnly, Lax, ten minutes, no session', async () => {
    const { headers } = await browser.send(`${bed.app.url}/login`)
    expect(headers['set-cookie']).toEqual([
      expect.stringMatching(/^rp\.[\w-]{7}=[\w-]{16}; Max-Age=600; Path=\/; Expires=[^;]+; HttpOnly; SameSite=Lax$/),
    ])
  })

  it.each([
    ['/login/again', { prompt: 'login' }],
    ['/login/create', { prompt: 'create' }],
    ['/login/recent', { max_age: '60' }],
    ['/login/strong', { acr_values: 'gold silver' }],
    ['/login/essential', { claims: '{"id_token":{"acr":{"essential":true,"values":["gold"]}}}' }],
    ['/login/hint', { login_hint: 'grace' }],
    ['/login/less', { scope: 'openid profile' }],
    ['/login/params', { ui_locales: 'fr', claims_locales: 'fr' }],
    ['/login/chosen?hint=alan', { login_hint: 'alan' }],
    ['/login/later', { prompt: 'login' }],
  ])('takes the options of its route: %s', async (path, expected) => {
    expect(Object.fromEntries(await begin(path))).toMatchObject(expected)
  })

  it.each(['/login/nothing', '/login/mistaken'])('is not sent if the options are wrong: %s', async (path) => {
    expect((await browser.send(bed.app.url + path)).status).toBe(500)
    expect(codesOf(bed.app)).toEqual(['ERR_CONFIGURATION'])
    expect(transactionCookies(browser, bed.app.url)).toEqual([])
  })

  it.each(['/login/elsewhere', '/login?provider=unknown', '/login?provider=__proto__'])(
    'is not sent to a provider that is not configured: %s',
    async (path) => {
      expect((await browser.send(bed.app.url + path)).status).toBe(400)
      expect(codesOf(bed.app)).toEqual(['ERR_UNKNOWN_PROVIDER'])
      expect((await begin('/login?provider=default')).get('client_id')).toBe('app')
    },
  )

  it.each([
    'response_type',
    'response_mode',
    'client_id',
    'redirect_uri',
    'scope',
    'state',
    'nonce',
    'code_challenge',
    'code_challenge_method',
    'prompt',
    'max_age',
    'acr_values',
    'login_hint',
    'request',
    'request_uri',
  ])('keeps %s to itself', async (name) => {
    expect(() => login({ authorizationParams: { [name]: 'mine' } })).toThrow(`must not hold ${name}`)
    const request = await begin(`/login?${name}=mine`)
    expect(request.getAll(name)).not.toContain('mine')
  })

  it.each<[object, string]>([
    [{ promt: 'login' }, 'login.promt is not an option: did you mean prompt?'],
    [{ maxAge: '60' }, 'login.maxAge must be a number'],
    [{ returnTo: 1 }, 'login.returnTo must be a non-empty string'],
    [
      { returnTo: 'https://app.example.com/a?b#c' },
      'login.returnTo must be a path of this application, not a full URL: write /a?b#c',
    ],
    [{ returnTo: '//evil.example' }, 'login.returnTo must be a path of this application, such as /profile'],
    [{ returnTo: 'profile' }, 'login.returnTo must be a path of this application, such as /profile'],
    [{ returnTo: 'javascript:alert(1)' }, 'login.returnTo must be a path of this application, such as /profile'],
  ])('refuses wrong options at construction: %j', (options, message) => {
    expect(() => login(options as LoginOptions)).toThrow(configurationErrorSaying(message))
  })
})

describe('a user who is already signed in', () => {
  beforeEach(async () => {
    await browser.visit(`${bed.app.url}/profile`)
  })

  it.each(['/login?returnTo=/who', '/login/less?returnTo=/who', '/login/hint?returnTo=/who'])(
    'is redirected to returnTo: %s',
    async (path) => {
      const answer = await browser.send(bed.app.url + path)
      expect(answer.status).toBe(303)
      expect(answer.headers.location).toBe(`${bed.app.url}/who`)
      expect(answer.headers['cache-control']).toBe('no-store')
      expect(transactionCookies(browser, bed.app.url)).toEqual([])
    },
  )

  it.each(['/login/again', '/login/recent', '/login/strong', '/login/more'])(
    'signs in again if the route requires a new login: %s',
    async (path) => {
      expect((await begin(path)).get('code_challenge_method')).toBe('S256')
    },
  )

  it('comes back signed in after a new login', async () => {
    const answer = await browser.visit(`${bed.app.url}/login/again`)
    expect(answer.url).toBe(`${bed.app.url}/who`)
    expect(answer.json()).toMatchObject({ subject: 'ada' })
  })
})

describe('returnTo', () => {
  const location = async (returnTo: string): Promise<string> => {
    const { url, init } = await upToCallback(browser, bed, `/login?${new URLSearchParams({ returnTo })}`)
    return String((await browser.send(url, init)).headers.location)
  }

  it('redirects to a path of the application with its query', async () => {
    expect(await location('/who?a=b&c=%26#d')).toBe(`${bed.app.url}/who?a=b&c=%26#d`)
    expect(await whoIs(browser, bed.app.url)).toBe('ada')
  })

  it.each([
    'https://evil.example/',
    '//evil.example',
    '/\\evil.example',
    '/%2fevil.example',
    '/.//evil.example',
    '/\t/evil.example',
    'javascript:alert(1)',
    'data:text/html,x',
    `/${'\u20ac'.repeat(1000)}`,
  ])('never leads elsewhere, and a refused one leads to the start page: %j', async (returnTo) => {
    expect(await location(returnTo)).toBe(`${bed.app.url}/`)
  })

  it('never leaves the origin, even if the user is signed in', async () => {
    await browser.visit(`${bed.app.url}/profile`)
    const parts = fc.constantFrom(
      '/',
      '\\',
      '%2f',
      '%5c',
      '..',
      '@',
      ':',
      '\t',
      'evil.example',
      'a',
      '%',
      '#',
      '?',
      '\u2028',
    )
    const hostile = fc.array(parts, { maxLength: 8 }).map((all) => `/${all.join('')}`)
    await fc.assert(
      fc.asyncProperty(fc.oneof(hostile, fc.string({ unit: 'binary' })), async (returnTo) => {
        const answer = await browser.send(`${bed.app.url}/login?${new URLSearchParams({ returnTo })}`)
        expect(new URL(String(answer.headers.location), answer.url).origin).toBe(bed.app.url)
        expect(answer.headers.location).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/(?![/\\])[\x21-\x7e]*$/)
      }),
      { numRuns: 150 },
    )
  })

  it('uses the first value if it is repeated', async () => {
    const { url, init } = await upToCallback(browser, bed, '/login?returnTo=/who&returnTo=//evil.example')
    expect((await browser.send(url, init)).headers.location).toBe(`${bed.app.url}/who`)
  })
})
