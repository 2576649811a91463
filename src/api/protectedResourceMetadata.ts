import type { RequestHandler } from 'express'
import { configurationError } from '../errors.js'
import {
  assertOptions,
  type Check,
  object,
  oneOf,
  requireOption,
  type Shape,
  string,
  stringOrStrings,
} from '../lib/check.js'
import { defined } from '../lib/defined.js'
import { isLoopback } from '../lib/loopback.js'
import { requestTarget } from '../request/url.js'

/** Options of {@link protectedResourceMetadata}. All of them are public. */
export interface ProtectedResourceMetadataOptions {
  /** The URL where clients reach the API, the same as `resource` of `resourceServer`. */
  resource: string
  /** The issuers whose tokens the API accepts. */
  authorizationServers: string | readonly string[]
  /** The scopes that the routes of the API require. Default is none. */
  scopesSupported?: readonly string[]
  /** Where the API accepts tokens. Default is `['header']`. */
  bearerMethodsSupported?: readonly ('header' | 'body')[]
  /** The name of the API, for pages of the authorization server. Default is none. */
  resourceName?: string
  /** The URL of the developer documentation of the API. Default is none. */
  resourceDocumentation?: string
  /** More metadata, as named in RFC 9728 §2, such as `dpop_bound_access_tokens_required`. Default is none. */
  metadata?: Readonly<Record<string, unknown>>
}

/**
 * Checks the URL that identifies an API to its clients.
 *
 * @see [RFC 9728 §1.2](https://www.rfc-editor.org/rfc/rfc9728#section-1.2)
 */
export const checkResource: Check = (value) => {
  const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : undefined
  if (!url) return 'must be the URL of this API, as in https://api.example.com'
  if (url.hash || url.search || url.username) return 'must be a URL without query, fragment and user'
  if (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url))) return undefined
  return `uses ${url.protocol.slice(0, -1)}: write the https URL where clients reach this API, also behind a TLS proxy`
}

const SHAPE: Shape<ProtectedResourceMetadataOptions> = {
  resource: checkResource,
  authorizationServers: stringOrStrings,
  scopesSupported: stringOrStrings,
  bearerMethodsSupported: (value) =>
    Array.isArray(value) ? value.map(oneOf('header', 'body')).find((problem) => problem) : 'must be a list',
  resourceName: string,
  resourceDocumentation: string,
  metadata: object,
}

/**
 * Publishes the authorization servers and scopes of an API at its well-known path.
 *
 * For the resource `https://api.example.com/mcp`, that is `/.well-known/oauth-protected-resource/mcp`. The challenges of
 * `resourceServer` with the same `resource` point there, so that clients, such as those of MCP, need no configuration.
 *
 * Answers GET at that path, from any origin, and passes every other request on. Mount it at the root, before
 * `resourceServer`: clients must be able to read it without a token.
 *
 * @throws `ERR_CONFIGURATION` at construction
 * @see [RFC 9728](https://www.rfc-editor.org/rfc/rfc9728)
 *
 * @example
 * ```ts
 * const resource = 'https://api.example.com/mcp'
 * app.use(protectedResourceMetadata({ resource, authorizationServers: issuer, scopesSupported: ['mcp:tools'] }))
 * app.use('/mcp', resourceServer({ issuer, resource }))
 * ```
 */
export function protectedResourceMetadata(options: ProtectedResourceMetadataOptions): RequestHandler {
  const path = 'protectedResourceMetadata'
  assertOptions<ProtectedResourceMetadataOptions>(options, path, SHAPE)
  requireOption(options, path, 'resource', 'write the URL where clients reach the API')
  requireOption(options, path, 'authorizationServers', 'write the issuers whose tokens the API accepts')
  for (const name of ['resource', 'authorization_servers']) {
    if (!Object.hasOwn(options.metadata ?? {}, name)) continue
    throw configurationError(`${path}.metadata`, `must not contain ${name}`, 'use the option of that name')
  }
  const { pathname } = metadataUrl(options.resource)
  const body = JSON.stringify(toMetadata(options))

  return (req, res, next) => {
    if (requestTarget(req).split('?', 1)[0] !== pathname) return next()
    res.set('Access-Control-Allow-Origin', '*')
    if (req.method === 'OPTIONS') {
      res.set({ 'Access-Control-Allow-Methods': 'GET', 'Access-Control-Allow-Headers': '*' }).status(204).end()
    } else if (req.method === 'GET' || req.method === 'HEAD') {
      res.set('Cache-Control', 'public, max-age=3600').type('json').send(body)
    } else {
      res.set('Allow', 'GET, HEAD, OPTIONS').status(405).end()
    }
  }
}

function toMetadata(options: ProtectedResourceMetadataOptions): Record<string, unknown> {
  return {
    ...options.metadata,
    ...defined({
      resource: options.resource,
      authorization_servers: [options.authorizationServers].flat(),
      bearer_methods_supported: options.bearerMethodsSupported ?? ['header'],
      scopes_supported: options.scopesSupported,
      resource_name: options.resourceName,
      resource_documentation: options.resourceDocumentation,
    }),
  }
}

/**
 * Returns the URL of a resource's metadata: the well-known path goes between its host and path.
 *
 * @see [RFC 9728 §3.1](https://www.rfc-editor.org/rfc/rfc9728#section-3.1)
 */
export function metadataUrl(resource: string): URL {
  const { origin, pathname } = new URL(resource)
  return new URL(`${origin}/.well-known/oauth-protected-resource${pathname === '/' ? '' : pathname}`)
}
