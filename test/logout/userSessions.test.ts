import type { Express, RequestHandler } from 'express'
import { MemoryStore } from 'express-session'
import { beforeEach, describe, expect, it } from 'vitest'
import {
  type EndSessionOptions,
  type EndSessionsOptions,
  endSession,
  endSessions,
  type ListSessionsOptions,
  listSessions,
  login,
  requireSameOrigin,
  type UserSession,
} from '../../src/index.js'
import { type AppOptions, CLIENT_SECRET, startApp } from '../support/bed/app.js'
import { muteExpress, type SpoiledBed, startBed } from '../support/bed/bed.js'
import { codesOf, contentsOf, whoIs } from '../support/bed/observed.js'
import { UserAgent } from '../support/bed/userAgent.js'
import { SpoiledProvider } from '../support/provider/spoiledProvider.js'
import { fakeDate, pass } from '../support/run/waiting.js'

beforeEach(muteExpress)

/** Answers with what a function resolves to, called with the query. */
function answering<T>(act: (req: Parameters<RequestHandler>[0], query: T) => Promise<unknown>): RequestHandler {
  return (req, res, next) => {
    const query = { ...req.query, ...(req.query.others ? { others: true } : {}) }
    act(req, query as T).then((answer) => res.json(answer ?? null), next)
  }
}

function routes(app: Express): void {
  app.get('/again', login({ prompt: 'login' }))
  app.get('/sessions', answering<ListSessionsOptions>(listSessions))
  app.post('/end-one', requireSameOrigin(), answering<EndSessionOptions>(endSession))
  app.post('/end', requireSameOrigin(), answering<EndSessionsOptions>(endSessions))
}

let bed: SpoiledBed

const start = async (settings: Omit<AppOptions, 'provider'> = {}) => {
  bed = await startBed({ routes, ...settings, spoil: {} })
}

async function signIn(sub = 'ada', headers: Record<string, string> = {}): Promise<UserAgent> {
  bed.provider.spoil = { claims: { sub } }
  const browser = new UserAgent()
  const { url, init } = await browser.visitUntil(`${bed.app.url}/login`, `${bed.app.url}/callback`)
  await browser.send(url, { ...init, headers })
  return browser
}

async function sessionsOf(browser: UserAgent, query = ''): Promise<UserSession[]> {
  return (await browser.fetch(`${bed.app.url}/sessions${query}`)).json<UserSession[]>()
}

async function post(browser: UserAgent, path: string): Promise<unknown> {
  const answer = await browser.fetch(bed.app.url + path, { method: 'POST' })
  return answer.status === 200 ? answer.json() : answer.status
}

const subjects = (...browsers: UserAgent[]) => Promise.all(browsers.map((one) => whoIs(one, bed.app.url)))

/** The id of the session of a browser. */
async function idOf(browser: UserAgent): Promise<string> {
  return (await sessionsOf(browser)).find(({ isCurrent }) => isCurrent)?.id ?? ''
}

