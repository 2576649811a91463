import { describe, expect, it } from 'vitest'
import { LoginRefusedError, type RelyingPartyEvent, type RelyingPartyOptions } from '../../src/index.js'
import { type Bed, startBed, useProvider } from '../support/bed/bed.js'
import { responseParameters, upToCallback, withParameters } from '../support/bed/callbackRequest.js'
import { codesOf, contentsOf, whoIs } from '../support/bed/observed.js'
import { basket } from '../support/bed/routes.js'
import { UserAgent } from '../support/bed/userAgent.js'

type Hooks = Required<RelyingPartyOptions>

const { provider, browser } = useProvider()
let bed: Bed
let url: string

async function start(options: Partial<RelyingPartyOptions>): Promise<void> {
  bed = await startBed({ options, routes: basket, at: provider })
  url = bed.app.url
}

describe('onLogin', () => {
  it('receives the verified claims, scopes, provider and token before anything is stored', async () => {
    const told: unknown[] = []
    await start({
      async onLogin(login, req) {
        const { accessToken, ...rest } = login
        const keys = Object.keys(await contentsOf(bed.app.store))
        told.push({
          ...rest,
          records: keys.filter((key) => key.includes('record:')),
          token: typeof accessToken,
          path: req.path,
        })
      },
    })
    await browser.visit(`${url}/profile`)
    expect(told).toEqual([
      {
        claims: expect.objectContaining({ sub: 'ada', iss: provider.issuer, name: 'Ada Lovelace' }),
        scopes: expect.arrayContaining(['openid', 'reports:read']),
        provider: 'default',
        transaction: expect.stringMatching(/^[\w-]{16}$/),
        idToken: expect.stringMatching(/^eyJ/),
        idTokenClaims: expect.objectContaining({ sub: 'ada', aud: 'app', nonce: expect.any(String) }),
        profile: undefined,
        tokenResponse: expect.objectContaining({ token_type: 'bearer', expires_in: expect.any(Number) }),
        returnTo: '/profile',
        records: [],
        token: 'string',
        path: '/callback',
      },
    ])
  })

  it('that returns what JSON cannot hold is at fault, not the store', async () => {
    const onLogin: Hooks['onLogin'] = ({ claims }) => ({ ...claims, id: 1n })
    await start({ onLogin })
    expect((await browser.visit(`${url}/profile`)).status).toBe(500)
    expect(bed.app.errors[0]).toMatchObject({
      code: 'ERR_CONFIGURATION',
      message: expect.stringContaining('onLogin'),
      cause: expect.any(TypeError),
    })
    expect(await whoIs(browser, url)).toBeNull()
  })

  it.each<[string, Hooks['onLogin'], object]>([
    ['keeps the claims if it returns nothing', () => {}, { sub: 'ada', name: 'Ada Lovelace' }],
    ['maps them', ({ claims }) => ({ ...claims, role: 'admin' }), { sub: 'ada', role: 'admin' }],
    ['maps them later', async () => ({ name: 'The Countess' }), { sub: 'ada', name: 'The Countess' }],
    ['cannot change the user', () => ({ sub: 'grace', iss: 'https://evil.example' }), { sub: 'ada' }],
  ])('%s', async (_rule, onLogin, expected) => {
    await start({ onLogin })
    const profile = (await browser.visit(`${url}/profile`)).json()
    expect(profile).toMatchObject({ ...expected, iss: provider.issuer })
    expect(await whoIs(browser, url)).toBe('ada')
  })

  it.each<[string, Hooks['onLogin'], number]>([
    [
      'refuses with a reason',
      () => {
        throw new LoginRefusedError('Ask your team for access first.')
      },
      403,
    ],
    ['refuses later', () => Promise.reject(new LoginRefusedError('Ask your team for access first.')), 403],
    [
      'throws',
      () => {
        throw new TypeError('no such column')
      },
      500,
    ],
    ['rejects', () => Promise.reject(new TypeError('no such column')), 500],
  ])('%s: no one is signed in, and the session is as it was', async (_rule, onLogin, status) => {
    await start({ onLogin })
    await browser.visit(`${url}/basket?add=tea`)
    const before = (await browser.fetch(`${url}/basket`)).json()
    const refused = await browser.visit(`${url}/profile`)
    expect(refused.status).toBe(status)
    expect((await browser.fetch(`${url}/basket`)).json()).toEqual(before)
    expect(await whoIs(browser, url)).toBeNull()
    expect(Object.keys(await contentsOf(bed.app.store)).filter((key) => key.includes('record:'))).toEqual([])
    const [error] = bed.app.errors.splice(0)
    expect(error).toMatchObject(
      status === 403
        ? { code: 'ERR_LOGIN_REFUSED', message: 'Ask your team for access first.', returnTo: '/profile' }
        : { message: 'no such column' },
    )
    const refusals = bed.app.events.filter(({ type }) => type === 'login.refused')
    expect(refusals).toEqual([expect.objectContaining({ code: (error as { code?: string }).code })])
    expect(bed.app.events.filter(({ type }) => type === 'session.opened')).toEqual([])
  })
})

