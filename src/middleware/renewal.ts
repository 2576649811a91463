import { type LoginTokens, refreshTokens } from '../protocol/tokens.js'
import type { Provider } from '../provider/provider.js'
import type { RecordFields, Tokens } from '../session/records.js'
import type { Renew } from '../session/refresh.js'

/** Gives the function by which the refresher asks a provider for new tokens. Claims stay as the login left them. */
export function renewal(provider: Provider): Renew {
  return async (record, current) => {
    const { refreshToken = '' } = current
    const { tokens } = await refreshTokens(provider, { refreshToken, scopes: record.scopes }, record)
    const { id: _id, stored: _stored, accessTokenExpiresAt: _old, ...kept } = record
    return {
      fields: { ...kept, ...tokenFields(tokens), refreshable: true },
      tokens: { ...current, ...storedTokens(tokens) },
    }
  }
}

/** Gives the fields of a record that come from its tokens. */
export function tokenFields(
  tokens: LoginTokens,
): Pick<RecordFields, 'scopes' | 'accessTokenExpiresAt' | 'refreshable'> {
  return {
    scopes: tokens.scopes,
    refreshable: tokens.refreshToken !== undefined,
    ...(tokens.expiresIn === undefined ? {} : { accessTokenExpiresAt: Date.now() / 1000 + tokens.expiresIn }),
  }
}

/** Gives the tokens to store. An absent refresh or ID token is left out, so that an older one stays. */
export function storedTokens({ accessToken, tokenType, refreshToken, idToken }: LoginTokens): Tokens {
  return {
    ...(accessToken === undefined ? {} : { accessToken }),
    ...(tokenType === undefined ? {} : { tokenType }),
    ...(refreshToken === undefined ? {} : { refreshToken }),
    ...(idToken === undefined ? {} : { idToken }),
  }
}
