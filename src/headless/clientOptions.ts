import { boolean, number, object, type Shape } from '../lib/check.js'
import { type HttpOptions, resolveHttp } from '../lib/http/httpOptions.js'
import { Provider } from '../provider/provider.js'
import type { ProviderOptions } from '../provider/providerOptions.js'
import { resolveProviderOptions } from '../provider/resolveOptions.js'
import { createProviderServices } from '../provider/services.js'

/** Options of a client that acts without an Express request. */
export interface ClientOptions {
  /** The provider, and this application's registration there. */
  provider: ProviderOptions
  /** Allows `http` for a non-loopback host. Anyone on the way can read the tokens. */
  allowInsecureHttp?: boolean
  /** How far clocks may differ. In seconds. Default is `30`, limit `300`. */
  clockTolerance?: number
  /** A token is renewed when it expires within this time. In seconds. Default is `60`. */
  refreshBefore?: number
  http?: HttpOptions
}

export const CLIENT_SHAPE: Shape<ClientOptions> = {
  provider: object,
  allowInsecureHttp: boolean,
  clockTolerance: number('seconds', 0, 300),
  refreshBefore: number('seconds', 0, 3600),
  http: object,
}

/** {@link ClientOptions}, checked and defaulted. */
export interface ResolvedClient {
  readonly provider: Provider
  readonly refreshBefore: number
  readonly allowInsecureHttp: boolean
  readonly fetch: typeof fetch | undefined
}

/** Checks and defaults what clients have in common. @throws `ERR_CONFIGURATION` */
export function resolveClient(options: ClientOptions, path: string): ResolvedClient {
  const { allowInsecureHttp = false, clockTolerance = 30, refreshBefore = 60 } = options
  const http = resolveHttp(options.http, `${path}.http`, allowInsecureHttp)
  // There is no browser to answer to, and so no form_post to worry about.
  const context = { allowInsecureHttp, baseUrlIsSecure: true, baseUrlIsLoopback: false }
  const provider = resolveProviderOptions(options.provider, `${path}.provider`, context)
  const services = createProviderServices(http, clockTolerance)
  return { provider: new Provider('default', provider, services), refreshBefore, allowInsecureHttp, fetch: http.fetch }
}