describe('onError', () => {
  it('sends the response instead of Express', async () => {
    await start({ onError: (error, req, res) => void res.status(499).json({ code: error.code, path: req.path }) })
    const answer = await browser.send(`${url}/callback?code=a&state=b`)
    expect(answer.status).toBe(499)
    expect(answer.json()).toEqual({ code: 'ERR_TRANSACTION_MISSING', path: '/callback' })
    expect((await browser.fetch(`${url}/profile`)).json()).toMatchObject({ code: 'ERR_AUTHENTICATION_REQUIRED' })
    expect(bed.app.errors).toEqual([])
  })

  it('can pass the error on to Express', async () => {
    await start({ onError: (error, _req, _res, next) => next(error) })
    expect((await browser.send(`${url}/callback`)).status).toBe(400)
    expect(codesOf(bed.app)).toEqual(['ERR_TRANSACTION_MISSING'])
  })

  it.each<[string, Hooks['onError']]>([
    [
      'throws',
      () => {
        throw new TypeError('no such template')
      },
    ],
    ['rejects', (async () => Promise.reject(new TypeError('no such template'))) as Hooks['onError']],
  ])('that %s has its own error handled by Express', async (_how, onError) => {
    await start({ onError })
    expect((await browser.send(`${url}/callback`)).status).toBe(500)
    expect(bed.app.errors.splice(0)).toEqual([expect.objectContaining({ message: 'no such template' })])
    expect((await browser.visit(`${url}/profile`)).status).toBe(200)
  })
})

describe('onEvent', () => {
  it.each<[string, Hooks['onEvent']]>([
    [
      'throws',
      () => {
        throw new Error('the log is full')
      },
    ],
    ['rejects', async () => Promise.reject(new Error('the log is full'))],
  ])('that %s changes nothing', async (_how, onEvent) => {
    const unhandled: unknown[] = []
    const listen = (error: unknown) => unhandled.push(error)
    process.on('unhandledRejection', listen)
    await start({ onEvent })
    expect((await browser.visit(`${url}/profile`)).status).toBe(200)
    expect((await browser.visit(`${url}/logout?returnTo=/who`, { method: 'POST' })).json()).toMatchObject({
      subject: null,
    })
    await new Promise((resolve) => setImmediate(resolve))
    process.off('unhandledRejection', listen)
    expect(unhandled).toEqual([])
  })

  it('receives no secret of any step, even of failed logins', async () => {
    const told: RelyingPartyEvent[] = []
    const secrets: string[] = []
    await start({
      onEvent: (event) => void told.push(event),
      onLogin: ({ accessToken }) => void secrets.push(String(accessToken)),
    })
    const first = await upToCallback(browser, bed, '/profile?key=tell-nobody')
    await browser.visit(first.url, first.init)
    const other = new UserAgent()
    const second = withParameters(await upToCallback(other, bed), { code: 'a-code-from-elsewhere' })
    expect((await other.send(second.url, second.init)).status).toBe(400)
    await browser.visit(`${url}/logout`, { method: 'POST' })
    for (const visited of browser.visited) {
      for (const [name, value] of new URL(visited).searchParams) {
        if (/^(code|state|nonce|code_challenge|id_token_hint)$/.test(name)) secrets.push(value)
      }
    }
    for (const value of browser.cookies(url).values()) secrets.push(value)
    for (const callback of [first, second]) secrets.push(String(responseParameters(callback).get('code')))
    const text = JSON.stringify(told)
    expect(secrets.length).toBeGreaterThan(6)
    for (const secret of [...secrets, 'tell-nobody']) expect(text).not.toContain(secret)
    expect(new Set(told.map(({ type }) => type))).toEqual(
      new Set([
        'access.refused',
        'provider.discovered',
        'keys.fetched',
        'login.started',
        'login.response',
        'login.tokens',
        'login.verified',
        'login.refused',
        'session.opened',
        'session.ended',
      ]),
    )
    for (const { time } of told) expect(Math.abs(Date.now() - time)).toBeLessThan(60_000)
  })
})
