import * as openid from 'openid-client'
import type { Provider } from '../provider/provider.js'
import { scopeParameters, type TokenScope, type TokenSet, tokenError, toTokenSet } from './tokens.js'

/**
 * Requests a token for the client itself.
 *
 * @throws `ERR_TOKEN_REQUEST_REFUSED`, `ERR_CLIENT_REFUSED`, `ERR_TOKEN_RESPONSE_INVALID`, `ERR_PROVIDER_UNAVAILABLE`
 * @see [RFC 6749 §4.4.2](https://www.rfc-editor.org/rfc/rfc6749#section-4.4.2)
 */
export async function requestClientCredentials(provider: Provider, requested: TokenScope): Promise<TokenSet> {
  try {
    const response = await openid.clientCredentialsGrant(await provider.configuration(), scopeParameters(requested))
    return toTokenSet(response, requested.scope)
  } catch (error) {
    throw tokenError(provider, error, 'the token request')
  }
}
