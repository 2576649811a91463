import { boolean, number, object, type Shape } from '../lib/check.js'
import { type HttpOptions, resolveHttp } from '../lib/http/httpOptions.js'
import { Provider } from '../provider/provider.js'
import type { ProviderOptions } from '../provider/providerOptions.js'
import { resolveProviderOptions } from '../provider/resolveOptions.js'
import { createProviderServices } from '../provider/services.js'

/** Options of clients that work outside Express requests. */
export interface ClientOptions {
  /** The provider, and this application's registration there. */
  provider: ProviderOptions
  /** Allows `http` for non-loopback hosts. Anyone on the network path can read the tokens. Default is `false`. */
  allowInsecureHttp?: boolean
  /** How far clocks may differ. In seconds. Default is `30`, limit `300`. */
  clockTolerance?: number
  /** How long before its expiry a token is refreshed. In seconds. Default is `60`, limit `3600`. */
  refreshBefore?: number
  /** Options of requests to the provider. */
  http?: HttpOptions
}

/** The checks of {@link ClientOptions}. */
export const CLIENT_SHAPE: Shape<ClientOptions> = {
  provider: object,
  allowInsecureHttp: boolean,
  clockTolerance: number('seconds', 0, 300),
  refreshBefore: number('seconds', 0, 3600),
  http: object,
}

/** {@link ClientOptions}, checked and defaulted. */
interface ResolvedClient {
  readonly provider: Provider
  readonly refreshBefore: number
  readonly allowInsecureHttp: boolean
  readonly fetch: typeof fetch | undefined
}

/** Checks and defaults the options that clients share. @throws `ERR_CONFIGURATION` */
export function resolveClient(options: ClientOptions, path: string): ResolvedClient {
  const { allowInsecureHttp = false, clockTolerance = 30, refreshBefore = 60 } = options
  const http = resolveHttp(options.http, `${path}.http`, allowInsecureHttp)
  // No browser is involved, so form_post cannot fail.
  const context = { allowInsecureHttp, baseUrlIsSecure: true, baseUrlIsLoopback: false }
  const provider = resolveProviderOptions(options.provider, `${path}.provider`, context)
  const services = createProviderServices(http, clockTolerance)
  return { provider: new Provider('default', provider, services), refreshBefore, allowInsecureHttp, fetch: http.fetch }
}
