import type { RequestListener } from 'node:http'
import express, { type NextFunction, type Request, type Response } from 'express'
import session from 'express-session'
import { callback, login, logout, type RelyingPartyOptions, relyingParty, requireAuth } from '../../../src/index.js'
import { listen, type Running, SECRET } from './app.js'

/** An application with areas, each a sub-router with a `relyingParty` of its own. */
export interface Areas extends Running {
  readonly errors: unknown[]
}

/** Starts an application with areas: below each path `/login`, `/callback`, `/logout`, `/who` and a guarded `/`. */
export async function startAreas(
  areas: Readonly<Record<string, (url: string) => RelyingPartyOptions>>,
  createExpress = express,
): Promise<Areas> {
  const running = await listen()
  const errors: unknown[] = []
  const app = createExpress()
  app.use(session({ secret: SECRET, resave: false, saveUninitialized: false }))
  for (const [path, options] of Object.entries(areas)) {
    const router = createExpress.Router()
    router.use(relyingParty(options(running.url + path)))
    router.get('/login', login())
    router.all('/callback', callback())
    router.post('/logout', logout())
    router.get('/who', (req, res) => void res.json({ subject: req.auth.subject ?? null }))
    router.get('/', requireAuth(), (req, res) => void res.json(req.auth.claims))
    app.use(path, router)
  }
  app.use((error: unknown, _req: Request, _res: Response, next: NextFunction) => {
    errors.push(error)
    next(error)
  })
  running.server.on('request', app as RequestListener)
  return { ...running, errors }
}
