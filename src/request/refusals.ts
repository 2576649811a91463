import type { Request } from 'express'
import { type ErrorCode, RelyingPartyError } from '../errors.js'
import { isCrossSite, isSubresource } from './navigation.js'

/**
 * Refuses a method that a route does not accept, with 405 and `Allow`.
 *
 * @param code - the code of the error
 * @param mounting - how to mount the route, as a line of code
 * @throws `code`
 * @see [RFC 9110 §15.5.6](https://www.rfc-editor.org/rfc/rfc9110#section-15.5.6)
 */
export function assertMethod(req: Request, allowed: readonly string[], code: ErrorCode, mounting: string): void {
  if (allowed.includes(req.method)) return
  throw new RelyingPartyError(code, `this address accepts ${allowed.join(' and ')} only`, {
    status: 405,
    headers: { Allow: allowed.join(', ') },
    hint: `mount it as ${mounting}`,
  })
}

/**
 * Refuses a request that a page of another origin sent.
 *
 * @throws `ERR_CROSS_SITE_REQUEST`
 */
export function assertSameOrigin(req: Request, origin: string): void {
  if (isCrossSite(req, origin)) throw crossSiteRequest()
}

/** Builds the error for a request that a page of another origin sent. */
export function crossSiteRequest(
  hint = 'Sec-Fetch-Site or Origin names another origin than relyingParty.baseUrl: send the request from a page of the ' +
    'application; behind a proxy, check that baseUrl is the address users see',
): RelyingPartyError {
  return new RelyingPartyError('ERR_CROSS_SITE_REQUEST', 'the request was not sent by a page of this application', {
    hint,
  })
}

/**
 * Refuses requests for which `isSubresource` is true, so that they start and end nothing. A browser discards a failed
 * prefetch, and requests the page again when the user opens it.
 *
 * @throws `ERR_NOT_NAVIGATED`
 */
export function assertNoSubresource(req: Request): void {
  if (!isSubresource(req)) return
  throw new RelyingPartyError(
    'ERR_NOT_NAVIGATED',
    'this page cannot be embedded in another page or loaded in advance',
    {
      headers: { 'Cache-Control': 'no-store' },
      hint: 'Sec-Fetch-* or Sec-Purpose shows that an image, frame, script or prefetch requested it: link to it instead',
      cause: {
        'sec-fetch-dest': req.get('Sec-Fetch-Dest'),
        'sec-fetch-site': req.get('Sec-Fetch-Site'),
        'sec-purpose': req.get('Sec-Purpose') ?? req.get('Purpose') ?? req.get('X-Moz'),
      },
    },
  )
}
