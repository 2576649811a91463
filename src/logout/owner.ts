import type { Request } from 'express'
import { RelyingPartyError } from '../errors.js'
import { requireOption, type Shape, string } from '../lib/check.js'
import type { Provider } from '../provider/provider.js'
import type { TokenRecord } from '../records/record.js'
import type { SessionCaller } from '../session/sessionCaller.js'

/** Whose sessions a function is about. */
export interface OwnerOptions {
  /** The `sub` of the user. Default is the signed-in user. */
  subject?: string
  /** The provider's name, if there are several. Only with `subject`. */
  provider?: string
}

export const OWNER_SHAPE: Shape<OwnerOptions> = { subject: string, provider: string }

/** A user of one provider. */
interface Owner {
  readonly provider: Provider
  readonly subject: string
}

/**
 * Returns whose sessions a function is about. A `subject` that is `undefined` is refused: it would silently stand for the
 * signed-in user, such as an administrator.
 *
 * @throws `ERR_CONFIGURATION`, `ERR_AUTHENTICATION_REQUIRED`, `ERR_UNKNOWN_PROVIDER`
 */
export async function ownerOf(
  caller: SessionCaller,
  req: Request,
  options: OwnerOptions,
  name = 'endSessions',
): Promise<Owner> {
  const { subject } = options
  if ('subject' in options || 'provider' in options) {
    requireOption(options, name, 'subject', 'write the claim sub of the user, or leave out both for the signed-in user')
  }
  if (subject !== undefined) return { provider: await caller.config.providers.choose(req, options.provider), subject }
  const { record, provider } = signedIn(caller)
  return { provider, subject: record.subject }
}

/** Returns the session of the request. @throws `ERR_AUTHENTICATION_REQUIRED` */
export function signedIn({ auth }: SessionCaller): { record: TokenRecord; provider: Provider } {
  const { record, sessionProvider: provider } = auth
  if (record && provider) return { record, provider }
  throw new RelyingPartyError('ERR_AUTHENTICATION_REQUIRED', 'sign in first', {
    hint: 'the sessions are those of the signed-in user, and no one is signed in: put requireAuth() before the route',
  })
}