describe('listSessions', () => {
  it('returns the sessions of the signed-in user, the latest first, and marks that of the request', async () => {
    fakeDate()
    await start()
    const now = Math.floor(Date.now() / 1000)
    const phone = await signIn('ada', { 'user-agent': 'Phone/1.0' })
    await signIn('grace')
    pass(60)
    const laptop = await signIn('ada', { 'user-agent': 'Laptop/1.0' })
    pass(60)
    const usual = { provider: 'default', id: expect.stringMatching(/^[\w-]{22}$/) as string }
    const week = 604_800
    const [first, second] = [
      { ...usual, openedAt: now + 60, endsAt: now + 60 + week, device: 'Laptop/1.0' },
      { ...usual, openedAt: now, endsAt: now + week, device: 'Phone/1.0' },
    ]
    expect(await sessionsOf(phone)).toEqual([
      { ...first, lastSeenAt: now + 60, isCurrent: false },
      { ...second, lastSeenAt: now + 120, isCurrent: true },
    ])
    expect(await sessionsOf(laptop)).toEqual([
      { ...first, lastSeenAt: now + 120, isCurrent: true },
      { ...second, lastSeenAt: now, isCurrent: false },
    ])
  })

  it('counts a refresh as a sign of use', async () => {
    fakeDate()
    await start()
    const [phone, laptop] = [await signIn(), await signIn()]
    pass(3601)
    const refreshedAt = Math.floor(Date.now() / 1000)
    expect((await phone.fetch(`${bed.app.url}/token`)).status).toBe(200)
    pass(60)
    const [other] = (await sessionsOf(laptop)).filter(({ isCurrent }) => !isCurrent)
    expect(other?.lastSeenAt).toBe(refreshedAt)
  })

  it.each([
    ['control characters', 'a\u0007b\tc\u007fd', 'a b c d'],
    ['bytes beyond ASCII', 'caf\u00e9', 'caf'],
    ['no header', '', undefined],
    ['more than 200 characters', `${'x'.repeat(300)}`, 'x'.repeat(200)],
  ])('describes the device by printable text of bounded length: %s', async (_, sent, shown) => {
    await start({
      before: (app) =>
        void app.use((req, _res, next) => {
          // Node's own client refuses to send some of them.
          req.headers['user-agent'] = sent
          next()
        }),
    })
    const [session] = await sessionsOf(await signIn())
    expect(session?.device).toBe(shown)
  })

  it('returns those of any user to the application, and of none to no one', async () => {
    await start()
    const [, grace] = [await signIn('ada'), await signIn('grace')]
    expect(await sessionsOf(new UserAgent(), '?subject=ada')).toMatchObject([{ isCurrent: false }])
    expect(await sessionsOf(grace, '?subject=alan')).toEqual([])
    expect((await new UserAgent().fetch(`${bed.app.url}/sessions`)).status).toBe(401)
    expect(codesOf(bed.app)).toEqual(['ERR_AUTHENTICATION_REQUIRED'])
  })

  it('keeps the users of different providers apart, even with the same subject', async () => {
    const other = await SpoiledProvider.start()
    bed = await startBed({ spoil: {} })
    const registration = { clientId: 'app', clientSecret: CLIENT_SECRET, scope: 'openid' }
    const providers = {
      one: { ...registration, issuer: bed.provider.issuer },
      two: { ...registration, issuer: other.issuer },
    }
    const app = await startApp('', { routes, options: { providers } })
    const [one, two] = [new UserAgent(), new UserAgent()]
    await one.visit(`${app.url}/login?provider=one`)
    await two.visit(`${app.url}/login?provider=two`)
    bed = { ...bed, app }
    expect(await sessionsOf(one)).toMatchObject([{ provider: 'one', isCurrent: true }])
    expect(await sessionsOf(one, '?subject=ada&provider=two')).toMatchObject([{ provider: 'two', isCurrent: false }])
    expect((await one.fetch(`${app.url}/sessions?subject=ada`)).status).toBe(400)
    expect(codesOf(app)).toEqual(['ERR_UNKNOWN_PROVIDER'])
    expect(await post(one, `/end-one?id=${await idOf(two)}`)).toBe(false)
    expect(await subjects(one, two)).toEqual(['ada', 'ada'])
  })

  it('shows nothing that opens a session', async () => {
    await start()
    const browser = await signIn()
    const [session] = await sessionsOf(browser)
    const stored = Object.keys(await contentsOf(bed.app.store))
    const recordId = stored.find((key) => key.includes(':record:'))?.split('.')[1] ?? ''
    expect(recordId).toHaveLength(43)
    expect(JSON.stringify(session)).not.toContain(recordId.slice(0, 8))
    for (const [, value] of browser.cookies(bed.app.url)) expect(JSON.stringify(session)).not.toContain(value)
  })
})

