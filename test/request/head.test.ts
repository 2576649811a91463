import type { Express } from 'express'
import { beforeEach, describe, expect, it } from 'vitest'
import { login, logout } from '../../src/index.js'
import { type Bed, muteExpress, startBed, useProvider } from '../support/bed/bed.js'
import { upToCallback } from '../support/bed/callbackRequest.js'
import { codesOf, contentsOf, transactionCookies, whoIs } from '../support/bed/observed.js'
import { UserAgent } from '../support/bed/userAgent.js'

const { provider } = useProvider()
let bed: Bed
let browser: UserAgent
let url: string

beforeEach(async () => {
  muteExpress()
  browser = new UserAgent()
  const routes = (app: Express) => {
    app.all('/any/login', login())
    app.all('/any/logout', logout())
  }
  bed = await startBed({ routes, at: provider })
  url = bed.app.url
})

const ask = (path: string, method = 'HEAD') => browser.send(url + path, { method })

describe('HEAD on a guarded route', () => {
  it('is answered like GET for anonymous users, and stores nothing', async () => {
    const [head, get] = [await ask('/profile?tab=1'), await ask('/profile?tab=1', 'GET')]
    expect(head.status).toBe(303)
    expect(head.headers.location).toBe('/login?returnTo=%2Fprofile%3Ftab%3D1')
    expect(head.headers.location).toBe(get.headers.location)
    expect(head.headers['set-cookie']).toBeUndefined()
    expect(await contentsOf(bed.app.store)).toEqual({})
  })

  it('is answered with 401 for scripts, like GET', async () => {
    const [head, get] = [
      await browser.fetch(`${url}/profile`, { method: 'HEAD' }),
      await browser.fetch(`${url}/profile`),
    ]
    expect([head.status, head.text]).toEqual([401, ''])
    expect(get.status).toBe(401)
    expect(head.headers['content-length']).toBe(get.headers['content-length'])
  })

  it('is answered with the headers of GET for signed-in users, without a body', async () => {
    await browser.visit(`${url}/profile`)
    const [head, get] = [await ask('/profile'), await ask('/profile', 'GET')]
    expect([head.status, head.text]).toEqual([200, ''])
    expect(get.json()).toMatchObject({ sub: 'ada' })
    for (const name of ['content-type', 'content-length', 'etag']) expect(head.headers[name]).toBe(get.headers[name])
  })
})

describe('HEAD', () => {
  it.each(['/login', '/any/login'])('on %s does not start a login', async (path) => {
    const head = await ask(path)
    expect([head.status, head.headers['cache-control'], head.headers.location]).toEqual([200, 'no-store', undefined])
    expect(transactionCookies(browser, url)).toEqual([])
    expect(bed.app.events).toEqual([])
    await ask(path, 'GET')
    expect(transactionCookies(browser, url)).toHaveLength(1)
    await ask(path)
    expect(transactionCookies(browser, url)).toHaveLength(1)
  })

  it('on the callback does not consume the response', async () => {
    const callback = await upToCallback(browser, bed)
    const head = await browser.send(callback.url, { ...callback.init, method: 'HEAD' })
    expect([head.status, head.headers.allow]).toEqual([405, 'GET, POST'])
    expect(head.headers['set-cookie']).toBeUndefined()
    expect(codesOf(bed.app)).toEqual(['ERR_AUTHORIZATION_RESPONSE_INVALID'])
    expect(await contentsOf(bed.app.store)).toEqual({})
    expect((await browser.send(callback.url, callback.init)).headers.location).toBe(`${url}/profile`)
    expect(await whoIs(browser, url)).toBe('ada')
  })

  it('on the logout does not sign anyone out, even if the route accepts every method', async () => {
    await browser.visit(`${url}/profile`)
    for (const method of ['HEAD', 'OPTIONS']) {
      const answer = await ask('/any/logout', method)
      expect([answer.status, answer.headers['set-cookie']]).toEqual([200, undefined])
      expect(await whoIs(browser, url)).toBe('ada')
    }
    expect((await ask('/logout')).status).toBe(404)
    expect(await whoIs(browser, url)).toBe('ada')
    const twin = browser.clone()
    expect((await ask('/any/logout', 'GET')).status).toBe(303)
    expect(await whoIs(twin, url)).toBeNull()
  })

  it('on the return from a logout leaves the redirect to GET', async () => {
    await browser.visit(`${url}/profile`)
    const back = await browser.visitUntil(`${url}/logout?returnTo=/who`, `${url}/?`, { method: 'POST' })
    expect((await browser.send(back.url, { method: 'HEAD' })).status).toBe(200)
    expect((await browser.send(back.url)).headers.location).toBe(`${url}/who`)
  })
})
