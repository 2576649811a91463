import express, { type NextFunction, type Request, type Response } from 'express'
import session from 'express-session'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { listen, type Running, SECRET } from '../support/bed/app.js'
import { muteExpress } from '../support/bed/bed.js'
import { UserAgent } from '../support/bed/userAgent.js'

type Package = typeof import('../../src/index.js')

let running: Running | undefined
beforeEach(muteExpress)
afterEach(() => running?.close())

async function load(): Promise<Package> {
  vi.resetModules()
  return import('../../src/index.js')
}

/** Starts an application with relyingParty() from one copy, and routes from another. */
async function start(front: Package, routes: Package): Promise<unknown[]> {
  const errors: unknown[] = []
  const app = express()
  app.use(session({ secret: SECRET, resave: false, saveUninitialized: false }))
  const provider = { issuer: 'http://localhost:1', clientId: 'app', clientSecret: 'secret' }
  app.use('/', front.relyingParty({ baseUrl: 'http://localhost', secret: SECRET, provider }))
  app.use('/api', front.resourceServer({ issuer: 'https://idp.example', audience: 'a', optional: true }))
  app.get('/login', routes.login())
  app.get('/profile', routes.requireAuth())
  app.get('/api/reports', routes.requireScope('reports:read'))
  app.use((error: unknown, _req: Request, res: Response, _next: NextFunction) => {
    errors.push(error)
    res.sendStatus(500)
  })
  running = await listen(app)
  return errors
}

it.each(['/login', '/profile', '/api/reports'])(
  'middleware of another copy of the package fails with an error that says so: %s',
  async (path) => {
    const errors = await start(await load(), await load())
    await new UserAgent().send(running?.url + path)
    expect(errors).toEqual([
      expect.objectContaining({
        code: 'ERR_CONFIGURATION',
        message: expect.stringContaining('another copy of express-relying-party'),
        hint: expect.stringContaining('npm ls express-relying-party'),
      }),
    ])
  },
)

it('middleware of one copy works together', async () => {
  const copy = await load()
  const errors = await start(copy, copy)
  expect((await new UserAgent().send(`${running?.url}/profile`)).status).toBe(303)
  expect(errors).toEqual([])
})

it('resourceServer() in front of login() is not mistaken for another copy', async () => {
  const { login, resourceServer } = await load()
  const errors: unknown[] = []
  const app = express()
  app.use(resourceServer({ issuer: 'https://idp.example', audience: 'a', optional: true }))
  app.get('/login', login(), (_req, res) => void res.end())
  app.use((error: unknown, _req: Request, res: Response, _next: NextFunction) => {
    errors.push(error)
    res.sendStatus(500)
  })
  running = await listen(app)
  await new UserAgent().send(`${running.url}/login`)
  expect(errors).toEqual([expect.objectContaining({ message: expect.stringContaining('needs relyingParty') })])
})
