import type { Request } from 'express'
import { requestQuery } from '../request/url.js'
import type { ResourceServerConfig } from './config.js'

/** An access token as the request presents it. */
export interface Credentials {
  readonly scheme: 'Bearer' | 'DPoP'
  readonly place: 'header' | 'body'
  /** Unverified. */
  readonly token: string
}

/** The longest accepted token. In characters. */
const MAX_TOKEN = 16_384

const SCHEME = /^(?:bearer|dpop)(?![^\s,])/i
const CREDENTIALS = /^(?:(bearer)|dpop) +([\w\-.~+/]+=*)$/i
const TOKEN = /^[\w\-.~+/]+=*$/

/**
 * Reads the access token of a request, unverified. There must be one token, in one place.
 *
 * The place is the `Authorization` header or, if allowed, a form body. A token in the query only counts as a second place
 * and is never accepted.
 *
 * @returns `undefined` if there is no token, or its scheme is not accepted
 * @see [RFC 6750 §2](https://www.rfc-editor.org/rfc/rfc6750#section-2)
 */
export function readCredentials(
  req: Request,
  { allowBodyToken, dpop }: Pick<ResourceServerConfig, 'allowBodyToken' | 'dpop'>,
): Credentials | 'malformed' | undefined {
  const { authorization } = req.headers
  const bodyToken = req.body === undefined ? undefined : formToken(req)
  if (authorization === undefined) {
    if (bodyToken === undefined || !allowBodyToken) return undefined
    return hasQueryToken(req) ? 'malformed' : parseBodyToken(bodyToken)
  }
  const credentials = parseAuthorization(authorization)
  if (credentials === undefined) return undefined
  if (credentials !== 'malformed' && credentials.scheme === 'DPoP' && !dpop) return undefined
  return bodyToken !== undefined || hasQueryToken(req) || isRepeated(req) ? 'malformed' : credentials
}

/**
 * Reads an `Authorization` header: `Bearer` or `DPoP`, in any case, and one token68.
 *
 * @returns `undefined` for any other scheme
 * @see [RFC 6750 §2.1](https://www.rfc-editor.org/rfc/rfc6750#section-2.1)
 * @see [RFC 9449 §7.1](https://www.rfc-editor.org/rfc/rfc9449#section-7.1)
 */
function parseAuthorization(header: string): Credentials | 'malformed' | undefined {
  const match = CREDENTIALS.exec(header)
  if (!match) return SCHEME.test(header) ? 'malformed' : undefined
  const [, bearer, token = ''] = match
  return token.length > MAX_TOKEN ? 'malformed' : { scheme: bearer ? 'Bearer' : 'DPoP', place: 'header', token }
}

/**
 * Reads the `access_token` parameter of a form body.
 *
 * @see [RFC 6750 §2.2](https://www.rfc-editor.org/rfc/rfc6750#section-2.2)
 */
function parseBodyToken(value: unknown): Credentials | 'malformed' {
  if (typeof value !== 'string' || value.length > MAX_TOKEN || !TOKEN.test(value)) return 'malformed'
  return { scheme: 'Bearer', place: 'body', token: value }
}

/** Reads `access_token` from a parsed form body. */
function formToken(req: Request): unknown {
  const body: unknown = req.body
  if (typeof body !== 'object' || body === null || !Object.hasOwn(body, 'access_token')) return undefined
  if (req.method === 'GET' || !req.is('application/x-www-form-urlencoded')) return undefined
  return (body as { access_token: unknown }).access_token
}

function hasQueryToken(req: Request): boolean {
  const query = requestQuery(req)
  return query !== '' && new URLSearchParams(query).has('access_token')
}

/** Node keeps only the first of several `Authorization` headers, so count the raw ones. */
function isRepeated({ rawHeaders }: Request): boolean {
  let found = 0
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string
    if (name.length === 13 && name.toLowerCase() === 'authorization') found += 1
  }
  return found > 1
}
