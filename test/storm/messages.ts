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
  /** How far the refresh of a record is. In milliseconds since the epoch. */
  | { readonly refresh: RefreshStep; readonly record: string; readonly at: number }

/**
 * The steps of a refresh: its lock is taken; its refresh token is about to be sent; what came of it is stored; the lock is
 * about to be released.
 */
export type RefreshStep = 'locked' | 'sent' | 'stored' | 'over'
