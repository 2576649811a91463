import type { Request } from 'express'
import { assertOptions } from '../lib/check.js'
import type { TokenRecord } from '../records/record.js'
import { handleOf } from '../records/subjects.js'
import { sessionCallerOf } from '../session/sessionCaller.js'
import { OWNER_SHAPE, type OwnerOptions, ownerOf } from './owner.js'

/** Whose sessions {@link listSessions} returns. */
export type ListSessionsOptions = OwnerOptions

/** A session of a user. All times in seconds since the epoch. */
export interface UserSession {
  /** Identifies the session for `endSession()`. Not a secret: it opens nothing. */
  readonly id: string
  /** The provider's name. */
  readonly provider: string
  /** When the user signed in. */
  readonly openedAt: number
  /** The latest sign of use that is stored: the login, or the last refresh of the access token. */
  readonly lastSeenAt: number
  /** The end of the session, however active the user is. */
  readonly endsAt: number
  /**
   * The `User-Agent` header of the login, up to 200 printable ASCII characters. From the browser, so unverified: escape it in
   * pages.
   */
  readonly device: string | undefined
  /** Whether this is the session of the request. */
  readonly isCurrent: boolean
}

/**
 * Lists the sessions of a user from one provider, the latest login first: those of the signed-in user, or of `subject`.
 *
 * Nothing about them is sent to a page by itself: choose what to show.
 *
 * @param req - a request that passed `relyingParty()`
 * @throws `ERR_CONFIGURATION`, `ERR_AUTHENTICATION_REQUIRED`, `ERR_UNKNOWN_PROVIDER`, `ERR_STORE_UNAVAILABLE`
 *
 * @example
 * ```ts
 * app.get('/devices', requireAuth(), async (req, res) => res.json(await listSessions(req)))
 * ```
 */
export async function listSessions(req: Request, options: ListSessionsOptions = {}): Promise<UserSession[]> {
  assertOptions<ListSessionsOptions>(options, 'listSessions', OWNER_SHAPE)
  const caller = sessionCallerOf(req, 'listSessions()')
  const { provider, subject } = await ownerOf(caller, req, options, 'listSessions')
  const records = await caller.services.records.ofSubject(provider.registration, subject)
  const current = caller.auth.record?.id
  return records.reverse().map((record) => describe(record, record.id === current))
}

function describe(record: TokenRecord, isCurrent: boolean): UserSession {
  const { id, provider, openedAt, endsAt, device } = record
  const lastSeenAt = isCurrent ? Date.now() / 1000 : Math.max(openedAt, refreshedAt(record))
  const [opened, seen, ends] = [openedAt, lastSeenAt, endsAt].map(Math.floor) as [number, number, number]
  return { id: handleOf(id), provider, openedAt: opened, lastSeenAt: seen, endsAt: ends, device, isCurrent }
}

/** Returns when the session got its access token. In seconds since the epoch; `0` if that is unknown. */
function refreshedAt({ accessTokenExpiresAt: expiresAt = 0, accessTokenLifetime: lifetime = expiresAt }: TokenRecord) {
  return Math.min(expiresAt - lifetime, Date.now() / 1000)
}
