import * as openid from 'openid-client'
import type { Provider } from '../provider/provider.js'
import { translateError } from '../provider/translate.js'

/**
 * Revokes a refresh token, where the provider can.
 *
 * @returns whether the provider was asked
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
    throw translateError(error, 'ERR_TOKEN_RESPONSE_INVALID', 'the revocation', provider.errorContext(refreshToken))
  }
}
