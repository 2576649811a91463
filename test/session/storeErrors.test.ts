import express from 'express'
import session, { MemoryStore } from 'express-session'
import supertest from 'supertest'
import { beforeEach, describe, expect, it } from 'vitest'
import { relyingParty, storeErrors } from '../../src/index.js'
import { SECRET } from '../support/bed/app.js'
import { muteExpress } from '../support/bed/bed.js'

beforeEach(() => muteExpress())

/** An application whose routes fail, each in its own way. */
function application(store = new MemoryStore()): { app: express.Express; errors: unknown[] } {
  const errors: unknown[] = []
  const app = express().set('env', 'production')
  app.use(session({ secret: SECRET, resave: false, saveUninitialized: false, store }))
  app.use('/auth', relyingParty({ baseUrl: 'http://localhost', secret: SECRET, provider: PROVIDER }))
  app.get('/sign', (req, res) => {
    Object.assign(req.session, { basket: [] })
    res.end()
  })
  app.get(['/auth/throw', '/throw'], () => {
    throw new Error('a bug')
  })
  app.get('/auth/destroy', (req, _res, next) => {
    req.session.destroy(() => next(new Error('a bug')))
  })
  app.get(['/auth/unset', '/unset'], (req, _res, next) => {
    Object.assign(req, { session: null })
    next(new Error('a bug'))
  })
  app.use(storeErrors())
  app.use((error: unknown, _req: express.Request, _res: express.Response, next: express.NextFunction) => {
    errors.push(error)
    next(error)
  })
  return { app, errors }
}

const PROVIDER = { issuer: 'http://localhost:1', clientId: 'app', clientSecret: 'secret' }

describe('storeErrors', () => {
  it('says 503 with Retry-After for a session that cannot be read, and keeps what the store said as its cause', async () => {
    const store = new MemoryStore()
    const { app, errors } = application(store)
    const agent = supertest.agent(app)
    await agent.get('/sign').expect(200)
    const gone = new Error('connect ECONNREFUSED')
    store.get = (_sid, callback) => callback(gone)
    for (const path of ['/sign', '/auth/throw']) {
      const { headers } = await agent.get(path).expect(503)
      expect(headers['retry-after']).toBe('5')
      expect(headers['set-cookie']).toBeUndefined()
    }
    expect(errors[0]).toMatchObject({ code: 'ERR_STORE_UNAVAILABLE', cause: gone })
  })

  it.each(['/throw', '/auth/throw', '/auth/destroy', '/unset', '/auth/unset'])(
    'leaves the error of a route as it is: %s',
    async (path) => {
      const { app, errors } = application()
      const agent = supertest.agent(app)
      await agent.get('/sign').expect(200)
      await agent.get(path).expect(500)
      expect(errors).toEqual([new Error('a bug')])
    },
  )
})
