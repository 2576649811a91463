import type { Request } from 'express'

/**
 * Returns the path and query of a request. The scheme and host of a target in absolute form are dropped: like a `Host`
 * header, they come from the client.
 *
 * @see [RFC 9112 §3.2.2](https://www.rfc-editor.org/rfc/rfc9112#section-3.2.2)
 */
export function requestTarget({ originalUrl }: Pick<Request, 'originalUrl'>): string {
  if (originalUrl.startsWith('/')) return originalUrl
  const [prefix] = /^[a-z][a-z\d+.-]*:\/\/[^/?#\\]*/i.exec(originalUrl) ?? []
  if (prefix === undefined) return originalUrl
  const target = originalUrl.slice(prefix.length)
  return target.startsWith('/') ? target : `/${target}`
}

/**
 * Returns the path and query that the browser requested. If a proxy stripped the path of `baseUrl`, it is added back.
 */
export function publicUrl({ basePath }: { readonly basePath: string }, req: Request): string {
  const url = requestTarget(req)
  if (!basePath || url === basePath || url.startsWith(`${basePath}/`) || url.startsWith(`${basePath}?`)) return url
  return basePath + url
}

/** Returns the query of a request without the question mark. */
export function requestQuery(req: Pick<Request, 'originalUrl'>): string {
  const target = requestTarget(req)
  const start = target.indexOf('?')
  return start < 0 ? '' : target.slice(start + 1)
}

/** Returns a path or URL without its query and fragment. */
export function withoutQuery(url: string): string {
  const [path = url] = url.split(/[?#]/, 1)
  return path
}

/** The maximum length of a query parameter. In characters. */
const MAX_LENGTH = 8192

/** Returns the first query parameter of that name, unless it is too long. */
export function queryParameter(req: Request, name: string): string | undefined {
  const query = requestQuery(req)
  const value = query === '' ? null : new URLSearchParams(query).get(name)
  return value === null || value.length > MAX_LENGTH ? undefined : value
}

/** Normalizes a path as Express compares paths: case-insensitive, without a trailing slash. */
export function normalPath(path: string): string {
  return path.toLowerCase().replace(/\/$/, '')
}

/** Checks whether two paths are the same to Express. */
export function isSamePath(one: string, other: string): boolean {
  return normalPath(one) === normalPath(other)
}

/**
 * Normalizes a path further: each segment is percent-encoded in one way, since proxies may decode characters that need not
 * be encoded. A slash or percent sign stays encoded.
 */
export function canonicalPath(path: string): string {
  return normalPath(path.split('/').map(reencode).join('/'))
}

function reencode(segment: string): string {
  try {
    return encodeURIComponent(decodeURIComponent(segment))
  } catch {
    return segment
  }
}
