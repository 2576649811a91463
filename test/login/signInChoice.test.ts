import type { Express } from 'express'
import { beforeEach, describe, expect, it } from 'vitest'
import { deviceLogin, login, type SignInPageOptions, signInPage } from '../../src/index.js'
import { type App, startApp } from '../support/bed/app.js'
import { muteExpress } from '../support/bed/bed.js'
import { UserAgent } from '../support/bed/userAgent.js'

const one = (issuer: string) => ({ issuer, clientId: 'app', clientSecret: 'client secret' })
const TWO = { a: one('https://a.example'), b: one('https://b.example') }
const PAGE = { headers: { accept: 'text/html' } }

async function start(providers: Record<string, object>): Promise<App> {
  return startApp('https://unused.example', { options: { providers, provider: undefined } as object })
}

beforeEach(muteExpress)

describe('a login with several providers', () => {
  it('shows the sign-in page if none is chosen, and keeps where the user goes', async () => {
    const { url } = await start({
      google: { ...one('https://a.example'), displayName: 'Google <b>' },
      'corp & co': one('https://b.example'),
    })
    const answer = await new UserAgent().send(`${url}/login?returnTo=%2Freports%3Fa%3D1`, PAGE)
    expect(answer.status).toBe(200)
    expect(answer.headers['cache-control']).toContain('no-store')
    expect(answer.text).toContain('Google &lt;b&gt;')
    const links = [...answer.text.matchAll(/href="([^"]+provider=[^"]+)"/g)].map(([, href = '']) => href)
    expect(links.map((href) => href.replaceAll('&amp;', '&'))).toEqual([
      '/login?returnTo=%2Freports%3Fa%3D1&provider=google',
      '/login?returnTo=%2Freports%3Fa%3D1&provider=corp+%26+co',
    ])
  })

  it('does not link to another site, whatever the path of the request', async () => {
    const routes = (app: Express) => void app.get(/login$/, login())
    const { url } = await startApp('https://unused.example', {
      options: { providers: TWO, provider: undefined } as object,
      routes,
    })
    const { text } = await new UserAgent().send(`${url}//evil.example/login`, PAGE)
    expect(text).toContain('href="/login?provider=a"')
    expect(text).not.toContain('href="//')
  })

  it('leads from a guard to the sign-in page', async () => {
    const { url } = await start(TWO)
    const browser = new UserAgent()
    const refused = await browser.send(`${url}/profile`, PAGE)
    expect(refused.status).toBe(303)
    expect((await browser.send(new URL(String(refused.headers.location), url).href, PAGE)).status).toBe(200)
  })

  it('asks programs to choose', async () => {
    const { url, errors } = await start(TWO)
    const answer = await new UserAgent().send(`${url}/login`, { headers: { accept: 'application/json' } })
    expect(answer.status).toBe(400)
    expect(errors).toMatchObject([{ code: 'ERR_UNKNOWN_PROVIDER' }])
  })

  it('speaks the language of the browser', async () => {
    const { url } = await start(TWO)
    const headers = { accept: 'text/html', 'accept-language': 'de-CH, en;q=0.5' }
    expect((await new UserAgent().send(`${url}/login`, { headers })).text).toContain('lang="de"')
  })

  it('lists the provider that this browser used last first, whatever else the cookie holds', async () => {
    const { url } = await start(TWO)
    const titles = async (cookie: string) => {
      const { text } = await new UserAgent().send(`${url}/login`, { headers: { ...PAGE.headers, cookie } })
      expect(text).not.toContain('evil')
      return [...text.matchAll(/<span>Continue with (\w+)<\/span>(.*?)<\/a>/g)].map(([, name, badge]) => [
        name,
        badge !== '',
      ])
    }
    expect(await titles('rp.last=b')).toEqual([
      ['b', true],
      ['a', false],
    ])
    for (const cookie of ['other=b', 'rp.last=evil', 'rp.last=<evil>']) {
      expect(await titles(cookie)).toEqual([
        ['a', false],
        ['b', false],
      ])
    }
  })
})

describe('deviceLogin() with several providers', () => {
  it('shows the sign-in page if none is chosen, with links to itself', async () => {
    const { url, errors } = await startApp('https://unused.example', {
      options: { providers: TWO, provider: undefined } as object,
      routes: (app) => void app.all('/device', deviceLogin()),
    })
    const { status, text } = await new UserAgent().send(`${url}/device?returnTo=%2Freports`, PAGE)
    expect(status).toBe(200)
    expect(text).toContain('href="/device?returnTo=%2Freports&amp;provider=b"')
    const program = await new UserAgent().send(`${url}/device`, { headers: { accept: 'application/json' } })
    expect(program.status).toBe(400)
    expect(errors).toMatchObject([{ code: 'ERR_UNKNOWN_PROVIDER' }])
  })
})

describe('signInPage()', () => {
  const pageAt = (options?: SignInPageOptions) => (app: Express) => void app.get('/sign-in', signInPage(options))

  it('lists the providers with links to the login, which keep where the user goes', async () => {
    const { url } = await startApp('https://unused.example', {
      options: { providers: TWO, provider: undefined } as object,
      routes: pageAt(),
    })
    const { status, text } = await new UserAgent().send(`${url}/sign-in?returnTo=%2Freports`, PAGE)
    expect(status).toBe(200)
    expect(text).toContain('href="/login?returnTo=%2Freports&amp;provider=a"')
    expect(text).toContain('href="/login?returnTo=%2Freports&amp;provider=b"')
    const elsewhere = await new UserAgent().send(`${url}/sign-in?returnTo=https%3A%2F%2Fevil.example`, PAGE)
    expect(elsewhere.text).toContain('href="/login?returnTo=%2F&amp;provider=a"')
  })

  it('works with one provider, and with a destination of its own', async () => {
    const { url } = await startApp('https://unused.example', { routes: pageAt({ returnTo: '/welcome' }) })
    const { text } = await new UserAgent().send(`${url}/sign-in?returnTo=%2Freports`, PAGE)
    expect(text.match(/href="[^"]*returnTo=%2Fwelcome[^"]*"/g)).toHaveLength(1)
  })

  it('cannot list the providers of a function', async () => {
    const { url, errors } = await startApp('https://unused.example', {
      options: { provider: () => one('https://a.example') } as object,
      routes: pageAt(),
    })
    expect((await new UserAgent().send(`${url}/sign-in`, PAGE)).status).toBe(500)
    expect(errors).toMatchObject([{ code: 'ERR_CONFIGURATION' }])
  })
})
