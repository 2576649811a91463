// @ts-check
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { startProvider } from '../provider/index.js'

/** The application and the provider are different sites to a browser, as they are in earnest. */
const appHost = 'localhost'
const providerHost = '127.0.0.1'

/** @typedef {import('node:http').RequestListener} RequestListener */

/**
 * What an application needs to know in order to start.
 *
 * @typedef {object} Setting
 * @property {string} baseUrl where browsers reach it
 * @property {string} issuer the provider
 * @property {string} secret at least 32 characters of chance
 */

/**
 * @typedef {object} Example
 * @property {(setting: Setting) => RequestListener | Promise<RequestListener>} createApp
 * @property {import('oidc-provider').ClientMetadata} [registration] at the provider; it gets the redirect URIs too
 * @property {import('../provider/index.js').ProviderOptions} [providerOptions]
 * @property {(provider: import('../provider/index.js').RunningProvider) => void} [prepareProvider] adds what it lacks
 */

/**
 * @typedef {object} RunningExample
 * @property {string} baseUrl
 * @property {import('../provider/index.js').RunningProvider} provider
 * @property {() => Promise<void>} close stops the application and the provider
 */

/**
 * Starts an application and a local provider for it, each on a free port of this machine.
 *
 * @param {Example} example
 * @returns {Promise<RunningExample>}
 */
export async function startExample({ createApp, registration, providerOptions, prepareProvider }) {
  const server = createServer().listen(Number(process.env.PORT ?? 0), appHost)
  await once(server, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  const baseUrl = `http://${appHost}:${port}`
  const provider = await startProvider({ host: providerHost, ...providerOptions })
  prepareProvider?.(provider)
  if (registration) {
    await provider.addClient({
      redirect_uris: [`${baseUrl}/callback`],
      post_logout_redirect_uris: [`${baseUrl}/`],
      ...registration,
    })
  }
  const secret = randomBytes(32).toString('base64url')
  server.on('request', await createApp({ baseUrl, issuer: provider.issuer, secret }))
  return { baseUrl, provider, close }

  async function close() {
    server.close()
    server.closeAllConnections()
    await provider.close()
  }
}

/**
 * Starts a further server, such as that of an API, on the provider's host. It does not keep the process running.
 *
 * @param {RequestListener} listener
 * @returns {Promise<string>} its URL
 */
export async function startBeside(listener) {
  const server = createServer(listener).listen(0, providerHost).unref()
  await once(server, 'listening')
  return `http://${providerHost}:${/** @type {import('node:net').AddressInfo} */ (server.address()).port}`
}

/**
 * Starts an example until Ctrl+C, and says what to do with it.
 *
 * @param {Example} example
 * @param {(running: RunningExample) => string | Promise<string>} instruction
 */
export async function runExample(example, instruction) {
  const running = await startExample(example)
  process.once('SIGINT', running.close)
  process.once('SIGTERM', running.close)
  console.log(await instruction(running))
}
