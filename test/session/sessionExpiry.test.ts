import rateLimit from 'express-rate-limit'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { addPasswordGrant } from '../../examples/provider/password-grant.js'
import { demoUsers } from '../../examples/provider/users.js'
import { deviceLogin, passwordLogin, userInfoRoute } from '../../src/index.js'
import { type AppOptions, register, startApp, startLocalProvider } from '../support/bed/app.js'
import { type SpoiledBed, startBed } from '../support/bed/bed.js'
import { expectAccepted, expectRejected, rejects } from '../support/bed/conformance.js'
import { answerDevice, type ShownCode } from '../support/bed/device.js'
import { expectSignedIn, startFrontChannel } from '../support/bed/frontChannel.js'
import { whoIs } from '../support/bed/observed.js'
import { type Answer, UserAgent } from '../support/bed/userAgent.js'
import type { Spoil } from '../support/provider/spoil.js'
import { fakeDate, pass } from '../support/run/waiting.js'

const HOUR = 3600
const DAY = 24 * HOUR

const now = () => Math.floor(Date.now() / 1000)

/** ID tokens whose session expires in so many seconds, and access tokens of ten minutes. */
const expiring = (seconds: number): Spoil => ({
  claims: () => ({ session_expiry: now() + seconds }),
  tokens: { expires_in: 600 },
})

const ROLLING: AppOptions['session'] = { rolling: true, cookie: { maxAge: 8 * HOUR * 1000 } }

let bed: SpoiledBed

async function signedIn(spoil: Spoil, settings: AppOptions = {}): Promise<UserAgent> {
  bed = await startBed({ ...settings, spoil })
  return expectAccepted(bed)
}

/** Lets time pass in steps that keep an idle session alive, and refreshes at each. */
async function stayActive(browser: UserAgent, seconds: number, step = 300): Promise<void> {
  for (let passed = 0; passed < seconds; passed += step) {
    pass(Math.min(step, seconds - passed))
    await browser.fetch(`${bed.app.url}/profile`)
  }
}

/** When the session's cookie of an answer expires. In seconds from now. */
function cookieLeft({ headers }: Answer): number | undefined {
  const line = headers['set-cookie']?.find((one) => one.startsWith('connect.sid='))
  const expires = /; Expires=([^;]+)/.exec(line ?? '')?.[1]
  return expires === undefined ? undefined : Date.parse(expires) / 1000 - now()
}

beforeEach(fakeDate)

describe('session_expiry', () => {
  it('ends the session, however active it is; without it, the same session goes on', async () => {
    const control = await signedIn({ tokens: { expires_in: 600 } })
    await stayActive(control, HOUR)
    expect(await whoIs(control, bed.app.url)).toBe('ada')

    const browser = await signedIn({
      ...expiring(HOUR),
      claims: ({ nonce }) => (nonce === undefined ? {} : { session_expiry: now() + HOUR }),
    })
    await stayActive(browser, HOUR - 1)
    expect(await whoIs(browser, bed.app.url)).toBe('ada')
    pass(1)
    expect(await whoIs(browser, bed.app.url)).toBe(null)
    const refreshes = bed.provider.requests('token').length
    expect((await browser.fetch(`${bed.app.url}/token`)).status).toBe(401)
    expect(bed.provider.requests('token')).toHaveLength(refreshes)
  })

  it('never prolongs a session beyond its absolute lifetime', async () => {
    const browser = await signedIn(expiring(DAY), { options: { session: { absoluteLifetime: HOUR } } })
    await stayActive(browser, HOUR - 1)
    expect(await whoIs(browser, bed.app.url)).toBe('ada')
    pass(1)
    expect(await whoIs(browser, bed.app.url)).toBe(null)
  })

  it('limits the cookie of the session, at the login and at every request', async () => {
    const browser = await signedIn(expiring(HOUR), { session: ROLLING })
    expect(cookieLeft(await browser.fetch(`${bed.app.url}/who`))).toBe(HOUR)
    bed.provider.spoil = {}
    await stayActive(browser, HOUR / 2)
    expect(cookieLeft(await browser.fetch(`${bed.app.url}/who`))).toBe(HOUR / 2)
    const control = await signedIn({}, { session: ROLLING })
    expect(cookieLeft(await control.fetch(`${bed.app.url}/who`))).toBe(8 * HOUR)
  })

  it('is what userInfoRoute() tells the scripts of a page, in place of the claim', async () => {
    const browser = await signedIn(expiring(HOUR), { routes: (app) => void app.get('/user', userInfoRoute()) })
    const user = (await browser.fetch(`${bed.app.url}/user`)).json<{ sessionEndsAt: number; claims: object }>()
    expect(user.sessionEndsAt).toBe(now() + HOUR)
    expect(user.claims).not.toHaveProperty('session_expiry')
  })
})

