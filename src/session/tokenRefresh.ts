import { defined } from '../lib/defined.js'
import { fitsAsHint } from '../protocol/endSession.js'
import { type LoginTokens, prepareRefresh, refreshTokens } from '../protocol/tokens.js'
import type { Provider } from '../provider/provider.js'
import type { RecordFields, Tokens } from '../records/records.js'
import type { RefreshRequest } from '../records/refresh.js'

/**
 * Returns the request that gets new tokens from a provider. Claims stay as they were at login.
 *
 * @param idle - the idle lifetime of the session. In seconds; `undefined` if its cookie has none
 */
export function refreshRequest(provider: Provider, idle: number | undefined): RefreshRequest {
  return {
    prepare: () => prepareRefresh(provider),
    async send(record, current) {
      const { refreshToken = '' } = current
      const { tokens } = await refreshTokens(provider, { refreshToken, scopes: record.scopes }, record)
      const { accessTokenExpiresAt: _expiresAt, accessTokenLifetime: _lifetime, idle: _idle, ...kept } = record
      return {
        fields: { ...kept, ...tokenFields(tokens), refreshable: true, ...defined({ idle }) },
        tokens: { ...current, ...storedTokens(tokens) },
      }
    },
  }
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
