// @ts-check
import { once } from 'node:events'
import { createServer } from 'node:http'
import { startProvider } from '../provider/index.js'
import { browserOf } from './browser.js'
import { connect } from './client.js'
import { createMcpApp } from './server.js'

/** Nothing needs to listen here: the browser of this example stops when it is redirected to the client. */
const redirectUrl = 'http://127.0.0.1/callback'

/**
 * Starts an authorization server and an MCP server, connects two clients, and prints what happens.
 *
 * @param {(line: string) => void} say
 */
export async function run(say) {
  const provider = await startProvider({
    autoSignIn: 'ada',
    features: { registration: { enabled: true }, resourceIndicators: { enabled: true } },
  })
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  const serverUrl = `http://127.0.0.1:${port}/mcp`
  server.on('request', createMcpApp({ resource: serverUrl, issuer: provider.issuer }))
  say(`The MCP server is ${serverUrl}, the authorization server ${provider.issuer}.`)

  try {
    await useAs('ada', serverUrl, say)
    await useAs('grace', serverUrl, say)
  } finally {
    server.close()
    server.closeAllConnections()
    await provider.close()
  }
}

/**
 * @param {string} user
 * @param {string} serverUrl
 * @param {(line: string) => void} say
 */
async function useAs(user, serverUrl, say) {
  say(`\n${user} connects a client that knows only the address of the MCP server:`)
  const browser = browserOf(user, redirectUrl)
  const client = await connect({
    serverUrl,
    redirectUrl,
    fetch: loggingFetch(say),
    async authorize(url) {
      say(`  the browser goes to ${url.origin}${url.pathname}`)
      for (const name of ['scope', 'resource', 'code_challenge_method']) {
        say(`    ${name}: ${url.searchParams.get(name)}`)
      }
      const back = await browser(url)
      say(`  the browser comes back with ${[...back.searchParams.keys()].join(', ')}`)
      return back
    },
  })
  say(`Its tools: ${(await client.tools()).join(', ')}`)
  for (const tool of ['who_am_i', 'list_reports', 'publish_report']) {
    const result = await client.call(tool).catch((error) => `refused: ${error.message}`)
    say(`${tool}: ${result}`)
  }
  await client.close()
}

/** The purpose of a request, by its path. @type {[RegExp, string][]} */
const purposes = [
  [/oauth-protected-resource/, 'which server issues access tokens for it (RFC 9728)'],
  [/oauth-authorization-server|openid-configuration/, 'the endpoints of that server (RFC 8414)'],
  [/\/reg$/, 'the client registers itself (RFC 7591)'],
  [/\/token$/, 'exchanges the code and the PKCE verifier for an access token'],
]

/**
 * Creates a `fetch` that prints each request and its response.
 *
 * @param {(line: string) => void} say
 * @returns {typeof fetch}
 */
function loggingFetch(say) {
  return async (input, init) => {
    const response = await fetch(input, init)
    const url = input instanceof Request ? input.url : String(input)
    const [, purpose] = purposes.find(([path]) => path.test(url)) ?? []
    say(`  ${init?.method ?? 'GET'} ${url} → ${response.status}${purpose ? `: ${purpose}` : ''}`)
    const challenge = response.headers.get('www-authenticate')
    if (challenge) say(`    ${challenge}`)
    return response
  }
}
