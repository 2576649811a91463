// @ts-check
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { startProvider } from '../provider/index.js'
import { client, createApp } from './app.js'

/** The browser sees the application and the provider as different sites, as in production. */
const appHost = 'localhost'
const providerHost = '127.0.0.1'

const server = await onFreePort(portFrom('PORT', 3000), listen)
const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
const baseUrl = `http://${appHost}:${port}`
const provider = await onFreePort(portFrom('PROVIDER_PORT', 3001), startProviderAt)

const secret = randomBytes(32).toString('base64url')
const responseMode = process.env.RESPONSE_MODE === 'form_post' ? 'form_post' : 'query'
server.on('request', createApp({ baseUrl, issuer: provider.issuer, secret, responseMode }))

console.log(`
  Open ${baseUrl} in your browser.

  A local provider is running too. Press Ctrl+C to stop both.
`)

process.once('SIGINT', stop)
process.once('SIGTERM', stop)

async function stop() {
  server.close()
  server.closeAllConnections()
  await provider.close()
}

/** @param {number} wanted */
async function listen(wanted) {
  const listening = createServer().listen(wanted, appHost)
  await once(listening, 'listening')
  return listening
}

/** @param {number} wanted */
function startProviderAt(wanted) {
  const { clientId, clientSecret } = client
  return startProvider({
    host: providerHost,
    port: wanted,
    clients: [
      {
        client_id: clientId,
        client_secret: clientSecret,
        client_name: 'Quick start',
        redirect_uris: [`${baseUrl}/callback`],
        post_logout_redirect_uris: [`${baseUrl}/`],
      },
    ],
  })
}

/**
 * Starts a server on the wanted port, or on a free one if that port is in use.
 *
 * @template T
 * @param {number} wanted
 * @param {(port: number) => Promise<T>} start
 */
async function onFreePort(wanted, start) {
  try {
    return await start(wanted)
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EADDRINUSE') throw error
    console.log(`Port ${wanted} is in use. Using a free port instead.`)
    return start(0)
  }
}

/**
 * @param {string} variable
 * @param {number} preset
 */
function portFrom(variable, preset) {
  const port = Number(process.env[variable] ?? preset)
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new Error(`${variable} is not a port number.`)
  return port
}