describe('a session that has expired before its login', () => {
  it('is refused, and nothing is stored', async () => {
    bed = await startBed({ spoil: expiring(-31) })
    const { error } = await expectRejected(bed, 'ERR_ID_TOKEN_INVALID')
    expect(error).toMatchObject({ status: 400, cause: { claim: 'session_expiry', actual: now() - 31 } })
    bed.provider.spoil = expiring(60)
    await expectAccepted(bed)
  })

  it('is refused before onLogin is called', async () => {
    let calls = 0
    const onLogin = () => void calls++
    bed = await startBed({ spoil: expiring(-31), options: { onLogin } })
    await expectRejected(bed, 'ERR_ID_TOKEN_INVALID')
    expect(calls).toBe(0)
    bed.provider.spoil = expiring(60)
    await expectAccepted(bed)
    expect(calls).toBe(1)
  })

  it('by less than the clocks may differ lasts until they no longer may', async () => {
    const browser = await signedIn(expiring(-10))
    pass(19)
    expect(await whoIs(browser, bed.app.url)).toBe('ada')
    pass(1)
    expect(await whoIs(browser, bed.app.url)).toBe(null)
  })
})

describe('a session_expiry that is no whole number of seconds', () => {
  for (const value of [
    '"4102444800"',
    '4102444800.5',
    '4102444800000',
    '-1',
    '0',
    'null',
    'true',
    '[]',
    '{}',
    '1e400',
  ]) {
    const payload = (usual: string) => `{"session_expiry":${value},${usual.slice(1)}`
    rejects(`${value}`, { payload }, 'ERR_ID_TOKEN_INVALID')
  }
})

describe('a refreshed ID token', () => {
  /** Requests the access token after it has expired. */
  async function refresh(browser: UserAgent): Promise<Answer> {
    pass(601)
    return browser.fetch(`${bed.app.url}/token`)
  }

  it('with an earlier session_expiry ends the session earlier', async () => {
    const browser = await signedIn(expiring(8 * HOUR), { session: ROLLING })
    bed.provider.spoil = expiring(60)
    const refreshed = await refresh(browser)
    expect(refreshed.status).toBe(200)
    expect(cookieLeft(refreshed)).toBe(60)
    pass(59)
    expect(await whoIs(browser, bed.app.url)).toBe('ada')
    pass(1)
    expect(await whoIs(browser, bed.app.url)).toBe(null)
  })

  it('with a session_expiry ends a session that had none', async () => {
    const browser = await signedIn({ tokens: { expires_in: 600 } })
    bed.provider.spoil = expiring(60)
    expect((await refresh(browser)).status).toBe(200)
    pass(60)
    expect(await whoIs(browser, bed.app.url)).toBe(null)
  })

  it('with a later session_expiry prolongs the session, up to its absolute lifetime', async () => {
    const browser = await signedIn(expiring(1200), { options: { session: { absoluteLifetime: HOUR } } })
    await stayActive(browser, HOUR - 1)
    expect(await whoIs(browser, bed.app.url)).toBe('ada')
    expect(bed.provider.requests('token').length).toBeGreaterThan(3)
    pass(1)
    expect(await whoIs(browser, bed.app.url)).toBe(null)
  })

  it('with a later session_expiry gives the session its idle lifetime back', async () => {
    const browser = await signedIn(expiring(620), { session: ROLLING })
    bed.provider.spoil = expiring(DAY)
    const refreshed = await refresh(browser)
    expect(refreshed.status).toBe(200)
    expect(cookieLeft(await browser.fetch(`${bed.app.url}/who`))).toBe(8 * HOUR)
    pass(7 * HOUR)
    expect(await whoIs(browser, bed.app.url)).toBe('ada')
    pass(8 * HOUR + 1)
    expect(await whoIs(browser, bed.app.url)).toBe(null)
  })

  it('without a session_expiry leaves the end as it is', async () => {
    const browser = await signedIn(expiring(HOUR))
    bed.provider.spoil = { tokens: { expires_in: 600 } }
    expect((await refresh(browser)).status).toBe(200)
    pass(HOUR - 602)
    expect(await whoIs(browser, bed.app.url)).toBe('ada')
    pass(1)
    expect(await whoIs(browser, bed.app.url)).toBe(null)
  })

  it('whose session_expiry has passed ends the session at once', async () => {
    const browser = await signedIn(expiring(HOUR))
    bed.provider.spoil = expiring(-1)
    expect((await refresh(browser)).status).toBe(401)
    expect(await whoIs(browser, bed.app.url)).toBe(null)
    const ended = { type: 'session.ended', reason: 'refresh_refused' }
    expect(bed.app.events).toContainEqual(expect.objectContaining(ended))
  })

  it('whose session_expiry is malformed is refused, and the session stays as it was', async () => {
    const browser = await signedIn(expiring(HOUR))
    bed.provider.spoil = { claims: { session_expiry: String(now() + DAY) }, tokens: { expires_in: 600 } }
    expect((await refresh(browser)).status).toBe(400)
    expect(bed.app.errors).toMatchObject([{ code: 'ERR_ID_TOKEN_INVALID' }])
    pass(HOUR - 602)
    expect(await whoIs(browser, bed.app.url)).toBe('ada')
    pass(1)
    expect(await whoIs(browser, bed.app.url)).toBe(null)
  })
})

