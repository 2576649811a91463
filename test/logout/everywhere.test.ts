import type { Express } from 'express'
import { MemoryStore } from 'express-session'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { endSessions, logout, requireSameOrigin } from '../../src/index.js'
import { type AppOptions, CLIENT_SECRET, startApp } from '../support/bed/app.js'
import { muteExpress, type SpoiledBed, startBed } from '../support/bed/bed.js'
import { expectAccepted } from '../support/bed/conformance.js'
import { codesOf } from '../support/bed/observed.js'
import { UserAgent } from '../support/bed/userAgent.js'
import { signInAs, subjectIn } from '../support/provider/logoutTokens.js'
import { SpoiledProvider } from '../support/provider/spoiledProvider.js'
import { MemoryAuthStore } from '../support/stores/memoryAuthStore.js'

beforeEach(muteExpress)

function routes(app: Express): void {
  app.post('/logout-everywhere', logout({ everywhere: true }))
  app.post('/end', requireSameOrigin(), (req, res, next) => {
    const { subject, provider } = req.query as Record<string, string>
    endSessions(req, { subject, ...(provider ? { provider } : {}) } as { subject: string }).then(
      () => res.sendStatus(204),
      next,
    )
  })
}

const start = (app: Omit<AppOptions, 'provider'> = {}) => startBed({ routes, ...app, spoil: {} })
const post = (bed: Pick<SpoiledBed, 'app'>, path: string, browser = new UserAgent(), headers = {}) =>
  browser.fetch(bed.app.url + path, { method: 'POST', headers })

/** Starts another process of the same application, with the same stores. */
async function startAnother({ provider }: SpoiledBed, settings: AppOptions): Promise<SpoiledBed> {
  const app = await startApp(provider.issuer, { routes, ...settings })
  return { app, provider }
}

describe('a logout everywhere', () => {
  it.each([
    ['by its Sec-Fetch-Site', { 'sec-fetch-site': 'cross-site' }],
    ['of the same site', { 'sec-fetch-site': 'same-site' }],
    ['by its Origin', { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }],
  ])('that another origin requests is refused, and ends nothing: recognized %s', async (_, headers) => {
    const bed = await start()
    const [browser, other] = [await expectAccepted(bed), await expectAccepted(bed)]
    expect((await post(bed, '/logout-everywhere', browser, headers)).status).toBe(403)
    expect(codesOf(bed.app)).toEqual(['ERR_CROSS_SITE_REQUEST'])
    expect([await subjectIn(bed, browser), await subjectIn(bed, other)]).toEqual(['ada', 'ada'])
    expect((await post(bed, '/logout-everywhere', browser, { 'sec-fetch-site': 'same-origin' })).status).toBe(200)
    expect([await subjectIn(bed, browser), await subjectIn(bed, other)]).toEqual([null, null])
  })

  it("ends the sessions of that user in every process, no one else's, and no later one", async () => {
    const stores = { store: new MemoryStore(), options: { store: new MemoryAuthStore() } }
    const one = await start(stores)
    const two = await startAnother(one, stores)
    const [browser, phone] = [await expectAccepted(one), await expectAccepted(two)]
    const grace = await signInAs(two, { sub: 'grace' })
    one.provider.spoil = {}
    await post(one, '/logout-everywhere', browser)
    expect([await subjectIn(one, browser), await subjectIn(two, phone), await subjectIn(one, grace)]).toEqual([
      null,
      null,
      'grace',
    ])
    const later = await expectAccepted(two)
    expect(await subjectIn(one, later)).toBe('ada')
    expect(one.app.events).toContainEqual(
      expect.objectContaining({ type: 'sessions.ended', subject: 'ada', reason: 'everywhere' }),
    )
  })

  it('without a session ends nothing', async () => {
    const bed = await start()
    const browser = await expectAccepted(bed)
    expect((await post(bed, '/logout-everywhere')).status).toBe(200)
    expect(await subjectIn(bed, browser)).toBe('ada')
  })
})

