import { configurationError } from '../errors.js'
import { isLoopback } from './loopback.js'

/** Throws unless an issuer identifier is a URL with an allowed scheme and without query or fragment. */
export function assertIssuerUrl(issuer: string, path: string, allowInsecureHttp: boolean): void {
  const url = URL.canParse(issuer) ? new URL(issuer) : undefined
  if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw configurationError(`${path}.issuer`, 'is not a URL', `include the scheme, as in https://${issuer}`)
  }
  if (url.search || url.hash) {
    throw configurationError(`${path}.issuer`, 'has a query or fragment', 'remove it: an issuer identifier has neither')
  }
  if (url.pathname.includes('/.well-known/')) {
    throw configurationError(
      `${path}.issuer`,
      'is the metadata URL',
      `write ${issuer.replace(/\/\.well-known\/.*$/, '')}`,
    )
  }
  if (url.protocol === 'http:' && !isLoopback(url) && !allowInsecureHttp) {
    throw configurationError(
      `${path}.issuer`,
      'uses http for a non-loopback host',
      'use https, or set allowInsecureHttp',
    )
  }
}
