import type { RequestHandler } from 'express'
import { assertOptions, type Shape } from '../lib/check.js'
import { isCrossSite, isSafe } from '../request/navigation.js'
import { crossSiteRequest } from '../request/refusals.js'
import { withCaller } from './guard.js'

/** Options of {@link requireSameOrigin}. */
export interface SameOriginOptions {
  /**
   * A header that only the application's own scripts send, such as `'X-Requested-With'`: a page of another origin can add
   * it only if CORS allows it. If set, a request without the header is refused, whatever `Sec-Fetch-Site` and `Origin`
   * are. Default is none.
   */
  header?: string
  /** Other origins whose pages may send requests, such as `'https://www.example.com'`. Default is none. */
  origins?: readonly string[]
}

const SHAPE: Shape<SameOriginOptions> = {
  header: (value) => (typeof value === 'string' && /^[\w-]+$/.test(value) ? undefined : 'must be the name of a header'),
  origins: (value) =>
    Array.isArray(value) && value.every((item) => typeof item === 'string' && isOrigin(item))
      ? undefined
      : 'must be a list of origins, as in https://www.example.com',
}

/**
 * Protects routes that rely on a cookie from cross-site request forgery (CSRF).
 *
 * A request passes if its method is safe, if it has an access token in the `Authorization` header, or if a page of this
 * application sent it. A token in a form body does not count, since a form on any site can contain one.
 *
 * `Sec-Fetch-Site`, or else `Origin`, identifies the page. A client that sends neither is not a current browser and
 * passes; use `header` to keep it out.
 *
 * @throws `ERR_CONFIGURATION` at construction; per request `ERR_CROSS_SITE_REQUEST`
 * @see [Fetch Metadata](https://www.w3.org/TR/fetch-metadata/)
 *
 * @example
 * ```ts
 * app.use('/account', requireSameOrigin())
 * ```
 */
export function requireSameOrigin(options: SameOriginOptions = {}): RequestHandler {
  assertOptions<SameOriginOptions>(options, 'requireSameOrigin', SHAPE)
  const { header, origins = [] } = options

  return withCaller('requireSameOrigin()', (caller, req, _res, next) => {
    const mayPass =
      isSafe(req) ||
      caller.byHeader === true ||
      ((!isCrossSite(req, caller.origin) || origins.includes(req.get('Origin') ?? '')) &&
        (header === undefined || req.get(header) !== undefined))
    next(mayPass ? undefined : crossSiteRequest(HINT))
  })
}

const HINT =
  'Sec-Fetch-Site or Origin names another origin than that of baseUrl or resource, or the header of ' +
  'requireSameOrigin({ header }) is missing; list other origins in requireSameOrigin({ origins })'

function isOrigin(value: string): boolean {
  return URL.canParse(value) && new URL(value).origin === value
}