describe('endSessions()', () => {
  it('has ended the sessions in every process when it resolves, and emits an event', async () => {
    const stores = { store: new MemoryStore(), options: { store: new MemoryAuthStore() } }
    const one = await start(stores)
    const two = await startAnother(one, stores)
    const browser = await expectAccepted(one)
    const grace = await signInAs(one, { sub: 'grace' })
    expect((await post(two, '/end?subject=ada')).status).toBe(204)
    expect([await subjectIn(one, browser), await subjectIn(one, grace)]).toEqual([null, 'grace'])
    expect(two.app.events).toContainEqual(
      expect.objectContaining({ type: 'sessions.ended', subject: 'ada', reason: 'everywhere' }),
    )
  })

  it('rejects if the store fails, and ends nothing', async () => {
    const store = new MemoryAuthStore()
    const bed = await start({ options: { store } })
    const browser = await expectAccepted(bed)
    const { get, replace } = store
    store.replace = () => Promise.reject(new Error('the store is down'))
    expect((await post(bed, '/end?subject=ada')).status).toBe(503)
    store.get = () => Promise.reject(new Error('the store is down'))
    expect((await post(bed, '/end?subject=ada')).status).toBe(503)
    Object.assign(store, { get, replace })
    expect(codesOf(bed.app)).toEqual(['ERR_STORE_UNAVAILABLE', 'ERR_STORE_UNAVAILABLE'])
    expect(await subjectIn(bed, browser)).toBe('ada')
    expect((await post(bed, '/end?subject=ada')).status).toBe(204)
    expect(await subjectIn(bed, browser)).toBeNull()
  })

  it('requires a subject, and rejects unknown options', async () => {
    const seen: unknown[] = []
    const bed = await start({
      routes: (app) =>
        void app.post('/wrong', async (req, res) => {
          for (const options of [{}, { subject: undefined }, { subject: '' }, { subject: 'ada', all: true }, 'ada']) {
            seen.push(await endSessions(req, options as never).catch((error: unknown) => error))
          }
          res.end()
        }),
    })
    const browser = await expectAccepted(bed)
    await post(bed, '/wrong')
    expect(seen).toMatchObject(Array.from({ length: 5 }, () => ({ code: 'ERR_CONFIGURATION' })))
    expect(await subjectIn(bed, browser)).toBe('ada')
  })

  it("ends those of the named provider only: the same sub at another provider is another user's", async () => {
    const [one, two] = [await SpoiledProvider.start(), await SpoiledProvider.start()]
    const client = { clientId: 'app', clientSecret: CLIENT_SECRET }
    const providers = { one: { issuer: one.issuer, ...client }, two: { issuer: two.issuer, ...client } }
    const app = await startApp('', { routes, options: { providers } })
    onTestFinished(() => Promise.all([app.close(), one.close(), two.close()]).then(() => {}))
    const [atOne, atTwo] = [new UserAgent(), new UserAgent()]
    await atOne.visit(`${app.url}/login?provider=one`)
    await atTwo.visit(`${app.url}/login?provider=two`)
    expect((await post({ app }, '/end?subject=ada')).status).toBe(400)
    expect((await post({ app }, '/end?subject=ada&provider=three')).status).toBe(400)
    expect(codesOf(app)).toEqual(['ERR_UNKNOWN_PROVIDER', 'ERR_UNKNOWN_PROVIDER'])
    expect((await post({ app }, '/end?subject=ada&provider=two')).status).toBe(204)
    expect([await subjectIn({ app, provider: one }, atOne), await subjectIn({ app, provider: two }, atTwo)]).toEqual([
      'ada',
      null,
    ])
  })

  it('is protected from other sites by requireSameOrigin', async () => {
    const bed = await start()
    const browser = await expectAccepted(bed)
    expect((await post(bed, '/end?subject=ada', browser, { 'sec-fetch-site': 'cross-site' })).status).toBe(403)
    expect(codesOf(bed.app)).toEqual(['ERR_CROSS_SITE_REQUEST'])
    expect(await subjectIn(bed, browser)).toBe('ada')
  })
})
