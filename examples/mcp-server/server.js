// @ts-check
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import express from 'express'
import { protectedResourceMetadata, requireScope, resourceServer } from 'express-relying-party'
import { createMcpServer, tools } from './tools.js'

/** An unchecked message. @typedef {{ method?: unknown, params?: { name?: unknown } | null } | null} Message */

/**
 * Creates an MCP server that accepts access tokens of one authorization server.
 *
 * @param {object} options
 * @param {string} options.resource the URL where clients reach the server
 * @param {string} options.issuer the authorization server
 * @param {readonly string[]} [options.scopesSupported] the scopes for clients to request initially
 */
export function createMcpApp({ resource, issuer, scopesSupported = ['reports:read', 'reports:write'] }) {
  const app = express()
  const { pathname } = new URL(resource)

  // #region The protection
  app.use(protectedResourceMetadata({ resource, authorizationServers: issuer, scopesSupported }))
  app.use(pathname, resourceServer({ resource, issuer, typ: 'at+jwt' }))
  // #endregion

  app.post(pathname, express.json(), requireToolScopes, answer)
  app.all(pathname, (_req, res) => {
    res.set('Allow', 'POST').status(405).end()
  })
  app.use(sendError)
  return app
}

/**
 * Requires the scopes of the called tools before any of them runs. A client that lacks some gets a challenge that names
 * them, and can ask the user for more.
 *
 * @param {express.Request} req
 * @param {express.Response} res
 * @param {express.NextFunction} next
 */
function requireToolScopes(req, res, next) {
  const scopes = new Set(called(req.body).flatMap((name) => tools.get(name)?.scopes ?? []))
  if (scopes.size === 0) return next()
  requireScope(...scopes)(req, res, next)
}

/**
 * Returns the names of the tools that a message, or a batch of messages, calls.
 *
 * @param {unknown} body
 * @returns {string[]}
 */
function called(body) {
  const messages = /** @type {Message[]} */ ([body].flat())
  return messages.flatMap((message) => {
    const name = message?.method === 'tools/call' ? message.params?.name : undefined
    return typeof name === 'string' ? [name] : []
  })
}

/**
 * @param {express.Request} req
 * @param {express.Response} res
 */
async function answer(req, res) {
  const server = createMcpServer(req.auth)
  const transport = new StreamableHTTPServerTransport({ enableJsonResponse: true })
  res.on('close', () => server.close())
  await server.connect(transport)
  // Never undefined: the transport would then read a body that the guard has not seen.
  const body = req.body ?? null
  await transport.handleRequest(/** @type {import('node:http').IncomingMessage} */ (req), res, body)
}

/**
 * Responds with the status, headers (such as `WWW-Authenticate`) and code of the error, and nothing else.
 *
 * @param {{ status?: number, headers?: Record<string, string>, code?: string }} error
 * @param {express.Request} _req
 * @param {express.Response} res
 * @param {express.NextFunction} next
 */
function sendError(error, _req, res, next) {
  if (res.headersSent) return next(error)
  res
    .status(error.status ?? 500)
    .set(error.headers ?? {})
    .json({ error: error.code ?? 'server_error' })
}
