import { beforeEach, describe, expect, it, vi } from 'vitest'
import { type App, listen } from '../support/bed/app.js'
import { muteExpress, startBed, TOKEN_LIFETIME, type TokenBed } from '../support/bed/bed.js'
import type { Answer, UserAgent } from '../support/bed/userAgent.js'
import { fakeDate, gate, pass } from '../support/run/waiting.js'

const SESSIONS = 3
const PROCESSES = 3
const REQUESTS = 50

let bed: TokenBed
let processes: App[]
let browsers: UserAgent[]

beforeEach(async () => {
  muteExpress()
  fakeDate()
  bed = await startBed({ tokens: true })
  processes = [bed.app]
  browsers = []
})

/** An outage of the token endpoint. */
interface Outage {
  readonly fail: () => Response | Promise<Response>
  /** Lets requests that hang time out. */
  readonly timeOut?: () => void
}

const outages: readonly [how: string, begin: () => Promise<Outage>][] = [
  [
    'refuses connections',
    async () => {
      const gone = await listen()
      await gone.close()
      return { fail: () => fetch(gone.url) }
    },
  ],
  ['answers 503', async () => ({ fail: () => new Response(null, { status: 503, headers: { 'retry-after': '7' } }) })],
  [
    'does not answer in time',
    async () => {
      let hanging = gate()
      return {
        async fail() {
          await hanging.opened
          throw new DOMException('the time is over', 'TimeoutError')
        },
        timeOut() {
          hanging.open()
          hanging = gate()
        },
      }
    },
  ],
]

/** Starts the other processes on the same store, and signs in. */
async function startLoad(): Promise<void> {
  while (processes.length < PROCESSES) processes.push(await bed.startAnother({}))
  while (browsers.length < SESSIONS) browsers.push(await bed.signIn())
}

/** Sends requests of all sessions to all processes at once. Requests that hang at the provider time out soon. */
async function flood({ timeOut = () => {} }: Partial<Outage> = {}): Promise<Answer[][]> {
  const urls = Array.from({ length: REQUESTS }, (_, i) => `${processes[i % PROCESSES]?.url}/token`)
  const timingOut = setInterval(timeOut, 20)
  const answers = await Promise.all(browsers.map((browser) => Promise.all(urls.map((url) => browser.fetch(url)))))
  clearInterval(timingOut)
  return answers
}

const statuses = (answers: Answer[][]) => new Set(answers.flat().map(({ status }) => status))
const tokensOf = (answers: Answer[]) => new Set(answers.map((answer) => answer.json().token))
const happened = (type: string) => processes.flatMap(({ events }) => events.filter((event) => event.type === type))

/** Asserts that each session gets one new token by one request, and that no one was signed out. */
async function expectRecovered(): Promise<void> {
  const before = bed.tokens.refreshes
  const answers = await flood()
  expect(bed.tokens.refreshes).toBe(before + SESSIONS)
  expect(statuses(answers)).toEqual(new Set([200]))
  for (const each of answers) expect(tokensOf(each).size).toBe(1)
  expect(happened('session.ended')).toEqual([])
  for (const [i, browser] of browsers.entries()) {
    const { subject } = (await browser.fetch(`${processes[i % PROCESSES]?.url}/who`)).json()
    expect(subject).toBe('ada')
  }
}

describe.each(outages)('a token endpoint that %s', (_how, begin) => {
  it('gets one request per session and back-off step at most, from all processes, and does not sign anyone out', async () => {
    await startLoad()
    pass(TOKEN_LIFETIME + 1)
    const outage = await begin()
    bed.tokens.instead = outage.fail
    for (const step of [1, 2, 4]) {
      const before = bed.tokens.refreshes
      for (const time of ['at the beginning', 'before the end']) {
        const answers = await flood(outage)
        expect(statuses(answers)).toEqual(new Set([503]))
        for (const { headers } of answers.flat()) expect(headers['retry-after']).toMatch(/^[1-9]\d*$/)
        pass(time === 'at the beginning' ? step - 0.001 : 0.001)
        expect(bed.tokens.refreshes).toBeGreaterThan(before)
        expect(bed.tokens.refreshes).toBeLessThanOrEqual(before + SESSIONS)
      }
    }
    expect(happened('session.refresh_failed')).toHaveLength(bed.tokens.refreshes)
    bed.tokens.instead = undefined
    pass(5)
    await expectRecovered()
    pass(TOKEN_LIFETIME + 1)
    await expectRecovered()
  })

  it('uses the access tokens while they are valid', async () => {
    await startLoad()
    const old = await flood()
    pass(TOKEN_LIFETIME - 30)
    const outage = await begin()
    bed.tokens.instead = outage.fail
    for (let time = 0; time < 2; time++) {
      const answers = await flood(outage)
      expect(answers.map(tokensOf)).toEqual(old.map(tokensOf))
      expect(bed.tokens.refreshes).toBeGreaterThan(0)
      pass(1)
    }
    bed.tokens.instead = undefined
    pass(5)
    await expectRecovered()
  })
})

describe.each(['/.well-known/openid-configuration', '/jwks'])('an outage of %s', (path) => {
  const fails = (url: string) => url.endsWith(path)

  it('keeps a process that knows neither metadata nor keys from using the refresh token up', async () => {
    browsers.push(await bed.signIn())
    pass(TOKEN_LIFETIME + 1)
    const another = await bed.startAnother({})
    const ask = () => browsers[0]?.fetch(`${another.url}/token`)
    bed.tokens.fails = fails
    const answer = await ask()
    expect(answer?.status).toBe(503)
    expect(answer?.headers['retry-after']).toMatch(/^[1-9]\d*$/)
    expect(another.errors).toMatchObject([{ code: 'ERR_PROVIDER_UNAVAILABLE' }])
    expect(bed.tokens.refreshes).toBe(0)
    bed.tokens.fails = undefined
    pass(1)
    expect((await ask())?.status).toBe(200)
    expect(bed.tokens.refreshes).toBe(1)
    expect(another.events).not.toContainEqual(expect.objectContaining({ type: 'session.ended' }))
  })

  it('does not keep a process that has them from refreshing', async () => {
    const browser = await bed.signIn()
    pass(TOKEN_LIFETIME + 1)
    bed.tokens.fails = vi.fn(fails)
    expect((await browser.fetch(`${bed.app.url}/token`)).status).toBe(200)
    expect(bed.tokens.fails).toHaveReturnedWith(true)
    expect(bed.tokens.refreshes).toBe(1)
  })
})
