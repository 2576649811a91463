import type { Request } from 'express'

/**
 * Checks whether a request is a browser navigating to a page, not a script fetching data.
 *
 * @see [Fetch Metadata §2](https://www.w3.org/TR/fetch-metadata/)
 */
export function isNavigation(req: Request): boolean {
  if (req.method !== 'GET' && req.method !== 'HEAD') return false
  return asksForPage(req)
}

/** Checks the same for any method: posting a form is a navigation too. */
export function asksForPage(req: Request): boolean {
  if (req.get('X-Requested-With') !== undefined) return false
  const mode = req.get('Sec-Fetch-Mode')
  if (mode !== undefined && mode !== 'navigate') return false
  return /\b(text\/html|application\/xhtml\+xml)\b/i.test(req.get('Accept') ?? '')
}

/**
 * Checks whether a page of another origin sent a request. A client that sends neither `Sec-Fetch-Site` nor `Origin` is
 * not a current browser and is let through.
 */
export function isCrossSite(req: Request, origin: string | undefined): boolean {
  const site = req.get('Sec-Fetch-Site')
  if (site !== undefined) return site !== 'same-origin' && site !== 'none'
  const from = req.get('Origin')
  return from !== undefined && from !== origin
}

/**
 * Checks whether the method of a request is safe, that is, asks for no change.
 *
 * @see [RFC 9110 §9.2.1](https://www.rfc-editor.org/rfc/rfc9110#section-9.2.1)
 */
export function isSafe({ method }: Request): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS' || method === 'TRACE'
}

/** Checks whether a request only asks about a route (HEAD, OPTIONS, TRACE). Such a request must not start or end anything. */
export function isInquiry(req: Request): boolean {
  return isSafe(req) && req.method !== 'GET'
}
