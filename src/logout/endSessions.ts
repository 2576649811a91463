import type { Request } from 'express'
import { configurationError } from '../errors.js'
import type { NewEvent } from '../events.js'
import { assertOptions, requireOption, type Shape, string } from '../lib/check.js'
import type { Provider } from '../provider/provider.js'
import { type SessionCaller, sessionCallerOf } from '../session/sessionCaller.js'
import { ownerOf, signedIn } from './owner.js'

type Reason = Extract<NewEvent, { type: 'session.ended' }>['reason']
type ReasonForAll = Extract<NewEvent, { type: 'sessions.ended' }>['reason']

/** Whose sessions {@link endSessions} ends: set either `subject` or `others`. */
export interface EndSessionsOptions {
  /** The `sub` of the user whose sessions end. */
  subject?: string
  /** The provider's name, if there are several. */
  provider?: string
  /** Ends the sessions of the signed-in user on all other devices. The one of this request goes on. */
  others?: true
}

const SHAPE: Shape<EndSessionsOptions> = {
  subject: string,
  provider: string,
  others: (value) => (value === true ? undefined : 'must be true or left out'),
}

/**
 * Ends all of a user's sessions here from one provider, at once and in every process; with `others`, all but the one of the
 * request. The provider is not notified: the user can sign in again, and no token is revoked. For users themselves there is
 * also `logout({ everywhere: true })`.
 *
 * @param req - a request that passed `relyingParty()`; without `others` not necessarily that user's
 * @throws `ERR_CONFIGURATION`, `ERR_AUTHENTICATION_REQUIRED`, `ERR_UNKNOWN_PROVIDER`, `ERR_STORE_UNAVAILABLE`
 *
 * @example
 * ```ts
 * app.post('/users/:id/sign-out', requireSameOrigin(), requireScope('users:write'), async (req, res) => {
 *   await endSessions(req, { subject: String(req.params.id) })
 *   res.sendStatus(204)
 * })
 * ```
 */
export async function endSessions(req: Request, options: EndSessionsOptions): Promise<void> {
  assertOptions<EndSessionsOptions>(options, 'endSessions', SHAPE)
  const caller = sessionCallerOf(req, 'endSessions()')
  if (options.others) return endOthers(caller, req, options)
  requireOption(options, 'endSessions', 'subject', 'write the claim sub of the user, or others: true')
  const { provider, subject } = await ownerOf(caller, req, options)
  await endSubject(caller, req, provider, subject, 'everywhere')
}

async function endOthers(
  caller: SessionCaller,
  req: Request,
  { subject, provider }: EndSessionsOptions,
): Promise<void> {
  if (subject !== undefined || provider !== undefined) {
    throw configurationError(
      'endSessions.others',
      'is for the signed-in user',
      'remove subject and provider, or remove others to end all sessions of subject',
    )
  }
  const { config, services } = caller
  const { record } = signedIn(caller)
  await services.records.endOthers(record, Date.now() / 1000 + config.session.absoluteLifetime)
  const { provider: name } = record
  config.emit({ type: 'sessions.ended', provider: name, subject: record.subject, reason: 'others' }, req)
}

/**
 * Ends all sessions of a subject at a provider.
 *
 * @param endedAt - when the provider ended them, by its clock; `undefined` if the application ends them
 */
export async function endSubject(
  { config, services }: SessionCaller,
  req: Request,
  provider: Provider,
  subject: string,
  reason: ReasonForAll,
  endedAt?: number,
): Promise<void> {
  const endsAt = Date.now() / 1000 + config.session.absoluteLifetime
  await services.records.endSubject(provider.registration, subject, endsAt, endedAt)
  config.emit({ type: 'sessions.ended', provider: provider.name, subject, reason }, req)
}

/**
 * Ends the sessions of a subject whose ID token had no `sid`: any of them may belong to the session that ended at the
 * provider.
 *
 * @param endedAt - when the provider ended it, by its clock
 */
export async function endWithoutSid(
  { config, services }: SessionCaller,
  req: Request,
  provider: Provider,
  subject: string,
  endedAt: number,
): Promise<void> {
  const endsAt = Date.now() / 1000 + config.session.absoluteLifetime
  await services.records.endWithoutSid(provider.registration, subject, endsAt, endedAt)
  const reason = 'backchannel_logout'
  config.emit({ type: 'sessions.ended', provider: provider.name, subject, reason, withoutSid: true }, req)
}

/**
 * Ends the sessions that were opened from one session at a provider.
 *
 * @param endedAt - when the provider ended it, by its clock; `undefined` if unproven
 */
export async function endSid(
  { config, services }: SessionCaller,
  req: Request,
  provider: Provider,
  sid: string,
  endedAt: number | undefined,
  reason: Reason,
): Promise<void> {
  const ended = await services.records.endSid(provider.registration, sid, endedAt)
  for (const { provider: name, subject } of ended) {
    config.emit({ type: 'session.ended', provider: name, subject, reason }, req)
  }
}
