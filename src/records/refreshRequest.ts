import type { RelyingPartyError } from '../errors.js'
import type { SendOptions } from '../lib/http/httpOptions.js'
import type { RecordFields, TokenRecord, Tokens } from './record.js'

/** The result of a token request: the fields of the record that replaces the old one, and its tokens. */
export interface RefreshResult {
  readonly fields: RecordFields
  readonly tokens: Tokens
  /**
   * Called once the tokens are stored: returns fields that replace those of the record, if any. A failure leaves the record
   * as it is, but `ERR_LOGIN_REFUSED` ends the session.
   */
  readonly followUp?: (stored: TokenRecord) => Promise<RecordFields | undefined>
}

/** A request to the provider for new tokens. */
export interface RefreshRequest {
  /** Loads everything else that is needed, so that nothing delays the request once the lock is confirmed. */
  prepare(): Promise<void>
  /** Sends the refresh token. Rejects with `ERR_SESSION_ENDED` if the provider no longer accepts it. */
  send(record: TokenRecord, tokens: Tokens, sending: SendOptions): Promise<RefreshResult>
}

/** The purpose of a token request that is not made because the session's access token is about to expire. */
export interface RefreshGoal {
  /** Identifies the goal among those of one session. */
  readonly key: string
  /** Whether the goal is about the session's own access token. */
  readonly ofSession: boolean
  /** Checks whether a record meets the goal already. */
  isMet(record: TokenRecord): boolean
}

/** How long a refresh took. In milliseconds. */
export interface RefreshTimes {
  /** From the first request that needed it until the refresh token was sent: in the queue, and for the lock. */
  readonly waited: number
  /** From sending the refresh token until the new tokens were stored. */
  readonly duration: number
}

/** Options of a `Refresher`. All times in seconds. */
export interface RefreshOptions {
  /** An access token that expires within this time is refreshed; a short-lived one, after half its lifetime. */
  readonly before: number
  /** How long a request waits for a refresh whose access token is no longer valid. */
  readonly wait: number
  /** How long the provider may take to answer. */
  readonly timeout: number
  /** How many token requests to one provider may be in progress at once. */
  readonly max: number
  /** Called when a session ends because its refresh token or its user was refused, or its tokens cannot be decrypted. */
  readonly onEnded?: (record: TokenRecord, reason: 'refresh_refused' | 'login_refused' | 'unreadable') => void
  /** Called when `followUp` failed. */
  readonly onFollowUpFailed?: (record: TokenRecord, error: unknown) => void
  readonly onRefreshed?: (record: TokenRecord, times: RefreshTimes) => void
  readonly onFailed?: (record: TokenRecord, error: RelyingPartyError, times: RefreshTimes) => void
  /** Called when another process took the lock while this one held it, so that both sent the refresh token. */
  readonly onOverlap?: () => void
}
