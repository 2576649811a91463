import type { CustomFetch } from 'openid-client'

/**
 * Wraps a `fetch` so that the token endpoint's `scope` may be a JSON array: RFC 6749 §5.1 has a list separated by spaces,
 * and some providers write the list as one.
 */
export function acceptScopeLists(fetch: CustomFetch, tokenEndpoint: string | undefined): CustomFetch {
  return async (url, options) => {
    const response = await fetch(url, options)
    if (url !== tokenEndpoint || response.status !== 200) return response
    const body: unknown = await response
      .clone()
      .json()
      .catch(() => undefined)
    if (typeof body !== 'object' || body === null || !('scope' in body) || !isList(body.scope)) return response
    const { status, headers } = response
    return Response.json({ ...body, scope: body.scope.join(' ') }, { status, headers: withoutLength(headers) })
  }
}

function isList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}

function withoutLength(headers: Headers): Headers {
  const copied = new Headers(headers)
  copied.delete('content-length')
  return copied
}
