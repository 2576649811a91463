// @ts-check
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { startProvider } from '../provider/index.js'

/** The browser sees the application and the provider as different sites, as in production. */
const appHost = 'localhost'
const providerHost = '127.0.0.1'

/** @typedef {import('node:http').RequestListener} RequestListener */

/**
 * What an application needs to start.
 *
 * @typedef {object} Setting
 * @property {string} baseUrl the URL that browsers use
 * @property {string} issuer the provider's issuer
 * @property {string} secret at least 32 random characters
 */

/**
 * @typedef {object} Example
 * @property {(setting: Setting) => RequestListener | Promise<RequestListener>} createApp
 * @property {import('oidc-provider').ClientMetadata} [registration] at the provider, without the redirect URIs, which are added
 * @property {import('../provider/index.js').ProviderOptions} [providerOptions]
 * @property {(provider: import('../provider/index.js').RunningProvider) => void} [prepareProvider] changes the provider before the application starts
 */

/**
 * @typedef {object} RunningExample
 * @property {string} baseUrl
 * @property {import('../provider/index.js').RunningProvider} provider
 * @property {() => Promise<void>} close stops the application and the provider
 */

/**
 * Starts an application and its local provider, each on a free loopback port.
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
 * Starts another server, such as an API, on the provider's host. It does not keep the process running.
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
 * Runs an example until Ctrl+C, and prints what to do with it.
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
