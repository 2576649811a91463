import { RelyingPartyError } from '../errors.js'
import { defined } from '../lib/defined.js'
import { fitsAsHint } from '../protocol/endSession.js'
import type { IdTokenClaims } from '../protocol/idToken.js'
import { sessionExpiryOf } from '../protocol/sessionExpiry.js'
import { type LoginTokens, prepareRefresh, refreshTokens } from '../protocol/tokens.js'
import type { Provider } from '../provider/provider.js'
import type { RecordFields, TokenRecord, Tokens } from '../records/record.js'
import type { RefreshRequest } from '../records/refreshRequest.js'
import type { Config } from '../setup/config.js'
import { sessionEnds } from './lifetime.js'
import { assertStorable } from './storableClaims.js'

/**
 * Returns the request that gets new tokens from a provider. Claims stay as they were, unless `onRefresh` changes them.
 *
 * @param idle - the idle lifetime of the session. In seconds; `undefined` if its cookie has none
 */
export function refreshRequest(
  provider: Provider,
  idle: number | undefined,
  onRefresh: Config['onRefresh'],
): RefreshRequest {
  return {
    prepare: () => prepareRefresh(provider),
    async send(record, current, sending) {
      const { refreshToken = '' } = current
      const sent = { refreshToken, scopes: record.scopes }
      const { tokens, claims } = await refreshTokens(provider, sent, record, undefined, sending)
      const { accessTokenExpiresAt: _expiresAt, accessTokenLifetime: _lifetime, idle: _idle, ...kept } = record
      return {
        fields: {
          ...withEnd(kept, claims),
          ...tokenFields(tokens),
          refreshable: true,
          ...defined({ idle: idleAfter(record, idle) }),
        },
        tokens: { ...current, ...storedTokens(tokens) },
        ...(onRefresh ? { followUp: (stored) => claimsAfter(onRefresh, stored, tokens, claims) } : {}),
      }
    },
  }
}

/** Asks the application for the claims after a refresh. Returns the fields to store, if they change. */
async function claimsAfter(
  onRefresh: NonNullable<Config['onRefresh']>,
  stored: TokenRecord,
  { accessToken, scopes }: LoginTokens,
  idTokenClaims: IdTokenClaims | undefined,
): Promise<RecordFields | undefined> {
  const { claims, provider, issuer, subject } = stored
  const mapped = await onRefresh({ claims, idTokenClaims, scopes, provider, accessToken })
  if (!mapped) return undefined
  assertStorable(mapped, 'onRefresh')
  return { ...stored, claims: { ...mapped, iss: issuer, sub: subject } }
}

/**
 * Applies the `session_expiry` of a refreshed ID token: it may end the session earlier or later than the last one, but not
 * later than its absolute lifetime.
 *
 * @param claims - those of the ID token, if the provider sent one
 * @throws `ERR_SESSION_ENDED` if it has passed
 */
export function withEnd<T extends RecordFields>(record: T, claims: IdTokenClaims | undefined): T {
  const mustEndAt = sessionExpiryOf(claims ?? {})
  if (mustEndAt === undefined) return record
  if (mustEndAt <= Date.now() / 1000) {
    throw new RelyingPartyError('ERR_SESSION_ENDED', 'the session has ended: sign in again', {
      hint: 'the refreshed ID token has a session_expiry that has passed',
    })
  }
  const { mayLastUntil = record.endsAt, extended, ...kept } = record
  const ends = sessionEnds(mayLastUntil, mustEndAt)
  const isLater = ends.endsAt > record.endsAt
  return { ...(kept as T), ...ends, ...(isLater || extended ? { extended: true } : {}) }
}

/** Returns the idle lifetime to store. While the cookie is limited to the end of the session, it does not tell. */
function idleAfter({ endsAt, idle: known }: TokenRecord, idle: number | undefined): number | undefined {
  const isLimited = idle !== undefined && idle >= endsAt - Date.now() / 1000 - 1
  return isLimited ? known : idle
}

/** Returns the fields of a record that depend on its tokens. */
export function tokenFields(
  tokens: LoginTokens,
): Pick<RecordFields, 'scopes' | 'accessTokenExpiresAt' | 'accessTokenLifetime' | 'refreshable'> {
  const { scopes, expiresIn } = tokens
  return {
    scopes,
    refreshable: tokens.refreshToken !== undefined,
    ...defined({
      accessTokenExpiresAt: expiresIn === undefined ? undefined : Date.now() / 1000 + expiresIn,
      accessTokenLifetime: expiresIn,
    }),
  }
}

/**
 * Returns the tokens to store. An absent refresh or ID token is left out, so that an older one stays. So is an ID token
 * too long to be sent as a hint at logout, its only use.
 */
export function storedTokens({ accessToken, tokenType, refreshToken, idToken }: LoginTokens): Tokens {
  const hint = idToken !== undefined && fitsAsHint(idToken) ? idToken : undefined
  return defined({ accessToken, tokenType, refreshToken, idToken: hint })
}
