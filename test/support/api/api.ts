import express, { type Express, type RequestHandler } from 'express'
import request from 'supertest'
import { type ResourceServerOptions, requireScope, resourceServer } from '../../../src/index.js'
import { AUDIENCE } from '../provider/issuer.js'

/** An API under test: `/` for every accepted caller, `/reports` for the scope `reports:read`. */
export interface Api {
  readonly app: Express
  readonly errors: unknown[]
  /** Sends a GET with a token as Bearer, or with headers. */
  get(path: string, credentials?: string | Record<string, string>): request.Test
}

/** Creates an API behind `resourceServer`. */
export function createApi(
  issuer: ResourceServerOptions['issuer'],
  options: Partial<ResourceServerOptions> = {},
  settings: { before?: RequestHandler[]; routes?: (app: Express) => void; createExpress?: typeof express } = {},
): Api {
  const errors: unknown[] = []
  const app = (settings.createExpress ?? express)()
  app.set('env', 'test')
  for (const middleware of settings.before ?? []) app.use(middleware)
  app.use(resourceServer({ issuer, audience: AUDIENCE, ...options }))
  settings.routes?.(app)
  app.all('/', (req, res) => {
    const { isAuthenticated, kind, subject, scopes, provider } = req.auth
    res.json({ isAuthenticated, kind, subject, scopes, provider })
  })
  app.get('/reports', requireScope('reports:read'), (_req, res) => void res.json({ reports: [] }))
  app.use((error: unknown, _req: express.Request, _res: express.Response, next: express.NextFunction) => {
    errors.push(error)
    next(error)
  })
  return {
    app,
    errors,
    get: (path, credentials) =>
      request(app)
        .get(path)
        .set(typeof credentials === 'string' ? { Authorization: `Bearer ${credentials}` } : (credentials ?? {})),
  }
}