describe('the session_expiry of other flows', () => {
  it.each([
    ['only the one of the browser', HOUR, undefined],
    ['the earlier one of the browser', HOUR, 2 * HOUR],
    ['the earlier one of the token endpoint', 2 * HOUR, HOUR],
  ])('counts in the hybrid flow: %s', async (_, front, back) => {
    const issued = now()
    const flow = await startFrontChannel('code id_token', {
      provider: { scope: 'openid profile reports:read' },
      options: { http: { fetch: resigning(() => ({ session_expiry: back && issued + back })) } },
    })
    const browser = new UserAgent()
    const resigned: Resigned = { resign: undefined }
    current = resigned
    await expectSignedIn(
      flow.signIn(async (response, resign) => {
        resigned.resign = resign
        return { ...response, id_token: await resign(response.id_token, { session_expiry: issued + front }) }
      }, browser),
    )
    pass(HOUR - 1)
    expect(await whoIs(browser, flow.app.url)).toBe('ada')
    pass(1)
    expect(await whoIs(browser, flow.app.url)).toBe(null)
  })

  it('counts in the implicit flow', async () => {
    const flow = await startFrontChannel('id_token')
    const browser = new UserAgent()
    const issued = now()
    await expectSignedIn(
      flow.signIn(
        async (r, resign) => ({ ...r, id_token: await resign(r.id_token, { session_expiry: issued + HOUR }) }),
        browser,
      ),
    )
    pass(HOUR)
    expect(await whoIs(browser, flow.app.url)).toBe(null)
  })

  it('counts in a login by password', async () => {
    const app = await startDirect()
    const browser = new UserAgent()
    const body = { username: 'ada', password: 'correct horse battery staple' }
    await browser.send(`${app.url}/password-login`, { method: 'POST', body, from: app.url })
    pass(HOUR - 1)
    expect(await whoIs(browser, app.url)).toBe('ada')
    pass(1)
    expect(await whoIs(browser, app.url)).toBe(null)
  })

  it('counts in a login of a device', async () => {
    const app = await startDirect()
    const browser = new UserAgent()
    const look = () => browser.fetch(`${app.url}/device`)
    await answerDevice((await look()).json<ShownCode>())
    pass(6)
    expect((await look()).json()).toMatchObject({ status: 'signed_in' })
    pass(HOUR - 7)
    expect(await whoIs(browser, app.url)).toBe('ada')
    pass(1)
    expect(await whoIs(browser, app.url)).toBe(null)
  })

  it('refuses a device that takes its tokens after the session has expired', async () => {
    const app = await startDirect()
    const browser = new UserAgent()
    await answerDevice((await browser.fetch(`${app.url}/device`)).json<ShownCode>())
    pass(6)
    const events = await browser.clone().fetch(`${app.url}/device`, { headers: { accept: 'text/event-stream' } })
    expect(events.text).toContain('approved')
    pass(HOUR + 30)
    expect((await browser.fetch(`${app.url}/device`)).status).toBe(400)
    expect(app.errors).toMatchObject([{ code: 'ERR_ID_TOKEN_INVALID', cause: { claim: 'session_expiry' } }])
    expect(await whoIs(browser, app.url)).toBe(null)
  })
})

interface Resigned {
  resign: ((idToken: string | undefined, changes: Readonly<Record<string, unknown>>) => Promise<string>) | undefined
}

let current: Resigned = { resign: undefined }

/** Changes the claims of the ID tokens that the token endpoint issues. */
function resigning(changes: () => Record<string, unknown>): typeof fetch {
  return async (url, init) => {
    const response = await fetch(url, init)
    if (!String(url).endsWith('/token') || !current.resign) return response
    const answer = (await response.json()) as { id_token: string }
    return Response.json({ ...answer, id_token: await current.resign(answer.id_token, changes()) })
  }
}

/** Starts an application with logins by password and device, at a provider whose sessions last an hour. */
async function startDirect() {
  const ada: Record<string, unknown> = demoUsers[0]?.claims ?? {}
  ada.session_expiry = now() + HOUR
  onTestFinished(() => void delete ada.session_expiry)
  const provider = await startLocalProvider({
    features: { deviceFlow: { enabled: true } },
    configuration: { claims: { openid: ['sub', 'session_expiry'] } },
    ttl: { deviceCode: 2 * HOUR },
  } as never)
  addPasswordGrant(provider, { ada: 'correct horse battery staple' })
  const app = await startApp(provider.issuer, {
    routes(routes) {
      routes.all('/device', deviceLogin())
      routes.post('/password-login', passwordLogin({ allowPasswordGrant: true, rateLimit: rateLimit({ limit: 5 }) }))
    },
  })
  const grants = ['authorization_code', 'refresh_token', 'password', 'urn:ietf:params:oauth:grant-type:device_code']
  await register(provider, app, { grant_types: grants })
  return app
}
