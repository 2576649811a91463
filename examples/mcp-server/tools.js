// @ts-check
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'

/** @typedef {import('express-relying-party').Auth} Auth */

/**
 * @typedef {object} Tool
 * @property {string} description
 * @property {readonly string[]} scopes the scopes that a call requires
 * @property {(auth: Auth) => string} run
 */

/** @type {Tool} */
const whoAmI = {
  description: 'Returns the user of the access token',
  scopes: [],
  run: ({ subject, scopes }) => `You are ${subject}, with the scopes ${scopes.join(', ')}.`,
}

/** @type {Tool} */
const listReports = {
  description: 'Lists the reports',
  scopes: ['reports:read'],
  run: () => 'Two reports: Q1 sales, Q2 sales.',
}

/** @type {Tool} */
const publishReport = {
  description: 'Publishes the next report',
  scopes: ['reports:read', 'reports:write'],
  run: ({ subject }) => `${subject} published Q3 sales.`,
}

/** @type {ReadonlyMap<string, Tool>} */
export const tools = new Map([
  ['who_am_i', whoAmI],
  ['list_reports', listReports],
  ['publish_report', publishReport],
])

/**
 * Creates the MCP server for one request, whose tools know the caller.
 *
 * @param {Auth} auth
 */
export function createMcpServer(auth) {
  const server = new McpServer({ name: 'reports', version: '1.0.0' })
  for (const [name, { description, run }] of tools) {
    server.registerTool(name, { description }, () => ({ content: [{ type: 'text', text: run(auth) }] }))
  }
  return server
}
