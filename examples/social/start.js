// @ts-check
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { startShapes } from '../shapes/index.js'
import { createApp, providersAt } from './app.js'

/** Starts the application and the imitations of its providers, on free loopback ports. */
export async function startSocial() {
  const shapes = await startShapes()
  const server = createServer().listen(Number(process.env.PORT ?? 0), 'localhost')
  await once(server, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  const baseUrl = `http://localhost:${port}`
  const secret = randomBytes(32).toString('base64url')
  server.on('request', createApp({ baseUrl, secret, providers: providersAt(shapes) }))
  return {
    baseUrl,
    async close() {
      server.close()
      server.closeAllConnections()
      await shapes.close()
    },
  }
}
