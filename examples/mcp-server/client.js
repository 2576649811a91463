// @ts-check
import { randomBytes } from 'node:crypto'
import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'

/** @typedef {import('@modelcontextprotocol/sdk/client/auth.js').OAuthClientProvider} OAuthClientProvider */
/** @typedef {import('@modelcontextprotocol/sdk/shared/auth.js').OAuthClientInformationMixed} ClientInformation */

/**
 * @typedef {object} ClientOptions
 * @property {string} serverUrl
 * @property {string} redirectUrl the URL that receives the code
 * @property {(url: URL) => Promise<URL>} authorize sends the user to a URL; resolves to the URL they return to
 * @property {ClientInformation} [registration] default: the client registers dynamically
 * @property {typeof fetch} [fetch]
 */

/**
 * Connects an MCP client that only knows the address of the server. If the server requires a token, the client discovers the
 * authorization server, asks the user, and tries again.
 *
 * @param {ClientOptions} options
 */
export async function connect({ serverUrl, redirectUrl, authorize, registration, fetch }) {
  const memory = createMemory(redirectUrl, registration)
  const { client, transport } = await attempt()

  /** @returns {Promise<{ client: Client, transport: StreamableHTTPClientTransport }>} */
  async function attempt() {
    const client = new Client({ name: 'example client', version: '1.0.0' })
    const authProvider = memory.provider
    const transport = new StreamableHTTPClientTransport(new URL(serverUrl), {
      authProvider,
      ...(fetch ? { fetch } : {}),
    })
    try {
      await client.connect(/** @type {import('@modelcontextprotocol/sdk/shared/transport.js').Transport} */ (transport))
    } catch (error) {
      if (!(error instanceof UnauthorizedError)) throw error
      await authorizeWith(transport)
      return attempt()
    }
    return { client, transport }
  }

  /** @param {StreamableHTTPClientTransport} transport */
  async function authorizeWith(transport) {
    await transport.finishAuth(memory.readCode(await authorize(memory.authorizationUrl())))
  }

  return {
    /** Lists the names of the tools. */
    async tools() {
      const { tools } = await client.listTools()
      return tools.map(({ name }) => name)
    },
    /**
     * Calls a tool. If the server requires more scopes, asks the user for them once.
     *
     * @param {string} name
     */
    async call(name) {
      const { content } = await client.callTool({ name }).catch(async (error) => {
        if (!(error instanceof UnauthorizedError)) throw error
        await authorizeWith(transport)
        return client.callTool({ name })
      })
      return /** @type {{ text: string }[]} */ (content).map(({ text }) => text).join('\n')
    },
    /** Returns the current access token, for inspection. */
    accessToken: () => memory.accessToken(),
    close: () => client.close(),
  }
}

/**
 * Creates the storage of a client, as the SDK requires it. A real client keeps it where other users cannot read it.
 *
 * @param {string} redirectUrl
 * @param {ClientInformation} [registration]
 */
function createMemory(redirectUrl, registration) {
  let state = ''
  /** @type {import('@modelcontextprotocol/sdk/shared/auth.js').OAuthTokens | undefined} */
  let tokens
  let codeVerifier = ''
  /** @type {URL | undefined} */
  let authorizationUrl
  /** @type {import('@modelcontextprotocol/sdk/client/auth.js').OAuthDiscoveryState | undefined} */
  let discovery

  /** @type {OAuthClientProvider} */
  const provider = {
    redirectUrl,
    clientMetadata: {
      client_name: 'Example MCP client',
      redirect_uris: [redirectUrl],
      grant_types: ['authorization_code'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    },
    state() {
      state = randomBytes(16).toString('base64url')
      return state
    },
    discoveryState: () => discovery,
    saveDiscoveryState(found) {
      discovery = found
    },
    clientInformation: () => registration,
    saveClientInformation(information) {
      registration = information
    },
    tokens: () => tokens,
    saveTokens(received) {
      tokens = received
    },
    codeVerifier: () => codeVerifier,
    saveCodeVerifier(verifier) {
      codeVerifier = verifier
    },
    redirectToAuthorization(url) {
      authorizationUrl = url
    },
  }
  return {
    provider,
    accessToken: () => tokens?.access_token,
    authorizationUrl() {
      if (!authorizationUrl) throw new Error('The client was not sent to an authorization server.')
      return authorizationUrl
    },
    /**
     * Returns the code of an authorization response, after checking that it belongs to the request of this client.
     *
     * @param {URL} response
     */
    readCode({ searchParams }) {
      if (searchParams.get('state') !== state) throw new Error('The response belongs to another request.')
      const issuer = searchParams.get('iss')
      if (issuer !== null && issuer !== discovery?.authorizationServerMetadata?.issuer) {
        throw new Error('The response comes from another authorization server.')
      }
      const code = searchParams.get('code')
      if (!code) throw new Error(`The authorization server returned the error ${searchParams.get('error')}.`)
      return code
    },
  }
}
