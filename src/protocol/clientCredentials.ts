import * as openid from 'openid-client'
import type { Provider } from '../provider/provider.js'
import { translateError } from '../provider/translate.js'
import { scopeParameters, type TokenScope, type TokenSet, toTokenSet } from './tokens.js'

/**
 * Asks for a token for the client itself.
 *
 * @throws `ERR_TOKEN_REQUEST_REFUSED`, `ERR_CLIENT_REFUSED`, `ERR_TOKEN_RESPONSE_INVALID`, `ERR_PROVIDER_UNAVAILABLE`
 * @see [RFC 6749 §4.4.2](https://www.rfc-editor.org/rfc/rfc6749#section-4.4.2)
 */
export async function requestClientCredentials(provider: Provider, asked: TokenScope): Promise<TokenSet> {
  try {
    const answer = await openid.clientCredentialsGrant(await provider.configuration(), scopeParameters(asked))
    return toTokenSet(answer, asked.scope)
  } catch (error) {
    throw translateError(error, 'ERR_TOKEN_RESPONSE_INVALID', 'the token request', provider.errorContext())
  }
}
