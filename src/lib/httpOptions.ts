import { configurationError } from '../errors.js'
import { boolean, callable, checkOptions, number, type Shape } from './check.js'
import { defined } from './defined.js'
import { type HttpLimits, MAX_CONNECTIONS } from './httpLimits.js'

/** Options of requests to providers. */
export interface HttpOptions {
  /** For a whole request. In seconds. Default is `5`, limit `60`. */
  timeout?: number
  /** Of a response body, once it is decoded. In bytes. Default is `1048576`, limit `67108864`. */
  maxResponseSize?: number
  /**
   * How many requests to one origin are in progress at once, and so the most connections. Up to 1,000 others wait, each
   * for `timeout`; then, and beyond, the provider counts as unavailable (503). Default is `50`, limit `1000`.
   */
  maxConnections?: number
  /**
   * Refuses to connect to private, loopback, link-local, unique-local, carrier-grade NAT and other special addresses,
   * checked at connection time, so that a name cannot change in between. For issuers that others choose, such as
   * tenants. Cannot be combined with `fetch`; no proxy is used. Default is `false`.
   */
  refusePrivateAddresses?: boolean
  /** Replaces the built-in client, for instance to go through a proxy. Redirects must not be followed. */
  fetch?: typeof fetch
}

const SHAPE: Shape<HttpOptions> = {
  timeout: number('seconds', 0.01, 60),
  maxResponseSize: number('bytes', 1024, 67_108_864),
  maxConnections: (value) =>
    Number.isInteger(value) ? number('connections', 1, 1000)(value) : 'must be a whole number of connections',
  refusePrivateAddresses: boolean,
  fetch: callable,
}

/** Checks and defaults the options of requests to providers. @throws `ERR_CONFIGURATION` */
export function resolveHttp(options: HttpOptions = {}, path: string, allowInsecureHttp: boolean): HttpLimits {
  checkOptions<HttpOptions>(options, path, SHAPE)
  const { timeout = 5, maxResponseSize = 1_048_576, maxConnections = MAX_CONNECTIONS, fetch } = options
  const { refusePrivateAddresses = false } = options
  if (refusePrivateAddresses && fetch) {
    throw configurationError(
      `${path}.refusePrivateAddresses`,
      'cannot be combined with fetch',
      'the built-in client checks the address that it connects to; check it in your fetch, or leave fetch out',
    )
  }
  return Object.freeze({
    timeout,
    maxResponseSize,
    maxConnections,
    refusePrivateAddresses,
    allowInsecureHttp,
    ...defined({ fetch }),
  })
}
