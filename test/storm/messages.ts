/** How a process of the application is set up. */
export interface ServerSettings {
  readonly baseUrl: string
  readonly secret: string
  readonly issuer: string
  readonly clientSecret: string
  readonly scope: string
  readonly redisUrl?: string
  readonly postgresUrl?: string
  /** In milliseconds. */
  readonly clockOffset: number
}

/** What a process has counted since it started. */
export interface Told {
  readonly refreshed: number
  readonly failed: number
  readonly ended: number
}

export type ToServer = { readonly clockOffset: number } | { readonly ask: true }

export type FromServer = { readonly port: number } | { readonly told: Told }
