import type { Request } from 'express'

/**
 * Gives the path and query by which the browser reached a request, below the origin. A proxy may have taken the path of
 * `baseUrl` off; then it is put back.
 */
export function publicUrl({ basePath }: { readonly basePath: string }, req: Request): string {
  const url = req.originalUrl
  if (!basePath || url === basePath || url.startsWith(`${basePath}/`) || url.startsWith(`${basePath}?`)) return url
  return basePath + url
}

/** The longest value of a query parameter that is read. In characters. */
const MAX_LENGTH = 8192

/** Returns the first parameter of the query by that name, unless it is too long. */
export function queryParameter(req: Request, name: string): string | undefined {
  const start = req.originalUrl.indexOf('?')
  const value = start < 0 ? null : new URLSearchParams(req.originalUrl.slice(start)).get(name)
  return value === null || value.length > MAX_LENGTH ? undefined : value
}
