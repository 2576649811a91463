import type { Express } from 'express'
import { MemoryStore } from 'express-session'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { backchannelLogout, type RelyingPartyOptions } from '../../src/index.js'
import { startApp } from '../support/bed/app.js'
import { muteExpress, type SpoiledBed, startBed } from '../support/bed/bed.js'
import { expectAccepted } from '../support/bed/conformance.js'
import { codesOf } from '../support/bed/observed.js'
import { UserAgent } from '../support/bed/userAgent.js'
import { deliver, logoutToken, signInAs, subjectIn } from '../support/provider/logoutTokens.js'
import { fakeDate } from '../support/run/waiting.js'
import { MemoryAuthStore } from '../support/stores/memoryAuthStore.js'

const TOKEN_LIFETIME = 3600

/** Something that happens once, in the middle of an operation. */
let meanwhile: (() => Promise<unknown>) | undefined

beforeEach(() => {
  muteExpress()
  fakeDate()
  meanwhile = undefined
})

async function interrupt(): Promise<void> {
  const act = meanwhile
  meanwhile = undefined
  await act?.()
}

function routes(app: Express): void {
  app.post('/backchannel-logout', backchannelLogout())
  app.get('/slow-save', async (req, res) => {
    await interrupt()
    Object.assign(req.session, { basket: ['book'] })
    res.json({ saved: true })
  })
}

/** Starts two processes of one application, each as a bed. */
async function startTwo(options: Partial<RelyingPartyOptions> = {}) {
  const store = new MemoryAuthStore()
  const shared = { store: new MemoryStore(), options: { store, ...options }, routes }
  const one = await startBed({ ...shared, spoil: { claims: { sid: 'sid-1' } } })
  const app = await startApp(one.provider.issuer, shared)
  const two: SpoiledBed = { app, provider: one.provider }
  return { one, two, records: () => store.keys().filter((key) => key.startsWith('record:')) }
}

const ends: [string, object][] = [
  ['one session', {}],
  ['all sessions of a user', { sid: undefined }],
]

/** Sends a logout token to a process, dated a second later by the provider's clock. */
async function endAt(bed: SpoiledBed, claims: object): Promise<void> {
  const iat = Math.floor(Date.now() / 1000) + 1
  expect((await deliver(bed, await logoutToken(bed, { claims: { ...claims, iat } }))).status).toBe(200)
}

describe.each(ends)('a logout token for %s, sent to another process', (_, claims) => {
  it('while a login has its tokens and awaits onLogin: no one is signed in, nothing is stored', async () => {
    const { one, two, records } = await startTwo({ onLogin: interrupt })
    const control = await expectAccepted(one)
    expect(records()).toHaveLength(1)
    meanwhile = () => endAt(two, claims)
    const browser = new UserAgent()
    const answer = await browser.visit(`${one.app.url}/login`)
    expect(answer.status).toBe(401)
    expect(codesOf(one.app)).toEqual(['ERR_SESSION_ENDED'])
    expect([await subjectIn(one, browser), await subjectIn(one, control)]).toEqual([null, null])
    expect(records()).toEqual([])
  })

  it('an hour before the arrival of a login that was issued earlier: the login is refused', async () => {
    const { one, two } = await startTwo()
    const iat = Math.floor(Date.now() / 1000)
    const login = () => {
      one.provider.spoil = { claims: { sid: 'sid-1', iat, exp: iat + 2 * TOKEN_LIFETIME } }
      return new UserAgent().visit(`${one.app.url}/login?returnTo=/who`)
    }
    expect((await login()).json()).toMatchObject({ subject: 'ada' })
    await endAt(two, claims)
    vi.setSystemTime(Date.now() + (TOKEN_LIFETIME - 10) * 1000)
    expect((await login()).status).toBe(401)
    expect(codesOf(one.app)).toEqual(['ERR_SESSION_ENDED'])
  })

  it('while a refresh is in progress: the new tokens are neither returned nor stored', async () => {
    const fetching: typeof fetch = async (url, init) => {
      if (String(init?.body).includes('grant_type=refresh_token')) await interrupt()
      return fetch(url, init)
    }
    const { one, two, records } = await startTwo({ http: { fetch: fetching } })
    const browser = await expectAccepted(one)
    const grace = await signInAs(one, { sub: 'grace', sid: 'sid-2' })
    vi.setSystemTime(Date.now() + TOKEN_LIFETIME * 1000)
    meanwhile = () => endAt(two, claims)
    const tokens = (agent: UserAgent, sub: string) => {
      one.provider.spoil = { claims: { sub } }
      return agent.fetch(`${one.app.url}/token`)
    }
    expect((await tokens(browser, 'ada')).status).toBe(401)
    expect([await subjectIn(one, browser), await subjectIn(two, browser)]).toEqual([null, null])
    expect((await tokens(grace, 'grace')).status).toBe(200)
    expect(records()).toHaveLength(1)
  })

  it('while a slow request has yet to save its session: saving it changes nothing', async () => {
    const { one, two, records } = await startTwo()
    const browser = await expectAccepted(one)
    meanwhile = () => endAt(two, claims)
    expect((await browser.fetch(`${one.app.url}/slow-save`)).json()).toEqual({ saved: true })
    expect([await subjectIn(one, browser), await subjectIn(two, browser)]).toEqual([null, null])
    expect(records()).toEqual([])
  })
})
