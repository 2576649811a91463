import { RelyingPartyError } from '../errors.js'
import { JwtError } from '../jwt/jws.js'
import { isTime, timeHint } from '../jwt/times.js'

type Claims = Readonly<Record<string, unknown>>

const CLAIM = 'session_expiry'

/**
 * Throws unless `session_expiry` is absent or a whole number of seconds since the epoch.
 *
 * @throws {JwtError}
 * @see [OpenID Connect Enterprise Extensions 1.0 §2.1](https://openid.net/specs/openid-connect-enterprise-extensions-1_0.html)
 */
export function assertSessionExpiry(claims: Claims): void {
  const { [CLAIM]: actual } = claims
  if (actual === undefined || (isTime(actual) && Number.isInteger(actual))) return
  throw new JwtError('the end of the session is malformed', CLAIM, { actual, hint: timeHint(CLAIM, actual) })
}

/**
 * Returns when a session that is opened with these claims must end. One that has passed, by less than the clocks may
 * differ, counts until that tolerance is over: a session that has ended at once would only start another login.
 *
 * @param claims - those of an ID token that has passed {@link assertSessionExpiry}
 * @returns in seconds since the epoch; `undefined` if the provider sets no end
 * @throws `ERR_ID_TOKEN_INVALID` if it has passed
 */
export function endOfNewSession(claims: Claims, clockTolerance: number): number | undefined {
  const end = sessionExpiryOf(claims)
  const now = Date.now() / 1000
  if (end === undefined || end > now) return end
  if (end + clockTolerance > now) return end + clockTolerance
  throw new RelyingPartyError('ERR_ID_TOKEN_INVALID', 'the session at the provider has already expired', {
    cause: { claim: CLAIM, expected: now, actual: end },
    hint:
      `session_expiry is ${at(end)}, the clock of this server reads ${at(now)}: the provider must require a new sign-in ` +
      'once its session has expired; if it has not, synchronize the clocks, or raise clockTolerance',
  })
}

/** Returns the `session_expiry` of verified claims, if there is one. In seconds since the epoch. */
export function sessionExpiryOf({ [CLAIM]: end }: Claims): number | undefined {
  return typeof end === 'number' ? end : undefined
}

/** Returns the claims of the ID token that opens the session, with the earlier `session_expiry` of two. */
export function withEarlierExpiry<T extends Claims>(claims: T, other: Claims): T {
  const ends = [claims, other].map(sessionExpiryOf).filter((end) => end !== undefined)
  return ends.length === 0 ? claims : { ...claims, [CLAIM]: Math.min(...ends) }
}

function at(seconds: number): string {
  return new Date(seconds * 1000).toISOString()
}
