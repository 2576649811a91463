import type { SessionOptions } from '../../src/index.js'

/** How a process of the application is set up. */
export interface ServerSettings {
  readonly baseUrl: string
  /** The first encrypts and signs, all decrypt and verify. */
  readonly secrets: readonly string[]
  readonly issuer: string
  readonly clientSecret: string
  readonly scope: string
  readonly redisUrl?: string
  readonly postgresUrl?: string
  /** Whether `relyingParty` is given a shared `AuthStore`. */
  readonly shared: boolean
  /** `relyingParty`'s option of that name. */
  readonly session: SessionOptions
  /** How long a process that is told to stop still accepts connections. In milliseconds. */
  readonly drain: number
  /** In milliseconds. */
  readonly clockOffset: number
}

/** Puts the clock forward. In milliseconds. */
export interface ToServer {
  readonly clockOffset: number
}

export type FromServer =
  | { readonly port: number }
  | { readonly clockOffset: number }
  /** The refresh token of a record is about to be sent, or what came of it is stored, or all is over. In milliseconds since the epoch. */
  | { readonly refresh: 'sent' | 'stored' | 'over'; readonly record: string; readonly at: number }
