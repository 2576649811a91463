import type { Check } from '../lib/check.js'
import { isLoopback } from '../lib/loopback.js'

/**
 * Accepts the URL by which an API is known to its clients.
 *
 * @see [RFC 9728 §1.2](https://www.rfc-editor.org/rfc/rfc9728#section-1.2)
 */
export const resourceIdentifier: Check = (value) => {
  const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : undefined
  if (!url) return 'must be the URL of this API, as in https://api.example.com'
  if (url.hash || url.search || url.username) return 'must be a URL without query, fragment and user'
  if (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url))) return undefined
  return `uses ${url.protocol.slice(0, -1)}: write the https URL where clients reach this API, also behind a TLS proxy`
}

/**
 * Returns where the metadata of a protected resource is: the well-known path goes between its host and path.
 *
 * @see [RFC 9728 §3.1](https://www.rfc-editor.org/rfc/rfc9728#section-3.1)
 */
export function metadataUrl(resource: string): URL {
  const { origin, pathname } = new URL(resource)
  return new URL(`${origin}/.well-known/oauth-protected-resource${pathname === '/' ? '' : pathname}`)
}
