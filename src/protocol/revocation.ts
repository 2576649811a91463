import * as openid from 'openid-client'
import type { Provider } from '../provider/provider.js'
import { tokenError } from './tokens.js'

/**
 * Revokes a refresh token, if the provider supports it.
 *
 * @returns whether the provider supports it
 * @throws `ERR_PROVIDER_UNAVAILABLE`, `ERR_CLIENT_REFUSED`, `ERR_TOKEN_REQUEST_REFUSED`, `ERR_TOKEN_RESPONSE_INVALID`,
 *   `ERR_METADATA_INVALID`
 * @see [RFC 7009 §2](https://www.rfc-editor.org/rfc/rfc7009#section-2)
 */
export async function revokeRefreshToken(provider: Provider, refreshToken: string): Promise<boolean> {
  const { revocation_endpoint } = await provider.metadata()
  if (revocation_endpoint === undefined) return false
  try {
    const parameters = { token_type_hint: 'refresh_token' }
    await openid.tokenRevocation(await provider.configuration(), refreshToken, parameters)
    return true
  } catch (error) {
    throw tokenError(provider, error, 'the revocation', refreshToken)
  }
}
