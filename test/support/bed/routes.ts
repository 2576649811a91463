import type { Express } from 'express'
import { gate, until } from '../run/waiting.js'

/** Adds a route that keeps something in the session of anyone: `/basket?add=tea`. */
export function basket(app: Express): void {
  app.get('/basket', (req, res) => {
    const session = req.session as unknown as { basket?: string }
    if (typeof req.query.add === 'string') session.basket = req.query.add
    res.json({ basket: session.basket ?? null, sessionID: req.sessionID })
  })
}

/** Routes that wait for a gate, of which each request has its own. */
export function gatedRoutes(): {
  routes: (app: Express) => void
  /** Resolves when a request to a gated route has begun; opening lets it end. */
  begun: () => Promise<{ open: () => void }>
} {
  const waiting: { open: () => void }[] = []
  const begin = async () => {
    const { open, opened } = gate()
    waiting.push({ open })
    await opened
  }
  return {
    routes(app) {
      app.get('/slow-token', async (req, res, next) => {
        await begin()
        await req.auth.getAccessToken().then((token) => res.json({ token }), next)
      })
      app.get('/slow-save', async (req, res) => {
        await begin()
        Object.assign(req.session, { basket: ['book'] })
        res.json({ saved: true })
      })
    },
    async begun() {
      await until(() => waiting.length > 0)
      return waiting.shift() as { open: () => void }
    },
  }
}
