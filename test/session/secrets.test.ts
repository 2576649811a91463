import { randomBytes } from 'node:crypto'
import type { SessionData } from 'express-session'
import { afterEach, describe, expect, it } from 'vitest'
import type { RelyingPartyError } from '../../src/index.js'
import { createSealer } from '../../src/lib/seal.js'
import { type App, type AppOptions, SECRET, startApp } from '../support/bed/app.js'
import { type Bed, startBed, useProvider } from '../support/bed/bed.js'
import { upToCallback, withParameters } from '../support/bed/callbackRequest.js'
import { authorizationRequest, codesOf, contentsOf, transactionCookies, whoIs } from '../support/bed/observed.js'
import { refreshOf, UserAgent } from '../support/bed/userAgent.js'
import { FaultyStore } from '../support/stores/faultyStore.js'

const { provider, browser } = useProvider()
let bed: Bed

describe('secrets that rotate', () => {
  const NEW = 'the new secret, also at least 32 characters'
  let later: App | undefined
  afterEach(() => later?.close())

  /** The same application, started again with other secrets: at another port, with the same sessions. */
  async function restart(store: FaultyStore, secret: AppOptions['options'] & object): Promise<App> {
    later = await startApp(bed.provider.issuer, { store, options: { baseUrl: bed.app.url, ...secret } })
    return later
  }

  it.each([
    ['opens logins and sessions of the old one while it is listed', [NEW, SECRET], true],
    ['opens none of a removed one', [NEW], false],
  ])('%s', async (_rule, secret, opens) => {
    const store = new FaultyStore()
    bed = await startBed({ store, at: provider })
    const callback = await upToCallback(browser, bed)
    const signedIn = new UserAgent()
    await signedIn.visit(`${bed.app.url}/profile`)

    const { url } = await restart(store, { secret })
    const answer = await browser.send(callback.url.replace(bed.app.url, url), callback.init)
    expect(answer.headers.location).toBe(opens ? `${bed.app.url}/profile` : undefined)
    if (!opens) {
      expect(((later as App).errors[0] as RelyingPartyError).hint).toContain(
        'was relyingParty.secret changed (also list the old one)',
      )
      expect(codesOf(later as App)).toEqual(['ERR_TRANSACTION_MISSING'])
    }
    expect((await signedIn.fetch(`${url}/token`)).status).toBe(opens ? 200 : 401)
  })

  it('seals with the first of them', async () => {
    const store = new FaultyStore()
    bed = await startBed({ store, at: provider })
    const { url } = await restart(store, { secret: [NEW, SECRET] })
    const state = String(authorizationRequest(await browser.send(`${url}/login`)).get('state'))
    expect(createSealer([NEW]).unseal('login-transaction', `${bed.app.url}/callback`, state)).toBeDefined()
    expect(createSealer([SECRET]).unseal('login-transaction', `${bed.app.url}/callback`, state)).toBeUndefined()
  })
})

/** Gives the sealed tokens of a token record, which stand after its fields. */
function sealedOf(record: string): string {
  return record.split('\n')[1] ?? expect.fail('nothing is sealed')
}

function withSealed(record: string, sealed: string): string {
  return record.replace(sealedOf(record), sealed)
}

