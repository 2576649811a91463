import express, { type Express } from 'express'
import { describe, expect, it, vi } from 'vitest'
import { type LogoutOptions, logout } from '../../src/index.js'
import type { AppOptions } from '../support/bed/app.js'
import { type Bed, startBed, useProvider } from '../support/bed/bed.js'
import { codesOf, whoIs } from '../support/bed/observed.js'
import { basket } from '../support/bed/routes.js'
import { type Answer, refreshOf, UserAgent } from '../support/bed/userAgent.js'
import { configurationErrorSaying } from '../support/run/configurationError.js'
import { fakeDate } from '../support/run/waiting.js'

const OTHER_SITE = 'https://www.example.com/goodbye'

const { provider, browser } = useProvider()
let bed: Bed
let url: string

async function start(settings: AppOptions = {}): Promise<void> {
  const options = { postLogoutUrls: [OTHER_SITE], ...settings.options }
  const routes = (app: Express) => {
    basket(app)
    settings.routes?.(app)
  }
  bed = await startBed({ ...settings, options, routes, at: provider })
  url = bed.app.url
}
const signIn = () => browser.visit(`${url}/profile`)
const leave = (query = '', init: Parameters<UserAgent['send']>[1] = {}) =>
  browser.send(`${url}/logout${query}`, { method: 'POST', ...init })
/** Goes through the provider's logout. Returns the URL of the return, not yet requested. */
const comeBack = (answer: Answer) => browser.visitUntil(String(refreshOf(answer)), url)

describe('where a logout leads', () => {
  it.each([
    ['/who', '/who'],
    ['/who?a=b', '/who?a=b'],
    ['', '/'],
  ])('is a path of the application: %j', async (returnTo, expected) => {
    await start()
    await signIn()
    const { url: back } = await comeBack(await leave(`?${new URLSearchParams({ returnTo })}`))
    expect((await browser.send(back)).headers.location).toBe(url + expected)
  })

  it('is one of postLogoutUrls, compared exactly', async () => {
    await start()
    const lead = async (returnTo: string) => refreshOf(await leave(`?${new URLSearchParams({ returnTo })}`))
    expect(await lead(OTHER_SITE)).toBe(OTHER_SITE)
    for (const other of [
      `${OTHER_SITE}/`,
      `${OTHER_SITE}?a`,
      'https://www.example.com/',
      `${OTHER_SITE}@evil.example`,
    ]) {
      expect(await lead(other)).toBe(`${url}/`)
    }
  })

  it.each(['//evil.example', '/\\evil.example', 'https://evil.example', '/%2fevil.example', 'javascript:alert(1)'])(
    'is never elsewhere: %j',
    async (returnTo) => {
      await start()
      expect(refreshOf(await leave(`?${new URLSearchParams({ returnTo })}`))).toBe(`${url}/`)
      await signIn()
      const { url: back } = await comeBack(await leave(`?${new URLSearchParams({ returnTo })}`))
      expect((await browser.send(back)).headers.location).toBe(`${url}/`)
    },
  )

  it('may be named in a form', async () => {
    await start({ before: (app) => void app.use(express.urlencoded({ extended: true })) })
    expect(refreshOf(await leave('', { body: { returnTo: '/who' } }))).toBe(`${url}/who`)
    expect(refreshOf(await leave('?returnTo=/who', { body: 'returnTo[]=//evil.example' }))).toBe(`${url}/`)
  })

  it('is fixed by the route, whatever the query names', async () => {
    await start({
      routes(app) {
        app.post('/logout/fixed', logout({ returnTo: '/who' }))
        app.post('/logout/wrong', logout({ returnTo: 'https://elsewhere.example/' }))
      },
    })
    const fixed = await browser.send(`${url}/logout/fixed?returnTo=/profile`, { method: 'POST' })
    expect(refreshOf(fixed)).toBe(`${url}/who`)
    await signIn()
    expect((await browser.send(`${url}/logout/wrong`, { method: 'POST' })).status).toBe(500)
    expect(codesOf(bed.app)).toEqual(['ERR_CONFIGURATION'])
    expect(await whoIs(browser, url)).toBe('ada')
    expect(() => logout({ return_to: '/' } as LogoutOptions)).toThrow(
      configurationErrorSaying('did you mean returnTo?'),
    )
  })
})

describe('the return from the provider', () => {
  it('with the right state continues, once', async () => {
    await start()
    await signIn()
    const { url: back } = await comeBack(await leave('?returnTo=/who'))
    expect(new URL(back).searchParams.get('state')).toBeTruthy()
    const onward = await browser.send(back)
    expect(onward.headers.location).toBe(`${url}/who`)
    expect(onward.headers['cache-control']).toBe('no-store')
    expect((await browser.send(back)).status).toBe(200)
  })

  it('with another state, none, or in another browser is an ordinary visit', async () => {
    await start()
    await signIn()
    const { url: back } = await comeBack(await leave('?returnTo=/who'))
    const state = String(new URL(back).searchParams.get('state'))
    for (const query of [
      '',
      '?state=',
      '?state=x',
      `?state=${state}x`,
      `?state=${state.slice(1)}x`,
      `?STATE=${state}`,
    ]) {
      const answer = await browser.send(`${url}/${query}`)
      expect(answer.status).toBe(200)
      expect(answer.text).toBe('<p>home of anonymous</p>')
    }
    expect((await new UserAgent().send(back)).status).toBe(200)
    expect((await browser.send(`${url}/basket?state=${state}`)).status).toBe(200)
    expect((await browser.send(back)).headers.location).toBe(`${url}/who`)
  })

  it('after too long is an ordinary visit', async () => {
    await start()
    await signIn()
    const { url: back } = await comeBack(await leave('?returnTo=/who'))
    fakeDate()
    vi.setSystemTime(Date.now() + 601_000)
    expect((await browser.clone().send(back)).status).toBe(200)
    vi.useRealTimers()
    expect((await browser.send(back)).status).toBe(303)
  })

  it('leads to the next login, not back into the session', async () => {
    await start()
    await signIn()
    await browser.visit(`${url}/logout?returnTo=/`, { method: 'POST' })
    expect((await browser.send(`${url}/profile`)).headers.location).toBe('/login?returnTo=%2Fprofile')
    expect((await signIn()).json()).toMatchObject({ sub: 'ada' })
  })
})
