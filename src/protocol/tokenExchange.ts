import * as openid from 'openid-client'
import { RelyingPartyError } from '../errors.js'
import type { SendOptions } from '../lib/http/httpOptions.js'
import type { Provider } from '../provider/provider.js'
import { scopeParameters, type TokenScope, type TokenSet, tokenError, toTokenSet } from './tokens.js'

const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'
const GRANT_TYPE = 'urn:ietf:params:oauth:grant-type:token-exchange'

/**
 * Exchanges an access token for one with other APIs or fewer scopes.
 *
 * @throws `ERR_TOKEN_REQUEST_REFUSED`, `ERR_CLIENT_REFUSED`, `ERR_TOKEN_RESPONSE_INVALID`, `ERR_PROVIDER_UNAVAILABLE`
 * @see [RFC 8693 §2](https://www.rfc-editor.org/rfc/rfc8693#section-2)
 */
export async function exchangeToken(
  provider: Provider,
  subjectToken: string,
  requested: TokenScope,
  sending: SendOptions,
): Promise<TokenSet> {
  const parameters = scopeParameters(requested)
  parameters.set('subject_token', subjectToken)
  parameters.set('subject_token_type', ACCESS_TOKEN)
  parameters.set('requested_token_type', ACCESS_TOKEN)
  try {
    const response = await openid.genericGrantRequest(await provider.configuration(sending), GRANT_TYPE, parameters)
    if (response.issued_token_type !== ACCESS_TOKEN || response.token_type === 'n_a') {
      throw new RelyingPartyError(
        'ERR_TOKEN_RESPONSE_INVALID',
        'the token exchange returned something other than an access token',
      )
    }
    return toTokenSet(response, requested.scope)
  } catch (error) {
    throw tokenError(provider, error, 'the token exchange', subjectToken)
  }
}
