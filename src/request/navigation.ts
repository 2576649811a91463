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
  if (req.get('X-Requested-With') !== undefined || isSubresource(req)) return false
  const mode = req.get('Sec-Fetch-Mode')
  if (mode !== undefined && mode !== 'navigate') return false
  return /\b(text\/html|application\/xhtml\+xml)\b/i.test(req.get('Accept') ?? '')
}

/**
 * Checks whether a browser loads part of a page (an image, a script, a frame), a page in advance (a prefetch), or a
 * response that a script of another site cannot read. Always `false` without Fetch Metadata.
 *
 * A navigation forwarded by a service worker has the mode `navigate` and the destination `empty`.
 *
 * @see [Fetch Metadata §2.1](https://www.w3.org/TR/fetch-metadata/#sec-fetch-dest-header)
 * @see [Fetch: Sec-Purpose](https://fetch.spec.whatwg.org/#sec-purpose-header)
 */
export function isSubresource(req: Request): boolean {
  if (PURPOSES.some((name) => /\b(prefetch|prerender|preview)\b/i.test(req.get(name) ?? ''))) return true
  const destination = req.get('Sec-Fetch-Dest') || 'document'
  if (destination !== 'empty') return destination !== 'document'
  return isSafe(req) && req.get('Sec-Fetch-Mode') !== 'navigate' && req.get('Sec-Fetch-Site') === 'cross-site'
}

/** Headers that mark requests in advance, the current one first. */
const PURPOSES = ['Sec-Purpose', 'Purpose', 'X-Purpose', 'X-Moz']

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
 * Checks whether a POST arrives without `SameSite=Lax` cookies, because a page of another site sent it. Other origins of
 * the same site do not count.
 */
export function isWithoutLaxCookies(req: Request, origin: string): boolean {
  if (req.method !== 'POST') return false
  const site = req.get('Sec-Fetch-Site')
  return site === undefined ? isCrossSite(req, origin) : site === 'cross-site'
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
