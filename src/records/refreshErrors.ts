import { RelyingPartyError } from '../errors.js'
import { defined } from '../lib/defined.js'
import type { TokenRecord } from './record.js'
import type { RefreshGoal } from './refreshRequest.js'

/** Returns a record whose access token is still valid. Otherwise, or with a goal, throws the error. */
export function whileValid(record: TokenRecord, error: RelyingPartyError, goal: RefreshGoal | undefined): TokenRecord {
  if (goal || !isValid(record)) throw error
  return record
}

/** Checks whether the access token of a record has not expired. */
export function isValid({ accessTokenExpiresAt = Number.POSITIVE_INFINITY }: TokenRecord): boolean {
  return accessTokenExpiresAt * 1000 > Date.now()
}

/**
 * The session cannot be refreshed for now.
 *
 * @param until - in milliseconds since the epoch
 * @param code - the error code of the failed request
 */
export function unavailable(until: number, code?: string): RelyingPartyError {
  return notNow(
    until,
    'the session could not be refreshed a moment ago: try again shortly',
    'the provider failed to refresh it or takes long, or another process holds the lock; see the event session.refresh_failed',
    code,
  )
}

/** The provider is down for this process. `until` as in {@link unavailable}. */
export function down(until: number): RelyingPartyError {
  return notNow(
    until,
    'the sign-in provider is unavailable: try again shortly',
    'its latest token requests failed, so that only one is sent at a time until it answers again; see the event ' +
      'session.refresh_failed',
    'ERR_PROVIDER_UNAVAILABLE',
  )
}

/** The queue of a provider did not move in time. */
export function crowded(): RelyingPartyError {
  return notNow(
    Date.now(),
    'too many sessions are refreshed at once: try again shortly',
    'the provider answers too slowly for session.maxRefreshes token requests at a time: see duration in session.refreshed',
  )
}

function notNow(until: number, message: string, hint: string, code?: string): RelyingPartyError {
  const seconds = Math.max(1, Math.ceil((until - Date.now()) / 1000))
  return new RelyingPartyError('ERR_PROVIDER_UNAVAILABLE', message, {
    headers: { 'Retry-After': String(seconds) },
    hint,
    ...defined({ cause: code === undefined ? undefined : { failedWith: code } }),
  })
}
