import { request } from 'node:http'
import { beforeAll, describe, expect, it } from 'vitest'
import { requireScope, resourceServer } from '../../src/index.js'
import { useBed } from '../support/bed/bed.js'
import { UserAgent } from '../support/bed/userAgent.js'
import { AUDIENCE, startIssuer, type TestIssuer } from '../support/provider/issuer.js'

let issuer: TestIssuer

beforeAll(async () => {
  issuer = await startIssuer()
  return () => issuer.close()
})
const { bed } = useBed({
  routes(app) {
    const options = { issuer: issuer.issuer, audience: AUDIENCE }
    app.use('/either', resourceServer({ ...options, acceptSession: true }))
    app.use('/token', resourceServer(options))
    app.use('/open', resourceServer({ ...options, optional: true }))
    app.use('/open-either', resourceServer({ ...options, optional: true, acceptSession: true }))
    for (const path of ['/either', '/token', '/open', '/open-either']) {
      app.all(path, (req, res) => void res.json({ kind: req.auth.kind }))
    }
    app.get('/either/reports', requireScope('reports:read'), (req, res) => void res.json({ kind: req.auth.kind }))
  },
})

async function signedIn(): Promise<UserAgent> {
  const browser = new UserAgent()
  await browser.visit(`${bed.app.url}/profile`)
  return browser
}

describe('a session and a token on one route', () => {
  it('are both accepted by the same guards', async () => {
    const browser = await signedIn()
    expect((await browser.fetch(`${bed.app.url}/either/reports`)).json()).toEqual({ kind: 'session' })
    const headers = { authorization: `Bearer ${await issuer.token()}` }
    const stranger = new UserAgent()
    expect((await stranger.fetch(`${bed.app.url}/either/reports`, { headers })).json()).toEqual({
      kind: 'access_token',
    })
    const refused = await stranger.fetch(`${bed.app.url}/either/reports`)
    expect(refused.status).toBe(401)
    expect(refused.headers['www-authenticate']).toBe('Bearer')
  })

  it('the token takes precedence over the session, even an invalid one', async () => {
    const browser = await signedIn()
    const good = { authorization: `Bearer ${await issuer.token()}` }
    expect((await browser.fetch(`${bed.app.url}/either`, { headers: good })).json()).toEqual({ kind: 'access_token' })
    const bad = { authorization: `Bearer ${await issuer.token({ aud: 'other' })}` }
    expect((await browser.fetch(`${bed.app.url}/either`, { headers: bad })).status).toBe(401)
  })

  it('the session is ignored where only tokens are accepted', async () => {
    const browser = await signedIn()
    expect((await browser.fetch(`${bed.app.url}/token`)).status).toBe(401)
    expect((await browser.fetch(`${bed.app.url}/open`)).json()).toEqual({ kind: 'anonymous' })
    expect((await browser.fetch(`${bed.app.url}/open-either`)).json()).toEqual({ kind: 'session' })
    expect((await new UserAgent().fetch(`${bed.app.url}/open-either`)).json()).toEqual({ kind: 'anonymous' })
  })

  it('cross-site requests are refused with a session, and accepted with a token', async () => {
    const browser = await signedIn()
    const foreign = { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }
    const post = (headers: Record<string, string>) =>
      browser.fetch(`${bed.app.url}/either`, { method: 'POST', headers })
    expect((await post({ 'sec-fetch-site': 'same-origin' })).status).toBe(200)
    expect((await post(foreign)).status).toBe(403)
    expect((await browser.fetch(`${bed.app.url}/either`, { headers: foreign })).status).toBe(200)
    expect((await post({ ...foreign, authorization: `Bearer ${await issuer.token()}` })).status).toBe(200)
  })

  it('a request with neither is anonymous', async () => {
    const status = await new Promise<number | undefined>((resolve, reject) => {
      request(`${bed.app.url}/either`, { method: 'POST' }, (res) => resolve(res.resume().statusCode))
        .on('error', reject)
        .end()
    })
    expect(status).toBe(401)
  })
})