describe('endSession', () => {
  it('ends one session of the signed-in user, and leaves the others', async () => {
    await start()
    const [phone, laptop] = [await signIn(), await signIn()]
    const id = await idOf(phone)
    expect(await post(laptop, `/end-one?id=${id}`)).toBe(true)
    expect(await subjects(phone, laptop)).toEqual([null, 'ada'])
    expect((await phone.fetch(`${bed.app.url}/token`)).status).toBe(401)
    expect(bed.app.events).toContainEqual(
      expect.objectContaining({ type: 'session.ended', provider: 'default', subject: 'ada', reason: 'ended' }),
    )
    expect(await post(laptop, `/end-one?id=${id}`)).toBe(false)
  })

  it('revokes the refresh token of that session only', async () => {
    const { app } = await startBed({ routes, local: { issueRefreshToken: 'always' } })
    const [phone, laptop] = [new UserAgent(), new UserAgent()]
    for (const browser of [phone, laptop]) await browser.visit(`${app.url}/login`)
    const id = (await phone.fetch(`${app.url}/sessions`)).json<UserSession[]>().find((one) => one.isCurrent)?.id
    await laptop.fetch(`${app.url}/end-one?id=${id}`, { method: 'POST' })
    expect(app.events.filter(({ type }) => type === 'token.revoked')).toMatchObject([{ subject: 'ada' }])
    expect(await whoIs(phone, app.url)).toBe(null)
    expect((await laptop.fetch(`${app.url}/token`)).status).toBe(200)
  })

  it("has no effect on another user's session, however its id was learned", async () => {
    await start()
    const [ada, grace] = [await signIn('ada'), await signIn('grace')]
    const id = await idOf(ada)
    expect(await post(grace, `/end-one?id=${id}`)).toBe(false)
    expect(await post(grace, `/end-one?id=${id}&subject=grace`)).toBe(false)
    expect(await subjects(ada, grace)).toEqual(['ada', 'grace'])
    expect(await post(ada, `/end-one?id=${id}`)).toBe(true)
    expect(await subjects(ada, grace)).toEqual([null, 'grace'])
  })

  it('ends any session for the application, by subject and id', async () => {
    await start()
    const [ada, admin] = [await signIn('ada'), await signIn('grace')]
    expect(await post(admin, `/end-one?subject=ada&id=${await idOf(ada)}`)).toBe(true)
    expect(await subjects(ada, admin)).toEqual([null, 'grace'])
  })

  it.each(['x', 'x'.repeat(10_000), '__proto__', '../../record', '%00'])('finds no session %s', async (id) => {
    await start()
    const ada = await signIn()
    expect(await post(ada, `/end-one?id=${id}`)).toBe(false)
    expect(await subjects(ada)).toEqual(['ada'])
    expect(await post(ada, `/end-one?id=${await idOf(ada)}`)).toBe(true)
  })

  it.each([
    ['no id', '/end-one', 500, 'ERR_CONFIGURATION'],
    ['an id that is a list', '/end-one?id=a&id=b', 500, 'ERR_CONFIGURATION'],
    ['a provider without a subject', '/end-one?id=a&provider=default', 500, 'ERR_CONFIGURATION'],
    ['another option', '/end-one?id=a&sub=ada', 500, 'ERR_CONFIGURATION'],
  ])('refuses %s', async (_, path, status, code) => {
    await start()
    const ada = await signIn()
    expect(await post(ada, path)).toBe(status)
    expect(codesOf(bed.app)).toEqual([code])
    expect(await subjects(ada)).toEqual(['ada'])
  })

  it('ends a session that is being used and refreshed, so that nothing brings it back', async () => {
    fakeDate()
    await start()
    const [phone, laptop] = [await signIn(), await signIn()]
    const id = await idOf(phone)
    pass(3601)
    await Promise.all([
      ...Array.from({ length: 5 }, () => phone.clone().fetch(`${bed.app.url}/token`)),
      post(laptop, `/end-one?id=${id}`),
    ])
    expect(await subjects(phone, laptop)).toEqual([null, 'ada'])
    expect(await sessionsOf(laptop)).toHaveLength(1)
  })
})

