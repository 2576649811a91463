import type { Request } from 'express'
import { requestQuery } from '../request/url.js'
import type { ResourceServerConfig } from './config.js'
import { type Credentials, parseAuthorization, parseBodyToken } from './token/credentials.js'

/**
 * Reads the access token of a request: one token, in one place.
 *
 * The place is the `Authorization` header, or where that is allowed, a form body. A token in the query counts only as a
 * second place, never as a token.
 *
 * @returns `undefined` where there is none, or one by a scheme that is not accepted
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

/** Reads `access_token` of a form that was parsed. */
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

/** Node keeps the first of several `Authorization` headers; the raw ones tell whether there are more. */
function isRepeated({ rawHeaders }: Request): boolean {
  let found = 0
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string
    if (name.length === 13 && name.toLowerCase() === 'authorization') found += 1
  }
  return found > 1
}
