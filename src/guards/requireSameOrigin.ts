import type { RequestHandler } from 'express'
import { assertOptions, type Shape } from '../lib/check.js'
import { isCrossSite, isSafe } from '../request/navigation.js'
import { crossSiteRequest } from '../request/refusals.js'
import { type AuthContext, authContext } from './caller.js'

/** Options of {@link requireSameOrigin}. */
export interface SameOriginOptions {
  /**
   * A header that only the application's own scripts send, such as `'X-Requested-With'`: a page of another origin cannot
   * add it without being allowed to by CORS. A request must have it, whatever `Sec-Fetch-Site` and `Origin` say.
   * Default is none.
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
 * Protects routes that a cookie opens against requests of other sites (CSRF): lets those requests through that change
 * nothing, that have an access token in the `Authorization` header, or that come from a page of this application. A token
 * in a form body exempts from nothing, since a form of any site can have one.
 *
 * `Sec-Fetch-Site`, or else `Origin`, shows where a request comes from. A client that sends neither is no current browser
 * and is let through; `header` keeps it out.
 *
 * @throws `ERR_CONFIGURATION` at construction; at a request `ERR_CROSS_SITE_REQUEST`
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

  return (req, _res, next) => {
    let context: AuthContext
    try {
      context = authContext(req, 'requireSameOrigin()')
    } catch (error) {
      next(error)
      return
    }
    const mayPass =
      isSafe(req) ||
      context.byHeader === true ||
      ((!isCrossSite(req, context.origin) || origins.includes(req.get('Origin') ?? '')) &&
        (header === undefined || req.get(header) !== undefined))
    next(mayPass ? undefined : crossSiteRequest(HINT))
  }
}

const HINT =
  'Sec-Fetch-Site or Origin names another origin than that of baseUrl or resource, or the header of ' +
  'requireSameOrigin({ header }) is missing; list other origins in requireSameOrigin({ origins })'

function isOrigin(value: string): boolean {
  return URL.canParse(value) && new URL(value).origin === value
}
