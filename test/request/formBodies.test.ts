import { request } from 'node:http'
import express, { type Express } from 'express'
import express4 from 'express4'
import { describe, expect, it } from 'vitest'
import { type Bed, startBed, useProvider } from '../support/bed/bed.js'
import { responseParameters, upToCallback } from '../support/bed/callbackRequest.js'
import { codesOf, whoIs } from '../support/bed/observed.js'
import { UserAgent } from '../support/bed/userAgent.js'

const versions = { 'Express 4': express4 as unknown as typeof express, 'Express 5': express }

const { provider, browser } = useProvider()
let bed: Bed

const start = (before: (app: Express) => void, createExpress = express) =>
  startBed({ provider: { responseMode: 'form_post' }, before, createExpress, at: provider })

const parsers: Record<string, (app: Express) => void> = {
  'no body parser': () => {},
  'urlencoded, extended': (app) => void app.use(express.urlencoded({ extended: true })),
  'urlencoded, simple': (app) => void app.use(express.urlencoded({ extended: false })),
  'json alone': (app) => void app.use(express.json()),
  'json for every type but this': (app) => void app.use(express.json({ type: 'application/*+json' })),
  text: (app) => void app.use(express.text({ type: '*/*' })),
  raw: (app) => void app.use(express.raw({ type: '*/*' })),
  'json, then urlencoded': (app) => void app.use(express.json(), express.urlencoded({ extended: true })),
  'a parser that leaves an empty object and reads nothing': (app) =>
    void app.use((req, _res, next) => {
      req.body = {}
      next()
    }),
  'a slow middleware': (app) => void app.use((_req, _res, next) => void setImmediate(next)),
}

describe.each(Object.entries(versions))('form_post on %s', (_version, createExpress) => {
  it.each(Object.entries(parsers))('signs in after %s', async (_name, before) => {
    bed = await start(before, createExpress)
    const { url, init } = await upToCallback(browser, bed)
    const answer = await browser.send(url, init)
    expect(answer.status).toBe(303)
    expect(answer.headers.location).toBe(`${bed.app.url}/profile`)
    expect(await whoIs(browser, bed.app.url)).toBe('ada')
  })

  it.each(Object.entries(parsers))('refuses repeated and nested parameters after %s', async (_name, before) => {
    let browser = new UserAgent()
    bed = await start(before, createExpress)
    const callback = await upToCallback(browser, bed)
    const plain = responseParameters(callback).toString()
    const code = String(responseParameters(callback).get('code'))
    const spoiled = [
      `${plain}&code=${code}`,
      `${plain}&state=x`,
      `${plain}&other=a&other=b`,
      plain.replace('code=', 'code[]='),
      plain.replace('code=', 'code[a]='),
      plain.replace('state=', 'state[]='),
    ]
    for (const body of spoiled) {
      const answer = await browser.send(callback.url, { ...callback.init, body })
      // If no parser splits the name, it is another parameter, and code or state is missing.
      expect(answer.headers.location).not.toBe(`${bed.app.url}/profile`)
      expect(await whoIs(browser, bed.app.url)).toBeNull()
      if (body.includes('[')) browser = new UserAgent()
      else expect(answer.status).toBe(400)
    }
    codesOf(bed.app)
    browser = new UserAgent()
    const again = await upToCallback(browser, bed)
    expect((await browser.visit(again.url, again.init)).status).toBe(200)
  })
})

describe('a body', () => {
  it.each(['text/plain', 'application/json', 'multipart/form-data; boundary=x'])(
    'of type %s is refused without consuming the login',
    async (type) => {
      bed = await start(() => {})
      const { url, init } = await upToCallback(browser, bed)
      const answer = await browser.send(url, { ...init, headers: { 'content-type': type } })
      expect(answer.status).toBe(400)
      expect(codesOf(bed.app)).toEqual(['ERR_AUTHORIZATION_RESPONSE_INVALID'])
      expect((await browser.visit(url, init)).status).toBe(200)
    },
  )

  it('up to 256 KiB is read, and a larger one is refused as soon as it exceeds that', async () => {
    bed = await start(() => {})
    const callback = await upToCallback(browser, bed)
    const plain = responseParameters(callback).toString()
    const padded = (length: number) => `${plain}&padding=${'x'.repeat(length - plain.length - '&padding='.length)}`
    const refused = await browser.send(callback.url, { ...callback.init, body: padded(262_145) })
    expect(refused.status).toBe(413)
    expect((await browser.send(callback.url, { ...callback.init, body: padded(5_000_000) })).status).toBe(413)
    expect(codesOf(bed.app)).toEqual(['ERR_BODY_TOO_LARGE', 'ERR_BODY_TOO_LARGE'])
    expect((await browser.visit(callback.url, { ...callback.init, body: padded(262_144) })).status).toBe(200)
  })

  it('that is cut off does not break the application', async () => {
    bed = await start(() => {})
    await new Promise<void>((resolve) => {
      const headers = { 'content-type': 'application/x-www-form-urlencoded', 'content-length': '1000' }
      const req = request(`${bed.app.url}/callback`, { method: 'POST', headers })
      req.on('error', () => resolve())
      req.write('code=', () => req.destroy(new Error('cut off')))
    })
    expect((await browser.visit(`${bed.app.url}/profile`)).status).toBe(200)
  })

  it.each([
    ['a letter', 'a'],
    ['a digit', '7'],
    ['two characters of a token', 'a-'],
    ['a separator', '/'],
    ['a letter of two bytes', 'é'],
  ])('with %s 40,000 times as error_description is refused quickly', async (_name, unit) => {
    bed = await start(() => {})
    const callback = await upToCallback(browser, bed)
    const body = new URLSearchParams({ error: 'invalid_scope', error_description: unit.repeat(40_000) })
    for (const name of ['state', 'iss']) {
      const value = responseParameters(callback).get(name)
      if (value) body.set(name, value)
    }
    const before = process.cpuUsage()
    const answer = await browser.send(callback.url, { ...callback.init, body: body.toString() })
    const { user, system } = process.cpuUsage(before)
    expect(answer.status).toBe(400)
    expect(codesOf(bed.app)).toEqual(['ERR_AUTHORIZATION_FAILED'])
    expect((user + system) / 1000).toBeLessThan(500)
  })

  it.each([
    ['code', 8192],
    ['iss', 2048],
  ])('with a %s of more than %i characters is refused', async (name, limit) => {
    bed = await start(() => {})
    const callback = await upToCallback(browser, bed)
    const body = responseParameters(callback)
    body.set(name, 'x'.repeat(limit + 1))
    expect((await browser.send(callback.url, { ...callback.init, body: body.toString() })).status).toBe(400)
    expect(codesOf(bed.app)).toEqual(['ERR_AUTHORIZATION_RESPONSE_INVALID'])
    expect((await browser.visit(callback.url, callback.init)).status).toBe(200)
  })

  it('without a usable state redirects to the callback only', async () => {
    bed = await start(() => {})
    for (const body of [
      '',
      'code=a',
      `state=${'x'.repeat(200_000)}`,
      'state=%0d%0aSet-Cookie:a=b',
      'state=a%26b%3dc',
    ]) {
      const answer = await browser.send(`${bed.app.url}/callback`, { method: 'POST', body, from: 'http://op.example' })
      expect(answer.status).toBe(303)
      const location = new URL(String(answer.headers.location))
      expect(location.origin + location.pathname).toBe(`${bed.app.url}/callback`)
      expect(location.href.length).toBeLessThan(500)
      expect((await browser.send(location.href)).status).toBe(400)
    }
    codesOf(bed.app)
  })
})