describe('what is sealed for one purpose opens for no other', () => {
  const OURS = 'express-relying-party:'

  it('a login as the session: no one', async () => {
    bed = await startBed({ at: provider })
    const { url } = bed.app
    await browser.send(`${url}/login`)
    const [[, value] = ['', '']] = transactionCookies(browser, url)
    for (const cookie of [value, `s:${value}`, encodeURIComponent(`s:${OURS}record:x.${value}`)]) {
      browser.setCookie(url, 'connect.sid', cookie)
      expect(await whoIs(browser, url)).toBeNull()
    }
  })

  it('a login as the tokens of a session', async () => {
    const store = new FaultyStore()
    bed = await startBed({ store, at: provider })
    const { url } = bed.app
    await browser.visit(`${url}/profile`)
    await browser.send(`${url}/login`) // straight on, as someone is signed in
    const state = String(authorizationRequest(await new UserAgent().send(`${url}/login`)).get('state'))
    const [key, record] = await recordOf(store)
    expect((await browser.fetch(`${url}/token`)).status).toBe(200)
    await put(store, key, { ...record, value: withSealed(record.value, state) })
    const answer = await browser.fetch(`${url}/token`)
    expect(answer.status).toBe(401)
    expect(codesOf(bed.app)).toEqual(['ERR_SESSION_ENDED'])
  })

  it('the tokens of one session as those of another', async () => {
    const store = new FaultyStore()
    bed = await startBed({ store, at: provider })
    const { url } = bed.app
    await new UserAgent().visit(`${url}/profile`)
    const [, first] = await recordOf(store)
    store.clear()
    await browser.visit(`${url}/profile`)
    const [key, second] = await recordOf(store)
    await put(store, key, { ...second, value: withSealed(second.value, sealedOf(first.value)) })
    expect((await browser.fetch(`${url}/token`)).status).toBe(401)
    expect(codesOf(bed.app)).toEqual(['ERR_SESSION_ENDED'])
    await put(store, key, second)
    expect((await browser.fetch(`${url}/token`)).status).toBe(200)
  })

  it('the tokens of a session, or the cookie of one login, as another login', async () => {
    const store = new FaultyStore()
    bed = await startBed({ store, at: provider })
    const { url } = bed.app
    await new UserAgent().visit(`${url}/profile`)
    const [, record] = await recordOf(store)
    const callback = await upToCallback(browser, bed)
    const [[name, value] = ['', '']] = transactionCookies(browser, url)
    const stranger = new UserAgent()
    await stranger.send(`${url}/login`)
    const [[, another] = ['', '']] = transactionCookies(stranger, url)
    for (const forged of [
      sealedOf(record.value),
      another,
      randomBytes(100).toString('base64url'),
      'x',
      '',
      value.slice(0, -4),
    ]) {
      browser.setCookie(url, name, forged)
      expect((await browser.send(callback.url, callback.init)).status).toBe(400)
    }
    browser.setCookie(url, name, value)
    const sealed = withParameters(callback, { state: sealedOf(record.value) })
    expect((await browser.send(sealed.url, sealed.init)).status).toBe(400)
    expect(new Set(codesOf(bed.app))).toEqual(new Set(['ERR_TRANSACTION_MISSING']))
    expect((await browser.visit(callback.url, callback.init)).status).toBe(200)
  })

  it('the cookie of a logout and that of a login, one as the other', async () => {
    bed = await startBed({ at: provider })
    const { url } = bed.app
    await browser.visit(`${url}/profile`)
    const answer = await browser.send(`${url}/logout?returnTo=/who`, { method: 'POST' })
    const state = new URL(String(refreshOf(answer))).searchParams.get('state')
    const logout = String(browser.cookies(url).get('rp.logout'))
    await browser.send(`${url}/login`)
    const [[name, login] = ['', '']] = transactionCookies(browser, url)

    browser.setCookie(url, 'rp.logout', login)
    expect((await browser.send(`${url}/?state=${state}`)).status).toBe(200)
    browser.setCookie(url, name, logout)
    expect((await browser.send(`${url}/callback?state=${state}&code=x`)).status).toBe(400)
    codesOf(bed.app)
    browser.setCookie(url, 'rp.logout', logout)
    expect((await browser.send(`${url}/?state=${state}`)).headers.location).toBe(`${url}/who`)
  })

  type Record = { value: string }
  async function recordOf(store: FaultyStore): Promise<[string, Record]> {
    const all = Object.entries(await contentsOf(store)).filter(([key]) => key.startsWith(`${OURS}record:`))
    return all.at(-1) as unknown as [string, Record]
  }
  function put(store: FaultyStore, key: string, value: Record): Promise<void> {
    return new Promise((resolve) => store.set(key, value as unknown as SessionData, () => resolve()))
  }
})
