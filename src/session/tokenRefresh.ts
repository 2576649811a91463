import { defined } from '../lib/defined.js'
import { fitsAsHint } from '../protocol/endSession.js'
import { type LoginTokens, prepareRefresh, refreshTokens } from '../protocol/tokens.js'
import type { Provider } from '../provider/provider.js'
import type { RecordFields, Tokens } from '../records/records.js'
import type { RefreshRequest } from '../records/refresh.js'

/**
 * Returns the request by which the refresher gets new tokens from a provider. Claims stay as the login left them.
 *
 * @param idle - how long the session now lives without a request. In seconds; `undefined` if its cookie does not say
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

/** Returns the fields of a record that come from its tokens. */
export function tokenFields(
  tokens: LoginTokens,
): Pick<RecordFields, 'scopes' | 'accessTokenExpiresAt' | 'accessTokenLifetime' | 'refreshable'> {
  const { scopes, expiresIn } = tokens
  return {
    scopes,
    refreshable: tokens.refreshToken !== undefined,
    ...(expiresIn === undefined
      ? {}
      : { accessTokenExpiresAt: Date.now() / 1000 + expiresIn, accessTokenLifetime: expiresIn }),
  }
}

/**
 * Returns the tokens to store. An absent refresh or ID token is left out, so that an older one stays; so is an ID token
 * that is too long for the one thing it is kept for, a hint at the logout.
 */
export function storedTokens({ accessToken, tokenType, refreshToken, idToken }: LoginTokens): Tokens {
  const hint = idToken !== undefined && fitsAsHint(idToken) ? idToken : undefined
  return defined({ accessToken, tokenType, refreshToken, idToken: hint })
}
