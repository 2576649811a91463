import * as openid from 'openid-client'
import { RelyingPartyError } from '../errors.js'
import type { Provider } from '../provider/provider.js'
import { translateError } from '../provider/translate.js'
import { scopeParameters, type TokenScope, type TokenSet, toTokenSet } from './tokens.js'

const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'
const GRANT_TYPE = 'urn:ietf:params:oauth:grant-type:token-exchange'

/**
 * Exchanges an access token for one of other APIs or fewer scopes.
 *
 * @throws `ERR_TOKEN_REQUEST_REFUSED`, `ERR_CLIENT_REFUSED`, `ERR_TOKEN_RESPONSE_INVALID`, `ERR_PROVIDER_UNAVAILABLE`
 * @see [RFC 8693 §2](https://www.rfc-editor.org/rfc/rfc8693#section-2)
 */
export async function exchangeToken(provider: Provider, subjectToken: string, asked: TokenScope): Promise<TokenSet> {
  const parameters = scopeParameters(asked)
  parameters.set('subject_token', subjectToken)
  parameters.set('subject_token_type', ACCESS_TOKEN)
  parameters.set('requested_token_type', ACCESS_TOKEN)
  try {
    const answer = await openid.genericGrantRequest(await provider.configuration(), GRANT_TYPE, parameters)
    if (answer.issued_token_type !== ACCESS_TOKEN || answer.token_type === 'n_a') {
      throw new RelyingPartyError(
        'ERR_TOKEN_RESPONSE_INVALID',
        'the token exchange gave something else than an access token',
      )
    }
    return toTokenSet(answer, asked.scope)
  } catch (error) {
    throw translateError(error, 'ERR_TOKEN_RESPONSE_INVALID', 'the token exchange', provider.errorContext(subjectToken))
  }
}
