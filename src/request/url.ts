import type { Request } from 'express'

/**
 * Returns the path and query of a request. A request target in absolute form has a scheme and host before them, which say
 * no more than a `Host` header and are left out.
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
 * Returns the path and query by which the browser reached a request, below the origin. A proxy may have taken the path of
 * `baseUrl` off; then it is put back.
 */
export function publicUrl({ basePath }: { readonly basePath: string }, req: Request): string {
  const url = requestTarget(req)
  if (!basePath || url === basePath || url.startsWith(`${basePath}/`) || url.startsWith(`${basePath}?`)) return url
  return basePath + url
}

/** Returns the query of a request, without its question mark. */
export function requestQuery(req: Pick<Request, 'originalUrl'>): string {
  const target = requestTarget(req)
  const start = target.indexOf('?')
  return start < 0 ? '' : target.slice(start + 1)
}

/** The longest value of a query parameter that is read. In characters. */
const MAX_LENGTH = 8192

/** Returns the first parameter of the query by that name, unless it is too long. */
export function queryParameter(req: Request, name: string): string | undefined {
  const query = requestQuery(req)
  const value = query === '' ? null : new URLSearchParams(query).get(name)
  return value === null || value.length > MAX_LENGTH ? undefined : value
}

/** Returns a path as Express compares paths: without regard to case and a slash at the end. */
export function normalPath(path: string): string {
  return path.toLowerCase().replace(/\/$/, '')
}

/** Checks whether Express takes two paths for the same. */
export function isSamePath(one: string, other: string): boolean {
  return normalPath(one) === normalPath(other)
}
