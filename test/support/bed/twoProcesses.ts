import { expect, it, onTestFinished } from 'vitest'
import { backchannelLogout, endSessions, logout, storeErrors } from '../../../src/index.js'
import { type Connected, markOf } from '../stores/connected.js'
import { type App, register, startApp, startLocalProvider } from './app.js'
import { UserAgent } from './userAgent.js'

const TOKEN_LIFETIME = 600

/** Declares the tests of two processes of an application that share their stores. */
export function twoProcesses(connect: () => Promise<Connected>): void {
  const waiting: (() => void)[] = []

  async function start() {
    const provider = await startLocalProvider({
      host: 'localhost',
      issueRefreshToken: 'always',
      ttl: { accessToken: TOKEN_LIFETIME },
      features: { backchannelLogout: { enabled: true } },
    } as never)
    const one = await startProcess(provider.issuer)
    const two = await startProcess(provider.issuer)
    await register(provider, one.app, {
      redirect_uris: [`${one.app.url}/callback`, `${two.app.url}/callback`],
      backchannel_logout_uri: `${two.app.url}/backchannel-logout`,
      backchannel_logout_session_required: true,
    })
    return { provider, one, two }
  }

  async function startProcess(issuer: string): Promise<{ app: App; stores: Connected }> {
    const stores = await connect()
    const app = await startApp(issuer, {
      store: stores.sessions,
      options: { store: stores.store },
      session: { cookie: { maxAge: 1_800_000 } },
      routes(routes) {
        routes.use(storeErrors())
        routes.post('/backchannel-logout', backchannelLogout())
        routes.post('/logout-everywhere', logout({ everywhere: true }))
        routes.post('/end', (req, res, next) => {
          endSessions(req, { subject: 'ada' }).then(() => res.sendStatus(204), next)
        })
        routes.get('/slow-save', async (req, res) => {
          await new Promise<void>((resolve) => waiting.push(resolve))
          Object.assign(req.session, { basket: ['book'] })
          res.json({ subject: req.auth.subject })
        })
      },
    })
    onTestFinished(async () => {
      await app.close()
      await stores.close()
    })
    return { app, stores }
  }

  async function signIn(app: App): Promise<UserAgent> {
    const browser = new UserAgent()
    expect((await browser.visit(`${app.url}/profile`)).status).toBe(200)
    return browser
  }

  const who = async (app: App, browser: UserAgent) => (await browser.fetch(`${app.url}/who`)).json().subject

  /** Starts a request that has read its session, runs `act`, and then lets the request write the session. */
  async function duringSlowSave(app: App, browser: UserAgent, act: () => Promise<unknown>): Promise<void> {
    const saving = browser.fetch(`${app.url}/slow-save`)
    await expect.poll(() => waiting.length).toBe(1)
    await act()
    waiting.shift()?.()
    expect((await saving).json()).toEqual({ subject: 'ada' })
  }

  it('share a session: signed in at one, recognized at the other, logged out at both', async () => {
    const { one, two } = await start()
    const browser = await signIn(one.app)
    expect(await who(two.app, browser)).toBe('ada')
    await browser.visit(`${two.app.url}/logout`, { method: 'POST' })
    expect(await who(one.app, browser)).toBeNull()
    expect(await who(two.app, browser)).toBeNull()
  })

  it('keep a logout at one, whatever a slow request at the other writes afterwards', async () => {
    const { one, two } = await start()
    const browser = await signIn(one.app)
    const slow = browser.clone()
    await duringSlowSave(two.app, slow, () => browser.fetch(`${one.app.url}/logout`, { method: 'POST' }))
    expect(await who(one.app, slow)).toBeNull()
    expect(await who(two.app, slow)).toBeNull()
  })

  it('keep the tokens that one refreshed, whatever a slow request at the other writes afterwards', async () => {
    const { one, two } = await start()
    const browser = await signIn(one.app)
    const token = async (app: App) => (await browser.fetch(`${app.url}/token`)).json().token
    const before = await token(one.app)
    await duringSlowSave(two.app, browser.clone(), async () => {
      const id = (await markOf(one.stores.sessions, browser, one.app.url)).id
      const stored = (await one.stores.store.get(`record:${id}`)) ?? ''
      const expired = stored.replace(/"accessTokenExpiresAt":[\d.]+/, '"accessTokenExpiresAt":1')
      expect(await one.stores.store.replace(`record:${id}`, stored, expired, 600)).toBe(true)
      expect(await token(one.app)).not.toBe(before)
    })
    const after = await token(one.app)
    expect(after).not.toBe(before)
    expect(await token(two.app)).toBe(after)
  })

  it('end a session by back-channel logout at the other, whatever a slow request writes afterwards', async () => {
    const { provider, one } = await start()
    const browser = await signIn(one.app)
    const other = await signIn(one.app)
    await duringSlowSave(one.app, browser.clone(), () => endAtProvider(provider, browser))
    expect(await who(one.app, browser)).toBeNull()
    expect(await who(one.app, other)).toBe('ada')
    expect(await who(one.app, await signIn(one.app))).toBe('ada')
  })

  it('end all sessions of a user, called by the user or by the application, but no later one', async () => {
    const { one, two } = await start()
    for (const path of ['/logout-everywhere', '/end']) {
      const [browser, other] = [await signIn(one.app), await signIn(two.app)]
      await duringSlowSave(two.app, other.clone(), () => browser.fetch(`${one.app.url}${path}`, { method: 'POST' }))
      expect(await who(one.app, browser)).toBeNull()
      expect(await who(two.app, other)).toBeNull()
      expect(await who(two.app, await signIn(one.app))).toBe('ada')
    }
  })
}

/** Ends the session at the provider, as its logout page or another application would. */
async function endAtProvider(
  { issuer }: Awaited<ReturnType<typeof startLocalProvider>>,
  browser: UserAgent,
): Promise<void> {
  const page = await browser.visit(`${issuer}/session/end`)
  const xsrf = /name="xsrf" value="([^"]+)"/.exec(page.text)?.[1] ?? ''
  await browser.visit(`${issuer}/session/end/confirm`, { method: 'POST', body: { xsrf, logout: 'yes' }, from: issuer })
}
