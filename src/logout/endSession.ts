import type { Request } from 'express'
import { assertOptions, requireOption, type Shape, string } from '../lib/check.js'
import { sessionCallerOf } from '../session/sessionCaller.js'
import { OWNER_SHAPE, type OwnerOptions, ownerOf } from './owner.js'
import { revoke } from './revoke.js'

/** Which session {@link endSession} ends. */
export interface EndSessionOptions extends OwnerOptions {
  /** The `id` of the session, from `listSessions()`. */
  id: string
}

const SHAPE: Shape<EndSessionOptions> = { id: string, ...OWNER_SHAPE }

/**
 * Ends one session of a user, at once and in every process, and revokes its refresh token: a session of the signed-in user,
 * or of `subject`. The id of another user's session has no effect. To end the session of the request itself, use `logout()`.
 *
 * @param req - a request that passed `relyingParty()`
 * @returns whether the user had such a session
 * @throws `ERR_CONFIGURATION`, `ERR_AUTHENTICATION_REQUIRED`, `ERR_UNKNOWN_PROVIDER`, `ERR_STORE_UNAVAILABLE`
 *
 * @example
 * ```ts
 * app.post('/devices/:id/sign-out', requireSameOrigin(), requireAuth(), async (req, res) => {
 *   res.sendStatus((await endSession(req, { id: String(req.params.id) })) ? 204 : 404)
 * })
 * ```
 */
export async function endSession(req: Request, options: EndSessionOptions): Promise<boolean> {
  assertOptions<EndSessionOptions>(options, 'endSession', SHAPE)
  requireOption(options, 'endSession', 'id', 'pass the id of a session from listSessions()')
  const caller = sessionCallerOf(req, 'endSession()')
  const { config, services } = caller
  const { provider, subject } = await ownerOf(caller, req, options, 'endSession')
  const record = await services.records.find(provider.registration, subject, options.id)
  if (!record || !(await services.records.remove(record.id))) return false
  config.emit({ type: 'session.ended', provider: record.provider, subject, reason: 'ended' }, req)
  const tokens = services.records.unseal(record)
  if (tokens) await revoke(config, req, provider, subject, tokens)
  return true
}
