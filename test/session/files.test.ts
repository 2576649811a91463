import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import express, { type Express } from 'express'
import type { SessionOptions } from 'express-session'
import express4 from 'express4'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { requireAuth } from '../../src/index.js'
import { muteExpress, startBed, TOKEN_LIFETIME, type TokenBed } from '../support/bed/bed.js'
import type { Answer, UserAgent } from '../support/bed/userAgent.js'
import { fakeDate, pass } from '../support/run/waiting.js'

const IDLE = 1800
const CONTENT = randomBytes(1_000_000).toString('base64')
const versions = { 'Express 4': express4 as unknown as typeof express, 'Express 5': express }

let folder: string
let bed: TokenBed
let browser: UserAgent

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rp-files-'))
  await writeFile(join(folder, 'report.txt'), CONTENT)
})
afterAll(() => rm(folder, { recursive: true }))
beforeEach(muteExpress)
beforeEach(fakeDate)

function routes(app: Express): void {
  app.get('/file', requireAuth(), (_req, res) => void res.sendFile('report.txt', { root: folder }))
  app.get('/download', requireAuth(), async (_req, res) => {
    const chunks = CONTENT.match(/.{1,50000}/g) ?? []
    await pipeline(Readable.from(chunks), res.type('txt')).catch(() => {})
  })
  app.use('/static', requireAuth(), express.static(folder))
}

async function signIn(session: Partial<SessionOptions>, createExpress = express): Promise<void> {
  bed = await startBed({
    routes,
    createExpress,
    session: { cookie: { maxAge: IDLE * 1000 }, ...session },
    tokens: true,
  })
  browser = await bed.signIn()
}

const fetchFile = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
  browser.fetch(bed.app.url + path, { headers, method })
const whoIs = async () => (await browser.fetch(`${bed.app.url}/who`)).json().subject

/** Demands one cookie, of the session, that ends an idle lifetime from now. */
function expectRolled({ headers }: Answer): void {
  const cookies = headers['set-cookie'] ?? []
  expect(cookies).toHaveLength(1)
  expect(cookies[0]).toMatch(/^connect\.sid=/)
  const [, expires = ''] = /expires=([^;]+)/i.exec(String(cookies[0])) ?? []
  expect(Math.abs(Date.parse(expires) - Date.now() - IDLE * 1000)).toBeLessThan(2000)
}

describe.each(Object.entries(versions))('a guarded file on %s', (_version, createExpress) => {
  it.each(['/file', '/static/report.txt'])('is sent whole, in part, or not again: %s', async (path) => {
    await signIn({ rolling: true }, createExpress)
    const whole = await fetchFile(path)
    expect(whole.status).toBe(200)
    expect(whole.text === CONTENT).toBe(true)
    const part = await fetchFile(path, { range: 'bytes=10-19' })
    expect([part.status, part.text]).toEqual([206, CONTENT.slice(10, 20)])
    expect(part.headers['content-range']).toBe(`bytes 10-19/${CONTENT.length}`)
    const unchanged = await fetchFile(path, { 'if-none-match': String(whole.headers.etag) })
    expect([unchanged.status, unchanged.text]).toEqual([304, ''])
    const head = await fetchFile(path, {}, 'HEAD')
    expect([head.status, head.text, head.headers['content-length']]).toEqual([200, '', String(CONTENT.length)])
    expect((await fetchFile(path, { range: 'bytes=9999999-' })).status).toBe(416)
    for (const answer of [whole, part, unchanged, head]) expectRolled(answer)
  })

  it('is not sent to the anonymous, nor told to be unchanged', async () => {
    await signIn({ rolling: true }, createExpress)
    const { etag } = (await fetchFile('/file')).headers
    browser.deleteCookie(bed.app.url, 'connect.sid')
    for (const headers of [{}, { range: 'bytes=10-19' }, { 'if-none-match': String(etag) }]) {
      const answer = await fetchFile('/file', headers as Record<string, string>)
      expect(answer.status).toBe(401)
      expect(answer.text).toContain('authentication_required')
      expect(answer.headers['cache-control']).toBe('no-store')
      expect(answer.headers['set-cookie']).toBeUndefined()
    }
  })

  it('that is streamed comes whole, after a refresh, and the session lives on', async () => {
    await signIn({ rolling: true }, createExpress)
    pass(TOKEN_LIFETIME + 1)
    const answer = await fetchFile('/download')
    expect(answer.status).toBe(200)
    expect(answer.text === CONTENT).toBe(true)
    expect(bed.tokens.refreshes).toBe(1)
    expectRolled(answer)
    pass(IDLE * 0.9)
    expect(await whoIs()).toBe('ada')
  })
})

describe('a guarded file', () => {
  it.each([
    ['/file', {}],
    ['/file', { range: 'bytes=0-9' }],
    ['/file', { 'if-none-match': '*' }],
    ['/download', {}],
  ])(
    'keeps the session alive without writing it anew, nor setting a cookie that does not roll: %s %j',
    async (path, headers) => {
      await signIn({ rolling: false })
      const set = vi.spyOn(bed.store, 'set')
      for (let i = 0; i < 3; i++) {
        pass(IDLE * 0.9)
        const answer = await fetchFile(path, headers as Record<string, string>)
        expect(answer.status).toBeLessThan(400)
        expect(answer.headers['set-cookie']).toBeUndefined()
      }
      // A refresh stores the record, under its lock; the session itself is only touched.
      const sessions = set.mock.calls.filter(([id]) => !id.startsWith('express-relying-party:'))
      expect(sessions).toEqual([])
    },
  )

  it('that the browser does not wait for costs the session nothing', async () => {
    await signIn({ rolling: true })
    const cookie = [...browser.cookies(bed.app.url)].map((pair) => pair.join('=')).join('; ')
    for (const path of ['/file', '/download']) {
      const incoming = once(bed.app.server, 'request')
      const outgoing = get(bed.app.url + path, { headers: { cookie }, agent: false }).on('error', () => {})
      const [, res] = (await incoming) as [unknown, NodeJS.EventEmitter]
      const closed = once(res, 'close')
      outgoing.once('response', (answer) => answer.once('data', () => outgoing.destroy()).on('error', () => {}))
      await closed
    }
    expect(await whoIs()).toBe('ada')
    expect((await fetchFile('/file')).text === CONTENT).toBe(true)
  })
})
