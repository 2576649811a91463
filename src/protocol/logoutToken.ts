import { decodeJwt, JwtError, MAX_JWT_LENGTH, verifySignature } from '../jwt/jws.js'
import { isOlderThan } from '../jwt/times.js'
import { isObject } from '../lib/json.js'
import type { Provider } from '../provider/provider.js'
import { translateError } from '../provider/translate.js'
import { assertIssuer, assertTimes } from './idToken.js'

/** The content of a logout token, verified. */
export interface Logout {
  /** The user whose sessions end: all of them, unless `sid` identifies one. */
  readonly subject: string | undefined
  /** The provider's session that has ended. */
  readonly sid: string | undefined
  /** The token's unique identifier. */
  readonly jti: string
  /** When the provider issued the token, by its clock. In seconds since the epoch. */
  readonly issuedAt: number
  /** When the token is no longer accepted. In seconds since the epoch. */
  readonly usableUntil: number
}

type Claims = Readonly<Record<string, unknown>>

const EVENT = 'http://schemas.openid.net/event/backchannel-logout'

/** How old a logout token may be, whatever its `exp`. In seconds. */
const MAX_AGE = 300

/**
 * Verifies a logout token: signature, `iss`, `aud`, times, then what makes it a logout token. The caller checks whether it
 * was used before.
 *
 * @throws `ERR_LOGOUT_TOKEN_INVALID`, `ERR_PROVIDER_UNAVAILABLE`, `ERR_METADATA_INVALID`
 * @see [OpenID Connect Back-Channel Logout §2.6](https://openid.net/specs/openid-connect-backchannel-1_0.html#Validation)
 */
export async function verifyLogoutToken(provider: Provider, token: string): Promise<Logout> {
  const { clientId, idTokenSigningAlg } = provider.options
  const { clockTolerance } = provider
  try {
    const { issuer } = await provider.issuers()
    const { header, payload } = await verifySignature(token, {
      algorithms: [idTokenSigningAlg],
      algorithmsOption: 'idTokenSigningAlg',
      keys: provider.keySource,
    })
    assertType(header)
    assertIssuer(payload, { issuer })
    assertAudience(payload, clientId)
    assertTimes(payload, { clockTolerance })
    assertAge(payload, clockTolerance)
    assertEvent(payload)
    if ('nonce' in payload) throw new JwtError('nonce must not be in a logout token', 'nonce')
    return readLogout(payload, clockTolerance)
  } catch (error) {
    throw translateError(error, 'ERR_LOGOUT_TOKEN_INVALID', 'the check of the logout token', provider.errorContext())
  }
}

/** Returns `iss` and `aud` of a token, unverified, to find the provider that can verify it; `undefined` if it has no `iss`. */
export function unverifiedParties(token: string): { iss: string; aud: readonly unknown[] } | undefined {
  const { iss, aud } = (token.length > MAX_JWT_LENGTH ? undefined : decodeJwt(token)?.payload) ?? {}
  return typeof iss === 'string' ? { iss, aud: [aud].flat() } : undefined
}

/** `typ` is recommended; older providers send `JWT`. Any other value marks another kind of token. */
function assertType({ typ }: Claims): void {
  if (typ === undefined) return
  const type = typeof typ === 'string' ? typ.toLowerCase().replace(/^application\//, '') : undefined
  if (type !== 'logout+jwt' && type !== 'jwt') {
    throw new JwtError('typ is that of another kind of token', 'typ', { expected: 'logout+jwt', actual: typ })
  }
}

function assertAudience({ aud }: Claims, clientId: string): void {
  if ([aud].flat().includes(clientId)) return
  throw new JwtError('aud is not this client', 'aud', { expected: clientId, actual: aud })
}

function assertAge({ iat }: Claims, clockTolerance: number): void {
  if (!isOlderThan(iat as number, MAX_AGE, clockTolerance)) return
  throw new JwtError('the token is too old', 'iat', { expected: MAX_AGE, actual: iat })
}

function assertEvent({ events }: Claims): void {
  const event = isObject(events) && Object.hasOwn(events, EVENT) ? events[EVENT] : undefined
  if (!isObject(event)) throw new JwtError('events does not contain the logout event', 'events')
}

function readLogout({ sub, sid, jti, iat, exp }: Claims, clockTolerance: number): Logout {
  const subject = optionalString('sub', sub)
  const session = optionalString('sid', sid)
  if (subject === undefined && session === undefined) throw new JwtError('sub and sid are missing', 'sub')
  const id = optionalString('jti', jti)
  if (id === undefined) throw new JwtError('jti is missing', 'jti')
  const issuedAt = iat as number
  const usableUntil = Math.min(exp as number, issuedAt + MAX_AGE) + clockTolerance
  return { subject, sid: session, jti: id, issuedAt, usableUntil }
}

function optionalString(claim: string, value: unknown): string | undefined {
  if (value === undefined) return undefined
  if (typeof value !== 'string' || value === '') throw new JwtError(`${claim} is not a string`, claim)
  return value
}
