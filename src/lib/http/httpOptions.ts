import { configurationError } from '../../errors.js'
import { assertOptions, boolean, callable, number, type Shape, whole } from '../check.js'
import { defined } from '../defined.js'

/** The default of {@link HttpOptions.maxConnections}. */
export const MAX_CONNECTIONS = 50

/**
 * How long a provider may take to answer a refresh unless an option says otherwise: the answer may hold the only valid
 * refresh token. In seconds.
 */
export const REFRESH_TIMEOUT = 60

/** Options of requests to providers. */
export interface HttpOptions {
  /** Timeout of a whole request. In seconds. Default is `5`, limit `60`. */
  timeout?: number
  /** Maximum size of a response body once decoded. In bytes. Default is `1048576`, limit `67108864`. */
  maxResponseSize?: number
  /**
   * How many requests to one origin may be in progress at once, each on its own connection. Up to 1,000 more wait, each
   * for at most `timeout`; any others fail as if the provider were unavailable (503). Default is `50`, limit `1000`.
   */
  maxConnections?: number
  /**
   * Refuses to connect to private, loopback, link-local, unique-local, carrier-grade NAT and other special addresses.
   * The address is checked at connection time, which defeats DNS rebinding. Use it if others, such as tenants, choose
   * issuers. Cannot be combined with `fetch`; no proxy is used. Default is `false`.
   */
  refusePrivateAddresses?: boolean
  /** Replaces the built-in client, for instance to use a proxy. It must not follow redirects. */
  fetch?: typeof fetch
}

/** {@link HttpOptions}, checked and defaulted. */
export type HttpLimits = Readonly<
  HttpOptions &
    Required<Pick<HttpOptions, 'timeout' | 'maxResponseSize'>> & {
      /** Whether `http` is allowed for a non-loopback host. Default is `false`. */
      allowInsecureHttp?: boolean
    }
>

/** How one request differs from others to the same provider. */
export interface SendOptions {
  /** Timeout of the whole request. In seconds. */
  readonly timeout: number
  /** Called right before the request is written. What it throws, the request fails with. */
  readonly beforeSend?: () => void
}

const SHAPE: Shape<HttpOptions> = {
  timeout: number('seconds', 0.01, 60),
  maxResponseSize: number('bytes', 1024, 67_108_864),
  maxConnections: whole('connections', 1, 1000),
  refusePrivateAddresses: boolean,
  fetch: callable,
}

/** Checks and defaults the options of requests to providers. @throws `ERR_CONFIGURATION` */
export function resolveHttp(options: HttpOptions = {}, path: string, allowInsecureHttp: boolean): HttpLimits {
  assertOptions<HttpOptions>(options, path, SHAPE)
  const { timeout = 5, maxResponseSize = 1_048_576, maxConnections = MAX_CONNECTIONS, fetch } = options
  const { refusePrivateAddresses = false } = options
  if (refusePrivateAddresses && fetch) {
    throw configurationError(
      `${path}.refusePrivateAddresses`,
      'cannot be combined with fetch',
      'only the built-in client checks addresses: remove fetch, or check them in it',
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
