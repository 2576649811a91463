import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { browserOf } from '../../examples/mcp-server/browser.js'
import { connect } from '../../examples/mcp-server/client.js'
import { run } from '../../examples/mcp-server/run.js'
import { createMcpApp } from '../../examples/mcp-server/server.js'
import { listen, type Running, startLocalProvider } from '../support/bed/app.js'

const REDIRECT_URL = 'http://127.0.0.1/callback'

describe('an MCP server behind resourceServer', () => {
  let provider: Awaited<ReturnType<typeof startLocalProvider>>
  const servers: Running[] = []

  beforeAll(async () => {
    provider = await startLocalProvider({
      features: { registration: { enabled: true }, resourceIndicators: { enabled: true } },
    })
  })

  afterAll(async () => {
    await Promise.all(servers.map((server) => server.close()))
    await provider.close()
  })

  async function startServer(options: { scopesSupported?: string[] } = {}): Promise<string> {
    const server = await listen()
    servers.push(server)
    const resource = `${server.url}/mcp`
    server.server.on('request', createMcpApp({ resource, issuer: provider.issuer, ...options }))
    return resource
  }

  async function connectAs(user: string, serverUrl: string, options: Partial<Parameters<typeof connect>[0]> = {}) {
    const authorize = browserOf(user, REDIRECT_URL)
    return connect({ serverUrl, redirectUrl: REDIRECT_URL, authorize, ...options })
  }

  function post(url: string, token: string, body: unknown): Promise<Response> {
    return fetch(url, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        accept: 'application/json, text/event-stream',
        'content-type': 'application/json',
      },
      body: JSON.stringify(body),
    })
  }

  it("leads the official SDK's client, which knows only the server's address, to a token and to the tools", async () => {
    const client = await connectAs('ada', await startServer())
    expect(await client.tools()).toEqual(['who_am_i', 'list_reports', 'publish_report'])
    expect(await client.call('who_am_i')).toBe('You are ada, with the scopes reports:read, reports:write.')
    expect(await client.call('publish_report')).toBe('ada published Q3 sales.')
    await client.close()
  })

  it('serves a client that is already registered, and lets it request more scopes when a tool needs them', async () => {
    await provider.addClient({
      client_id: 'mcp-client',
      redirect_uris: [REDIRECT_URL],
      grant_types: ['authorization_code'],
      token_endpoint_auth_method: 'none',
    })
    const asked: (string | null)[] = []
    const browser = browserOf('ada', REDIRECT_URL)
    const client = await connectAs('ada', await startServer({ scopesSupported: ['reports:read'] }), {
      registration: { client_id: 'mcp-client' },
      authorize(url) {
        asked.push(url.searchParams.get('scope'))
        return browser(url)
      },
    })
    expect(await client.call('who_am_i')).toBe('You are ada, with the scopes reports:read.')
    expect(await client.call('publish_report')).toBe('ada published Q3 sales.')
    expect(asked).toEqual(['reports:read', 'reports:read reports:write'])
    await client.close()
  })

  it('refuses only the tool whose scopes the user cannot have', async () => {
    const client = await connectAs('grace', await startServer())
    expect(await client.call('list_reports')).toBe('Two reports: Q1 sales, Q2 sales.')
    await expect(client.call('publish_report')).rejects.toThrow('403')
    await client.close()
  })

  it('refuses the token of another MCP server at the same authorization server', async () => {
    const [here, there] = [await startServer(), await startServer()]
    const client = await connectAs('ada', here)
    const token = client.accessToken() ?? ''
    const list = { jsonrpc: '2.0', id: 1, method: 'tools/list' }
    expect((await post(here, token, list)).status).toBe(200)
    const refused = await post(there, token, list)
    expect(refused.status).toBe(401)
    expect(refused.headers.get('www-authenticate')).toContain('error="invalid_token"')
    await client.close()
  })

  it.each([
    ['one message', (call: unknown) => call],
    ['a batch', (call: unknown) => [{ jsonrpc: '2.0', id: 2, method: 'ping' }, call]],
  ])('asks for the scopes of a tool that is called by %s', async (_, bodyOf) => {
    const url = await startServer()
    const body = bodyOf({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'publish_report' } })
    const [ada, grace] = [await connectAs('ada', url), await connectAs('grace', url)]
    const allowed = await post(url, ada.accessToken() ?? '', body)
    expect(await allowed.text()).toContain('ada published Q3 sales.')
    const refused = await post(url, grace.accessToken() ?? '', body)
    expect(refused.status).toBe(403)
    expect(await refused.text()).not.toContain('published')
    await Promise.all([ada.close(), grace.close()])
  })
})

describe('the example program', () => {
  it('prints the steps from the first challenge to the refused tool in order', async () => {
    const lines: string[] = []
    await run((line) => lines.push(line))
    const told = lines.join('\n')
    const steps = [
      /ada connects/,
      /POST \S+\/mcp → 401\n +Bearer resource_metadata="\S+\/\.well-known\/oauth-protected-resource\/mcp"/,
      /oauth-protected-resource\/mcp → 200/,
      /oauth-authorization-server → 200/,
      /\/reg → 201/,
      /scope: reports:read reports:write\n +resource: \S+\/mcp\n +code_challenge_method: S256/,
      /comes back with code, state, iss/,
      /\/token → 200/,
      /publish_report: ada published/,
      /grace connects/,
      /list_reports: Two reports/,
      /POST \S+\/mcp → 403\n +Bearer error="insufficient_scope", scope="reports:read reports:write"/,
      /publish_report: refused/,
    ]
    expect(told).toMatch(new RegExp(steps.map(({ source }) => source).join('[^]*')))
  })
})
