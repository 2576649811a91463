import { callable, checkOptions, number, type Shape } from './check.js'
import type { HttpLimits } from './fetch.js'

/** Options of requests to providers. */
export interface HttpOptions {
  /** In seconds, for a whole request. Default is `5`, limit `60`. */
  timeout?: number
  /** In bytes, of a response body. Default is `1048576`. */
  maxResponseSize?: number
  /** Replaces the built-in client, for instance to go through a proxy. Redirects must not be followed. */
  fetch?: typeof fetch
}

const SHAPE: Shape<HttpOptions> = {
  timeout: number('seconds', 0.01, 60),
  maxResponseSize: number('bytes', 1024, 67_108_864),
  fetch: callable,
}

/** Checks and defaults the options of requests to providers. @throws `ERR_CONFIGURATION` */
export function resolveHttp(options: HttpOptions = {}, path: string, allowInsecureHttp: boolean): HttpLimits {
  checkOptions<HttpOptions>(options, path, SHAPE)
  const { timeout = 5, maxResponseSize = 1_048_576, fetch } = options
  return Object.freeze({ timeout, maxResponseSize, allowInsecureHttp, ...(fetch ? { fetch } : {}) })
}
