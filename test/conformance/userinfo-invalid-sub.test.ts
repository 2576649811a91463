import type { Express } from 'express'
import { describe, expect, it } from 'vitest'
import { startBed } from '../support/bed/bed.js'
import { accepts, expectAccepted, expectCleanError, rejects } from '../support/bed/conformance.js'

const atLogin = { provider: { userInfo: true } } as const

function routes(app: Express): void {
  app.get('/userinfo', async (req, res, next) => {
    await req.auth.fetchUserInfo().then((claims) => res.json(claims), next)
  })
}

/** Adds a claim of objects in objects. */
function nest(json: string, depth: number): string {
  return `{"deep":${'{"a":'.repeat(depth)}1${'}'.repeat(depth)},${json.slice(1)}`
}

describe('userinfo-invalid-sub', () => {
  rejects(
    'a login whose UserInfo is of another subject',
    { userInfo: { sub: 'mallory' } },
    'ERR_USERINFO_INVALID',
    atLogin,
  )
  rejects('a login whose UserInfo names no subject', { userInfo: { sub: undefined } }, 'ERR_USERINFO_INVALID', atLogin)
  rejects('a login whose UserInfo names several', { userInfo: { sub: ['ada'] } }, 'ERR_USERINFO_INVALID', atLogin)
  rejects(
    'a login whose UserInfo is a JSON array',
    { reply: { userinfo: ({ body }) => ({ body: `[${body}]` }) } },
    'ERR_USERINFO_INVALID',
    atLogin,
  )
  rejects(
    'a login whose UserInfo is over 64 KiB',
    { userInfo: { padding: 'x'.repeat(66_000) } },
    'ERR_USERINFO_INVALID',
    atLogin,
  )
  accepts(
    'a login whose UserInfo is long, but within the limit',
    { userInfo: { padding: 'x'.repeat(10_000) } },
    atLogin,
  )

  rejects(
    'a login whose UserInfo is nested 10,000 deep',
    { reply: { userinfo: ({ body }) => ({ body: nest(body, 10_000) }) } },
    'ERR_USERINFO_INVALID',
    atLogin,
  )
  accepts(
    'a login whose UserInfo is nested 50 deep',
    { reply: { userinfo: ({ body }) => ({ body: nest(body, 50) }) } },
    atLogin,
  )

  it('rejects UserInfo of another subject during a session, and keeps the session', async () => {
    const bed = await startBed({ routes, spoil: {} })
    const browser = await expectAccepted(bed)
    expect((await browser.fetch(`${bed.app.url}/userinfo`)).json()).toEqual({ sub: 'ada' })
    bed.provider.spoil = { userInfo: { sub: 'mallory', email: 'mallory@example.com' } }
    const answer = await browser.fetch(`${bed.app.url}/userinfo`)
    expectCleanError(bed, answer, 'ERR_USERINFO_INVALID')
    expect(answer.text).not.toContain('mallory@example.com')
    expect((await browser.fetch(`${bed.app.url}/who`)).json()).toEqual({ kind: 'session', subject: 'ada' })
  })
})
