// @ts-check
import { once } from 'node:events'
import { createServer } from 'node:http'
import express from 'express'
// The package's main entry prints a warning on Node.js 20, which this project supports; the class behind it is the same.
import { Provider } from 'oidc-provider/lib/provider.js'
import { createConfiguration } from './configuration.js'
import { interactionRoutes } from './interactions.js'
import { demoUsers } from './users.js'

/**
 * @typedef {object} ProviderOptions
 * @property {number} [port] default `0`, a free port
 * @property {string} [host] a loopback host, also used in the issuer; default `127.0.0.1`
 * @property {import('oidc-provider').ClientMetadata[]} [clients] the registered applications, with the RFCs' names;
 *   `grant_types` defaults to `authorization_code` and `refresh_token`
 * @property {import('./users.js').User[]} [users] who can sign in; default Ada, Grace and Alan
 * @property {string} [title] the name on the provider's pages
 * @property {import('./configuration.js').Lifetimes} [ttl] in seconds
 * @property {import('oidc-provider').Configuration['features']} [features] merged over the defaults
 * @property {boolean} [rotateRefreshToken] default `true`
 * @property {'offline_access' | 'always' | 'never'} [issueRefreshToken] when clients with the grant type get a refresh
 *   token; default `offline_access`, when that scope was granted
 * @property {import('oidc-provider').Configuration} [configuration] oidc-provider's configuration, merged over everything else
 * @property {string} [autoSignIn] signs this user in and approves without showing a page, or the user that `login_hint`
 *   names
 */

/**
 * @typedef {object} RunningProvider
 * @property {string} issuer
 * @property {number} port
 * @property {import('oidc-provider').Provider} provider
 * @property {(metadata: import('oidc-provider').ClientMetadata) => Promise<void>} addClient registers another
 *   application, or replaces one that was added this way
 * @property {() => Promise<void>} close stops listening and ends open connections
 */

/**
 * Starts an OpenID Provider on a loopback host, with its own sign-in, approval, logout and error pages.
 *
 * It is for experiments and tests: anyone who can reach it can sign in as any user, and it forgets everything when it
 * stops.
 *
 * @param {ProviderOptions} [options]
 * @returns {Promise<RunningProvider>}
 */
export async function startProvider(options = {}) {
  const {
    port = 0,
    host = '127.0.0.1',
    users = demoUsers,
    title = 'Local provider',
    clients = [],
    autoSignIn,
  } = options
  const configuration = await createConfiguration({ ...options, users, title, clients })
  const server = createServer().listen(port, host)
  await once(server, 'listening')
  const address = /** @type {import('node:net').AddressInfo} */ (server.address())
  const issuer = `http://${host}:${address.port}`

  try {
    const provider = new Provider(issuer, configuration)
    allowPlainHttpRedirects(provider)
    const app = express()
    app.disable('x-powered-by')
    app.use(interactionRoutes(provider, { users, title, autoSignIn }))
    app.use(provider.callback())
    server.on('request', app)
    await Promise.all(clients.map((client) => provider.Client.validate(client)))
    return {
      issuer,
      port: address.port,
      provider,
      addClient: (client) => addClient(provider, client),
      close: () => close(server),
    }
  } catch (error) {
    await close(server)
    throw error
  }
}

/** @param {import('node:http').Server} server */
async function close(server) {
  if (!server.listening) return
  const closed = once(server, 'close')
  server.close()
  server.closeAllConnections()
  await closed
}

/**
 * @param {import('oidc-provider').Provider} provider
 * @param {import('oidc-provider').ClientMetadata} metadata
 */
async function addClient(provider, metadata) {
  const { adapter } = /** @type {{ adapter: import('oidc-provider').Adapter }} */ (
    /** @type {unknown} */ (provider.Client)
  )
  await provider.Client.validate(metadata)
  await adapter.upsert(metadata.client_id, metadata)
}

/**
 * Lets web applications use `http` and `localhost` with response types that return an ID token from the authorization
 * endpoint. oidc-provider requires `https` for them, which loopback addresses do not have.
 *
 * @param {import('oidc-provider').Provider} provider
 */
function allowPlainHttpRedirects(provider) {
  const { Schema } = /** @type {{ Schema: { prototype: { invalidate(message: string, code?: string): void } } }} */ (
    /** @type {unknown} */ (provider.Client)
  )
  const { invalidate } = Schema.prototype
  /** @type {typeof invalidate} */
  Schema.prototype.invalidate = function invalidateUnlessLoopback(message, code) {
    if (code === 'implicit-force-https' || code === 'implicit-forbid-localhost') return
    invalidate.call(this, message, code)
  }
}
