import type { Request } from 'express'

/**
 * Tells whether a request is a browser going to a page, rather than a script fetching data.
 *
 * @see [Fetch Metadata §2](https://www.w3.org/TR/fetch-metadata/)
 */
export function isNavigation(req: Request): boolean {
  if (req.method !== 'GET' && req.method !== 'HEAD') return false
  return asksForPage(req)
}

/** The same, whatever the method: a form that is posted is a navigation too. */
export function asksForPage(req: Request): boolean {
  if (req.get('X-Requested-With') !== undefined) return false
  const mode = req.get('Sec-Fetch-Mode')
  if (mode !== undefined && mode !== 'navigate') return false
  return /\b(text\/html|application\/xhtml\+xml)\b/i.test(req.get('Accept') ?? '')
}

/**
 * Tells whether a request was sent by a page of another origin. A client that sends neither `Sec-Fetch-Site` nor
 * `Origin` is no browser of today, and is let through.
 */
export function isCrossSite(req: Request, origin: string | undefined): boolean {
  const site = req.get('Sec-Fetch-Site')
  if (site !== undefined) return site !== 'same-origin' && site !== 'none'
  const from = req.get('Origin')
  return from !== undefined && from !== origin
}

/**
 * Tells whether a request asks for no change, by its method.
 *
 * @see [RFC 9110 §9.2.1](https://www.rfc-editor.org/rfc/rfc9110#section-9.2.1)
 */
export function isSafe({ method }: Request): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS' || method === 'TRACE'
}

/** Tells whether a request only asks about a route, without going there as a GET does: nothing may begin or end by it. */
export function isInquiry(req: Request): boolean {
  return isSafe(req) && req.method !== 'GET'
}
