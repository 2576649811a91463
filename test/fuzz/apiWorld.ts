import type { ErrorRequestHandler } from 'express'
import express from 'express'
import { type ResourceServerOptions, requireAuth, requireScope, resourceServer } from '../../src/index.js'
import type { World } from './harness.js'
import { FakeProvider, ISSUER } from './relyingPartyWorld.js'

export const AUDIENCE = 'https://api.example.com'

export interface ApiWorld extends World {
  readonly provider: FakeProvider
}

/** Creates an API whose tokens are those of a provider in this process. */
export function createApiWorld(options: Partial<ResourceServerOptions> = {}, provider = new FakeProvider()): ApiWorld {
  const errors: unknown[] = []
  const app = express()
  app.set('env', 'test')
  app.use(express.urlencoded({ extended: false, limit: 1_000_000 }))
  app.use(resourceServer({ issuer: ISSUER, resource: AUDIENCE, http: { fetch: provider.fetch }, ...options }))
  app.all('/', requireAuth(), (req, res) => void res.json({ subject: req.auth.subject, scopes: req.auth.scopes }))
  app.all('/reports', requireScope('reports:read'), (_req, res) => void res.json({}))
  const keep: ErrorRequestHandler = (error, _req, _res, next) => {
    errors.push(error)
    next(error)
  }
  app.use(keep)
  return { app, errors, provider }
}

/** The claims of a sound access token. */
export function accessTokenClaims(): Record<string, unknown> {
  const now = Math.floor(Date.now() / 1000)
  return {
    iss: ISSUER,
    sub: 'ada',
    aud: AUDIENCE,
    iat: now,
    exp: now + 300,
    jti: Math.random().toString(36),
    client_id: 'app',
    scope: 'openid reports:read',
  }
}
