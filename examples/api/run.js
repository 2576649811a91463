// @ts-check
import { once } from 'node:events'
import { createServer } from 'node:http'
import { startProvider } from '../provider/index.js'
import { callApi } from './client.js'
import { createApi } from './server.js'

const clientId = 'report-reader'
const clientSecret = 'no-secret-outside-of-this-demo'

/**
 * Starts an authorization server and an API, calls the API, and prints what happens.
 *
 * @param {(line: string) => void} say
 */
export async function run(say) {
  const provider = await startProvider({
    clients: [
      {
        client_id: clientId,
        client_secret: clientSecret,
        redirect_uris: [],
        response_types: [],
        grant_types: ['client_credentials'],
      },
    ],
    features: { clientCredentials: { enabled: true }, resourceIndicators: { enabled: true } },
  })
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  const { issuer } = provider
  const resource = `http://127.0.0.1:${port}`
  server.on('request', createApi({ issuer, audience: resource }))

  try {
    await callApi({ issuer, clientId, clientSecret, resource }, say)
  } finally {
    server.close()
    server.closeAllConnections()
    await provider.close()
  }
}
