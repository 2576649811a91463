/** RFC 9112 §3.2.2: a server accepts the absolute form of a request target, which is otherwise sent to proxies. */

import { createServer, type IncomingMessage, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { login, protectedResourceMetadata } from '../../src/index.js'
import { requestTarget } from '../../src/request/url.js'
import { createApi } from '../support/api/api.js'
import { createProofKey, prove } from '../support/api/dpop.js'
import { useBed } from '../support/bed/bed.js'
import { upToCallback } from '../support/bed/callbackRequest.js'
import { UserAgent } from '../support/bed/userAgent.js'
import { AUDIENCE, startIssuer, type TestIssuer } from '../support/provider/issuer.js'

/** Sends a GET with an arbitrary request target. */
function get(url: string, target: string, headers: Record<string, string> = {}): Promise<IncomingMessage> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    request({ hostname, port, path: target, headers, agent: false }, (res) => {
      res.resume()
      res.on('end', () => resolve(res))
    })
      .on('error', reject)
      .end()
  })
}

const HTML = { accept: 'text/html' }

describe('a request target in absolute form, at an application', () => {
  const { bed } = useBed({ routes: (app) => void app.all('/elsewhere/login', login()) })

  it.each(['/profile', '/profile?tab=1&x=http://a/?b'])(
    'returns to the same path after the login: %s',
    async (path) => {
      const plain = await get(bed.app.url, path, HTML)
      expect(plain.headers.location).toBe(`/login?returnTo=${encodeURIComponent(path).replaceAll('%20', '+')}`)
      for (const origin of [bed.app.url, 'http://evil.example', 'HTTPS://user@evil.example:8443']) {
        const absolute = await get(bed.app.url, origin + path, HTML)
        expect([absolute.statusCode, absolute.headers.location]).toEqual([303, plain.headers.location])
      }
    },
  )

  it('is recognized at the callback, and its query is read', async () => {
    const browser = new UserAgent()
    const response = await upToCallback(browser, bed)
    const { pathname, search } = new URL(response.url)
    const cookie = [...browser.cookies(bed.app.url)].map(([name, value]) => `${name}=${value}`).join('; ')
    const finished = await get(bed.app.url, `http://evil.example${pathname}${search}`, { ...HTML, cookie })
    expect([finished.statusCode, finished.headers.location]).toEqual([303, `${bed.app.url}/profile`])
  })
})

describe('a request target in absolute form, at an API', () => {
  let issuer: TestIssuer

  beforeAll(async () => {
    issuer = await startIssuer('ES256')
  })
  afterAll(() => issuer.close())

  async function serve(app: express.Express, use: (url: string) => Promise<void>): Promise<void> {
    const server = createServer(app)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    try {
      await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    } finally {
      await new Promise((resolve) => server.close(resolve))
    }
  }

  it('matches a DPoP proof by its path, whatever host it names', async () => {
    const key = await createProofKey()
    const token = await issuer.token({ cnf: { jkt: key.jkt } })
    const { app } = createApi(issuer.issuer, { resource: AUDIENCE, dpop: true })
    await serve(app, async (url) => {
      const statusOf = async (target: string, htu: string) => {
        const headers = { authorization: `DPoP ${token}`, dpop: await prove(key, { htu, token }) }
        return (await get(url, target, headers)).statusCode
      }
      expect(await statusOf('http://evil.example/reports?a=1', `${AUDIENCE}/reports`)).toBe(200)
      expect(await statusOf('/reports', `${AUDIENCE}/reports`)).toBe(200)
      expect(await statusOf('http://evil.example/reports', 'http://evil.example/reports')).toBe(401)
    })
  })

  it('counts a token in its query as a second one', async () => {
    const { app } = createApi(issuer.issuer)
    const headers = { authorization: `Bearer ${await issuer.token()}` }
    await serve(app, async (url) => {
      expect((await get(url, 'http://evil.example/?access_token=x', headers)).statusCode).toBe(400)
      expect((await get(url, 'http://evil.example?access_token=x', headers)).statusCode).toBe(400)
      expect((await get(url, 'http://evil.example/?other=x', headers)).statusCode).toBe(200)
    })
  })

  it('finds the metadata of the API', async () => {
    const app = express().use(protectedResourceMetadata({ resource: AUDIENCE, authorizationServers: issuer.issuer }))
    await serve(app, async (url) => {
      const path = '/.well-known/oauth-protected-resource'
      expect((await get(url, `http://evil.example${path}?x=1`)).statusCode).toBe(200)
      expect((await get(url, `http://evil.example/other${path}`)).statusCode).toBe(404)
    })
  })
})

describe('requestTarget', () => {
  it.each([
    ['/a?b=http://c/d', '/a?b=http://c/d'],
    ['//evil.example/a', '//evil.example/a'],
    ['http://h/a?b#c', '/a?b#c'],
    ['http://h', '/'],
    ['http://h?a=1', '/?a=1'],
    ['x-y+z.1://h/a', '/a'],
    ['http://h\\@evil.example/a', '/\\@evil.example/a'],
    ['*', '*'],
    ['host:443', 'host:443'],
  ])('of %s is %s', (originalUrl, expected) => {
    expect(requestTarget({ originalUrl })).toBe(expected)
  })
})
