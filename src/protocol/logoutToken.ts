import { RelyingPartyError } from '../errors.js'
import { decodeJwt, JwtError, MAX_JWT_LENGTH, verifySignature } from '../jwt/jws.js'
import type { Provider } from '../provider/provider.js'
import { translateError } from '../provider/translate.js'
import { checkIssuer, checkTimes } from './idToken.js'

/** What a provider says in a logout token, verified. */
export interface Logout {
  /** The user whose sessions all end, unless `sid` names one. */
  readonly subject: string | undefined
  /** The session at the provider that has ended. */
  readonly sid: string | undefined
  /** The token's unique identifier. */
  readonly jti: string
  /** When the provider ended it, by its clock. In seconds since the epoch. */
  readonly issuedAt: number
  /** Until when the token would be accepted. In seconds since the epoch. */
  readonly usableUntil: number
}

type Claims = Readonly<Record<string, unknown>>

const EVENT = 'http://schemas.openid.net/event/backchannel-logout'

/** How old a logout token may be, whatever its `exp`. In seconds. */
const MAX_AGE = 300

/**
 * Verifies a logout token: signature, `iss`, `aud`, times, then what makes it a logout token. Whether it was used before
 * is for the caller to find out.
 *
 * @throws `ERR_LOGOUT_TOKEN_INVALID`, `ERR_PROVIDER_UNAVAILABLE`, `ERR_METADATA_INVALID`
 * @see [OpenID Connect Back-Channel Logout §2.6](https://openid.net/specs/openid-connect-backchannel-1_0.html#Validation)
 */
export async function verifyLogoutToken(provider: Provider, token: string): Promise<Logout> {
  const { clientId, idTokenSigningAlg } = provider.options
  const { clockTolerance } = provider
  try {
    const { issuer } = await provider.metadata()
    const { header, payload } = await verifySignature(token, {
      algorithms: [idTokenSigningAlg],
      algorithmsOption: 'idTokenSigningAlg',
      keys: provider.keySource,
    })
    checkType(header)
    checkIssuer(payload, { issuer })
    checkAudience(payload, clientId)
    checkTimes(payload, { clockTolerance })
    checkAge(payload, clockTolerance)
    checkEvent(payload)
    if ('nonce' in payload) throw new JwtError('nonce must not be in a logout token', 'nonce')
    return readLogout(payload, clockTolerance)
  } catch (error) {
    throw translateError(error, 'ERR_LOGOUT_TOKEN_INVALID', 'the check of the logout token', provider.errorContext())
  }
}

/**
 * Returns the issuer and audience that a token names, unverified, to find the provider that can verify it.
 *
 * @throws `ERR_LOGOUT_TOKEN_INVALID`
 */
export function unverifiedParties(token: string): { iss: string; aud: readonly unknown[] } {
  const { iss, aud } = (token.length > MAX_JWT_LENGTH ? undefined : decodeJwt(token)?.payload) ?? {}
  if (typeof iss === 'string') return { iss, aud: [aud].flat() }
  throw new RelyingPartyError('ERR_LOGOUT_TOKEN_INVALID', 'the logout token is not a JWT that names its issuer')
}

/** The type is recommended, and `JWT` is what older providers write. Another one marks another kind of token. */
function checkType({ typ }: Claims): void {
  if (typ === undefined) return
  const type = typeof typ === 'string' ? typ.toLowerCase().replace(/^application\//, '') : undefined
  if (type !== 'logout+jwt' && type !== 'jwt') {
    throw new JwtError('typ is that of another kind of token', 'typ', { expected: 'logout+jwt', actual: typ })
  }
}

function checkAudience({ aud }: Claims, clientId: string): void {
  if ([aud].flat().includes(clientId)) return
  throw new JwtError('aud is not this client', 'aud', { expected: clientId, actual: aud })
}

function checkAge({ iat }: Claims, clockTolerance: number): void {
  const oldest = Date.now() / 1000 - MAX_AGE - clockTolerance
  if ((iat as number) < oldest) throw new JwtError('the token is too old', 'iat', { expected: oldest, actual: iat })
}

function checkEvent({ events }: Claims): void {
  const event =
    isObject(events) && Object.hasOwn(events, EVENT) ? (events as Record<string, unknown>)[EVENT] : undefined
  if (!isObject(event)) throw new JwtError('events does not hold the logout event', 'events')
}

function readLogout({ sub, sid, jti, iat, exp }: Claims, clockTolerance: number): Logout {
  const subject = optionalString('sub', sub)
  const session = optionalString('sid', sid)
  if (subject === undefined && session === undefined) throw new JwtError('neither sub nor sid is there', 'sub')
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

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
