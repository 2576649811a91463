import { readFileSync } from 'node:fs'
import express from 'express'
import supertest from 'supertest'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { configurationError, type ErrorCode, LoginRefusedError, RelyingPartyError, storeError } from '../src/errors.js'
import { anchors } from './support/run/markdown.js'

const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')
const codes = [...read('src/errors.ts').matchAll(/^ {2}(ERR_[A-Z_]+): (\d+),$/gm)].map(([, code]) => code as ErrorCode)

describe('the error codes', () => {
  it('each have a heading of their own in docs/errors.md with their status, at the anchor that help names', () => {
    const page = read('docs/errors.md')
    const sections = page.split(/^### /m).slice(1)
    const documented = sections.map((section) => {
      const [heading = '', ...text] = section.split('\n')
      return { heading, status: Number(/^Status (\d+)\b/.exec(text.join('\n'))?.[1]) }
    })
    const errors = codes.map((code) => new RelyingPartyError(code, ''))
    const byHeading = new Map(documented.map(({ heading, status }) => [heading, status]))
    expect(byHeading).toEqual(new Map(errors.map(({ code, status }) => [code, status])))
    expect(documented).toHaveLength(codes.length)
    expect(codes.length).toBeGreaterThan(20)
    const found = anchors(page)
    expect(errors.map(({ help }) => help).filter((help) => !found.has(help.replace('docs/errors.md#', '')))).toEqual([])
    expect(anchors('### ERR_A, ERR_B')).not.toContain('err_a')
  })

  it('are shown to users below 500 only, and outages name when to try again', () => {
    for (const code of codes) {
      const error = new RelyingPartyError(code, 'message')
      expect(error.expose).toBe(error.status < 500)
      expect(error.headers).toEqual(error.status === 503 ? { 'Retry-After': '5' } : {})
      expect(error.status).toBeGreaterThanOrEqual(400)
    }
  })
})

describe('an error', () => {
  it("has a hint that only logs show, and the address of its code's heading", () => {
    const plain = new RelyingPartyError('ERR_TRANSACTION_MISSING', 'Please sign in again.')
    expect(plain.stack).not.toContain('Hint')
    expect(plain.hint).toBeUndefined()
    const error = new RelyingPartyError('ERR_TRANSACTION_MISSING', 'Please sign in again.', { hint: 'check baseUrl' })
    expect(error).toMatchObject({ message: 'Please sign in again.', hint: 'check baseUrl' })
    expect(error.stack).toContain('Please sign in again.\n    Hint: check baseUrl\n')
    expect(error.help).toBe('docs/errors.md#err_transaction_missing')
    expect(Object.keys(error)).not.toContain('message')
  })

  beforeEach(() => {
    vi.spyOn(console, 'error').mockImplementation(() => {})
  })

  const answer = (error: unknown, env = 'production') => {
    const app = express().set('env', env)
    app.get('/', (_req, _res, next) => next(error))
    return supertest(app).get('/')
  }

  it("sets the status and headers of the response of Express's own handler", async () => {
    const challenge = { 'WWW-Authenticate': 'Bearer error="insufficient_scope", scope="a b"' }
    const forbidden = await answer(new RelyingPartyError('ERR_INSUFFICIENT_SCOPE', 'no', { headers: challenge }))
    expect(forbidden.status).toBe(403)
    expect(forbidden.headers['www-authenticate']).toBe(challenge['WWW-Authenticate'])
    const outage = await answer(storeError(new Error('connect ECONNREFUSED 10.0.0.1')))
    expect(outage.status).toBe(503)
    expect(outage.headers['retry-after']).toBe('5')
    expect(outage.text).not.toContain('10.0.0.1')
  })

  it('adds no markup to the page, not even during development', async () => {
    const error = new LoginRefusedError('<script>alert(1)</script>')
    for (const env of ['production', 'development']) {
      const { text, status } = await answer(error, env)
      expect(status).toBe(403)
      expect(text).not.toContain('<script')
    }
    expect((await answer(error, 'development')).text).toContain('&lt;script')
  })

  it('is identified by its class and code', () => {
    const refused = new LoginRefusedError('Please verify your address.', { cause: 'address' })
    expect(refused).toBeInstanceOf(RelyingPartyError)
    expect(refused).toBeInstanceOf(Error)
    expect(refused).toMatchObject({
      name: 'LoginRefusedError',
      code: 'ERR_LOGIN_REFUSED',
      status: 403,
      expose: true,
      message: 'Please verify your address.',
      cause: 'address',
    })
    expect(new RelyingPartyError('ERR_CONFIGURATION', 'x')).toMatchObject({ name: 'RelyingPartyError', expose: false })
    expect(new RelyingPartyError('ERR_CONFIGURATION', 'x')).not.toHaveProperty('cause')
  })

  it('about an option names it and the problem, and the fix as the hint', () => {
    expect(configurationError('a.b', 'is missing', 'write it')).toMatchObject({
      message: 'a.b is missing',
      hint: 'write it',
    })
    expect(configurationError('a.b', 'is missing').message).toBe('a.b is missing')
  })

  it('of a store becomes the cause, and one of this package stays as it is', () => {
    const cause = new Error('down')
    expect(storeError(cause)).toMatchObject({ code: 'ERR_STORE_UNAVAILABLE', cause })
    const own = new RelyingPartyError('ERR_SESSION_ENDED', 'ended')
    expect(storeError(own)).toBe(own)
  })
})
