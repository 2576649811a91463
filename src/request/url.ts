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

/** Gives the first parameter of the query by that name. */
export function queryParameter(req: Request, name: string): string | undefined {
  const start = req.originalUrl.indexOf('?')
  return start < 0 ? undefined : (new URLSearchParams(req.originalUrl.slice(start)).get(name) ?? undefined)
}
