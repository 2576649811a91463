import type { CustomFetch } from 'openid-client'

/** How this package talks to providers. */
export interface HttpLimits {
  /** In seconds, for the whole exchange. */
  readonly timeout: number
  /** In bytes, of a response body, decoded. */
  readonly maxResponseSize: number
  /** How many requests to one origin are in progress at once. Default is {@link MAX_CONNECTIONS}. */
  readonly maxConnections?: number
  /** Whether connections to private and other special addresses are refused. Default is `false`. */
  readonly refusePrivateAddresses?: boolean
  /** Whether `http` is allowed for a non-loopback host. Default is `false`. */
  readonly allowInsecureHttp?: boolean
  /** Replaces the built-in client, for proxies or tests. */
  readonly fetch?: typeof fetch
}

export type Init = Parameters<CustomFetch>[1]
export type Send = (url: string, init: Init) => Promise<Response>

/** The default of {@link HttpLimits.maxConnections}. */
export const MAX_CONNECTIONS = 50
