import express5, { type ErrorRequestHandler, type Express, Router } from 'express'
import session from 'express-session'
import express4 from 'express4'
import supertest from 'supertest'
import { describe, expect, it } from 'vitest'
import {
  callback,
  errorPage,
  login,
  type RelyingPartyOptions,
  relyingParty,
  signedOutPage,
  storeErrors,
} from '../../src/index.js'

const PAGE = { Accept: 'text/html,application/xhtml+xml' }
const SECRET = 'a secret of at least 32 characters'

interface Setup {
  readonly options?: Partial<RelyingPartyOptions>
  readonly express?: () => Express
  readonly store?: session.Store
  /** Adds what comes after the routes. */
  readonly after?: (app: Express) => void
}

function start({ options, express = express5, store, after }: Setup = {}): Express {
  const app = express().set('env', 'test')
  app.use(session({ secret: SECRET, resave: false, saveUninitialized: false, ...(store ? { store } : {}) }))
  const provider = { issuer: 'https://op.example', clientId: 'app', clientSecret: 'client secret' }
  app.use(relyingParty({ baseUrl: 'http://localhost:3000', secret: SECRET, provider, ...options }))
  app.use(storeErrors())
  app.get('/login', login())
  app.get('/signed-out', signedOutPage())
  app.all('/callback', callback())
  after?.(app)
  return app
}

const fail = (app: Express, headers: Record<string, string> = PAGE) => supertest(app).get('/callback').set(headers)
const INTERRUPTED = '<h1>The sign-in was interrupted</h1>'

describe('an error that the application does not handle', () => {
  it.each([
    ['Express 5', express5],
    ['Express 4', express4 as unknown as () => Express],
  ])('is a page for browsers: %s', async (_version, express) => {
    const { status, text } = await fail(start({ express }))
    expect(status).toBe(400)
    expect(text).toContain(INTERRUPTED)
    expect(text).toContain('<a class="button primary" href="/login">Try again</a>')
  })

  it('is JSON for clients that accept it, and left to Express for all others', async () => {
    const json = await fail(start(), { Accept: 'application/json' })
    expect(json.status).toBe(400)
    expect(json.body).toEqual({
      error: 'ERR_TRANSACTION_MISSING',
      message: 'this browser has no such login in progress: start it again',
    })
    const other = await fail(start(), { Accept: '*/*' })
    expect(other.status).toBe(400)
    expect(other.text).toContain('<title>Error</title>')
  })

  it('tells programs no message of a server error', async () => {
    const app = start({ after: (express) => void express.get('/other', callback()) })
    const { status, body } = await supertest(app).get('/other').set('Accept', 'application/json')
    expect(status).toBe(500)
    expect(body).toEqual({ error: 'ERR_CONFIGURATION', message: 'Internal Server Error' })
  })

  it('is a page if the session store fails, too', async () => {
    const store = new session.MemoryStore()
    store.get = (_id, done) => done(new Error('down'))
    const cookie = `connect.sid=s%3A${'a'.repeat(32)}.${'b'.repeat(43)}`
    const { createHmac } = await import('node:crypto')
    const id = 'a'.repeat(32)
    const signature = createHmac('sha256', SECRET).update(id).digest('base64').replace(/=+$/, '')
    const signed = `connect.sid=${encodeURIComponent(`s:${id}.${signature}`)}`
    const answer = await supertest(start({ store })).get('/signed-out').set(PAGE).set('Cookie', signed)
    expect(answer.status).toBe(503)
    expect(answer.text).toContain('<h1>Temporarily unavailable</h1>')
    // Without a valid signature nothing is read from the store.
    expect((await supertest(start({ store })).get('/signed-out').set(PAGE).set('Cookie', cookie)).status).toBe(200)
  })

  it('offers the other providers', async () => {
    const one = (issuer: string) => ({ issuer, clientId: 'app', clientSecret: 'client secret' })
    const providers = { a: one('https://a.example'), b: one('https://b.example') }
    const app = start({ options: { provider: undefined, providers } as object })
    const { status, text } = await supertest(app).get('/login?provider=c&returnTo=%2Freports').set(PAGE)
    expect(status).toBe(400)
    expect(text).toContain(
      '<a class="button primary" href="/login?returnTo=%2Freports">Choose another way to sign in</a>',
    )
  })
})

describe('an application with error handlers', () => {
  const own: ErrorRequestHandler = (error, _req, res, _next) => void res.status(418).send(error.code)
  const pass: ErrorRequestHandler = (error, _req, _res, next) => next(error)

  it.each([
    ['of the application', (app: Express) => void app.all('/inner', callback()).use(own)],
    ['of a router', (app: Express) => void app.use(Router().use(Router().all('/inner', callback()).use(own)))],
    ['of a route', (app: Express) => void app.all('/inner', callback(), own)],
  ])('decides how errors look: %s', async (_where, after) => {
    const answer = await supertest(start({ after })).get('/inner').set(PAGE)
    expect(answer).toMatchObject({ status: 418, text: 'ERR_CONFIGURATION' })
  })

  it('decides about the errors of applications that it mounts', async () => {
    const mount = (handler: ErrorRequestHandler[]) => {
      const parent = express5().set('env', 'test').use(start())
      return handler.length > 0 ? parent.use(handler) : parent
    }
    expect((await fail(mount([own]))).status).toBe(418)
    expect((await fail(mount([]))).text).toContain(INTERRUPTED)
  })

  it('gets the page from errorPage() after handlers that only pass errors on', async () => {
    expect((await fail(start({ after: (app) => void app.use(pass) }))).text).toContain('<title>Error</title>')
    const { status, text } = await fail(start({ after: (app) => void app.use(pass).use(errorPage()) }))
    expect(status).toBe(400)
    expect(text).toContain(INTERRUPTED)
  })

  it('keeps errors of others away from errorPage()', async () => {
    const broken = (app: Express) => {
      app.get('/broken', () => {
        throw new Error('other')
      })
      app.use(errorPage())
    }
    const answer = await supertest(start({ after: broken }))
      .get('/broken')
      .set(PAGE)
    expect(answer.status).toBe(500)
    expect(answer.text).toContain('<title>Error</title>')
  })

  it('gives way to onError', async () => {
    const onError: RelyingPartyOptions['onError'] = (error, _req, res) => void res.status(409).send(error.code)
    expect((await fail(start({ options: { onError } }))).status).toBe(409)
    const thrown = start({
      options: {
        onError: () => {
          throw new Error('oops')
        },
      },
    })
    expect((await fail(thrown)).status).toBe(500)
  })
})

describe('signedOutPage()', () => {
  it('confirms the logout, with links to sign in again and to the start page', async () => {
    const { status, headers, text } = await supertest(start()).get('/signed-out').set(PAGE)
    expect(status).toBe(200)
    expect(headers['cache-control']).toContain('no-store')
    expect(text).toContain('<h1>You are signed out</h1>')
    expect(text).toContain('href="/login"')
    expect(text).toContain('href="/"')
  })
})