describe('endSessions', () => {
  it('with others ends all sessions of the user but that of the request, which goes on', async () => {
    fakeDate()
    const stores = { store: new MemoryStore() }
    await start(stores)
    const [phone, laptop, tablet] = [await signIn(), await signIn(), await signIn()]
    const grace = await signIn('grace')
    bed.provider.spoil = {}
    expect(await post(laptop, '/end?others=true')).toBe(null)
    expect(await subjects(phone, laptop, tablet, grace)).toEqual([null, 'ada', null, 'grace'])
    expect(bed.app.events).toContainEqual(
      expect.objectContaining({ type: 'sessions.ended', subject: 'ada', reason: 'others' }),
    )
    expect(await sessionsOf(laptop)).toHaveLength(1)
    pass(3601)
    expect((await laptop.fetch(`${bed.app.url}/token`)).status).toBe(200)
    const again = await signIn()
    expect(await post(again, '/end?others=true')).toBe(null)
    expect(await subjects(laptop, again)).toEqual([null, 'ada'])
  })

  it.each([
    ['others of another user', '/end?others=true&subject=grace', 500],
    ['others at another provider', '/end?others=true&provider=default', 500],
    ['neither a subject nor others', '/end', 500],
  ])('refuses %s', async (_, path, status) => {
    await start()
    const [ada, grace] = [await signIn(), await signIn('grace')]
    expect(await post(ada, path)).toBe(status)
    expect(codesOf(bed.app)).toEqual(['ERR_CONFIGURATION'])
    expect(await subjects(ada, grace)).toEqual(['ada', 'grace'])
  })

  it('with others needs a signed-in user', async () => {
    await start()
    const ada = await signIn()
    expect(await post(new UserAgent(), '/end?others=true')).toBe(401)
    expect(await subjects(ada)).toEqual(['ada'])
  })

  it('with a subject that is undefined never stands for the caller', async () => {
    const undefinedSubject = answering((req) => endSessions(req, { subject: undefined } as never))
    const undefinedOwner = answering((req) => endSession(req, { id: 'x', subject: undefined } as never))
    const undefinedList = answering((req) => listSessions(req, { subject: undefined } as never))
    await start({
      routes(app) {
        app.post('/one', undefinedSubject)
        app.post('/two', undefinedOwner)
        app.post('/three', undefinedList)
      },
    })
    const ada = await signIn()
    for (const path of ['/one', '/two', '/three']) expect(await post(ada, path)).toBe(500)
    expect(codesOf(bed.app)).toEqual(['ERR_CONFIGURATION', 'ERR_CONFIGURATION', 'ERR_CONFIGURATION'])
    expect(await subjects(ada)).toEqual(['ada'])
  })
})

describe('session.maxPerSubject', () => {
  const limited = { options: { session: { maxPerSubject: 2 } } }

  it('ends the oldest session when a user signs in on another device', async () => {
    await start(limited)
    const [phone, laptop] = [await signIn(), await signIn()]
    expect(await subjects(phone, laptop)).toEqual(['ada', 'ada'])
    const tablet = await signIn()
    expect(await subjects(phone, laptop, tablet)).toEqual([null, 'ada', 'ada'])
    const ended = bed.app.events.filter(({ type }) => type === 'session.ended')
    expect(ended).toMatchObject([{ provider: 'default', subject: 'ada', reason: 'limit' }])
  })

  it('leaves other devices alone when a user signs in again in the same browser', async () => {
    await start(limited)
    const [phone, laptop] = [await signIn(), await signIn()]
    for (let i = 0; i < 3; i++) await laptop.visit(`${bed.app.url}/again`)
    expect(await subjects(phone, laptop)).toEqual(['ada', 'ada'])
    const reasons = bed.app.events.flatMap((event) => (event.type === 'session.ended' ? [event.reason] : []))
    expect(reasons).toEqual(['replaced', 'replaced', 'replaced'])
  })

  it.each([0, 1001, 'many'])('refuses %s', async (maxPerSubject) => {
    await expect(start({ options: { session: { maxPerSubject: maxPerSubject as number } } })).rejects.toMatchObject({
      code: 'ERR_CONFIGURATION',
    })
  })
})
