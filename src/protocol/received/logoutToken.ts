import { decodeJwt, JwtError, MAX_JWT_LENGTH } from '../../jwt/jws.js'
import { isObject } from '../../lib/json.js'
import type { Provider } from '../../provider/provider.js'
import { translateError } from '../../provider/translate.js'
import { type ReceivedToken, verifyReceived } from './receivedToken.js'

/** The content of a logout token, verified. */
export interface Logout extends ReceivedToken {
  /** The user whose sessions end: all of them, unless `sid` identifies one. */
  readonly subject: string | undefined
  /** The provider's session that has ended. */
  readonly sid: string | undefined
}

type Claims = Readonly<Record<string, unknown>>

const EVENT = 'http://schemas.openid.net/event/backchannel-logout'

/** How old a logout token may be, whatever its `exp`. In seconds. */
const MAX_AGE = 300

/**
 * Verifies a logout token: all that {@link verifyReceived} checks, and `exp`, then what makes it a logout token.
 *
 * @throws `ERR_LOGOUT_TOKEN_INVALID`, `ERR_PROVIDER_UNAVAILABLE`, `ERR_METADATA_INVALID`
 * @see [OpenID Connect Back-Channel Logout §2.6](https://openid.net/specs/openid-connect-backchannel-1_0.html#Validation)
 */
export async function verifyLogoutToken(provider: Provider, token: string): Promise<Logout> {
  try {
    const received = await verifyReceived(provider, token, {
      // `typ` is recommended; older providers send `JWT`.
      types: ['logout+jwt', 'jwt'],
      isTypeOptional: true,
      audiences: [provider.options.clientId],
      maxAge: MAX_AGE,
      required: ['exp'],
    })
    assertEvent(received.claims)
    if ('nonce' in received.claims) throw new JwtError('nonce must not be in a logout token', 'nonce')
    return { ...received, ...readEnded(received.claims) }
  } catch (error) {
    throw translateError(error, 'ERR_LOGOUT_TOKEN_INVALID', 'the check of the logout token', provider.errorContext())
  }
}

/** Returns `iss` and `aud` of a token, unverified, to find the provider that can verify it; `undefined` if it has no `iss`. */
export function unverifiedParties(token: string): { iss: string; aud: readonly unknown[] } | undefined {
  const { iss, aud } = (token.length > MAX_JWT_LENGTH ? undefined : decodeJwt(token)?.payload) ?? {}
  return typeof iss === 'string' ? { iss, aud: [aud].flat() } : undefined
}

function assertEvent({ events }: Claims): void {
  const event = isObject(events) && Object.hasOwn(events, EVENT) ? events[EVENT] : undefined
  if (!isObject(event)) throw new JwtError('events does not contain the logout event', 'events')
}

function readEnded({ sub, sid }: Claims): Pick<Logout, 'subject' | 'sid'> {
  const ended = { subject: optionalString('sub', sub), sid: optionalString('sid', sid) }
  if (ended.subject !== undefined || ended.sid !== undefined) return ended
  throw new JwtError('sub and sid are missing', 'sub')
}

function optionalString(claim: string, value: unknown): string | undefined {
  if (value === undefined) return undefined
  if (typeof value !== 'string' || value === '') throw new JwtError(`${claim} is not a string`, claim)
  return value
}
