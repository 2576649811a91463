import * as openid from 'openid-client'
import { RelyingPartyError } from '../errors.js'
import type { Provider } from '../provider/provider.js'
import type { Authentication } from './authentication.js'
import { tokenError, toTokenSet, verifyDirectIdToken } from './tokens.js'

/** The user name and password that a user entered. */
export interface PasswordCredentials {
  readonly username: string
  readonly password: string
}

/**
 * Requests tokens with a user name and password. A wrong name and a wrong password give the same error.
 *
 * @throws `ERR_INVALID_CREDENTIALS`, `ERR_TOKEN_REQUEST_REFUSED`, `ERR_CLIENT_REFUSED`, `ERR_TOKEN_RESPONSE_INVALID`,
 *   `ERR_ID_TOKEN_INVALID`, `ERR_PROVIDER_UNAVAILABLE`
 * @see [RFC 6749 §4.3](https://www.rfc-editor.org/rfc/rfc6749#section-4.3)
 */
export async function requestByPassword(
  provider: Provider,
  { username, password }: PasswordCredentials,
  scope: string,
): Promise<Authentication> {
  try {
    const parameters = { username, password, scope }
    const response = await openid.genericGrantRequest(await provider.configuration(), 'password', parameters)
    const tokens = toTokenSet(response, scope)
    return { tokens, claims: await verifyDirectIdToken(provider, tokens) }
  } catch (error) {
    if (error instanceof openid.ResponseBodyError && error.error === 'invalid_grant') {
      throw new RelyingPartyError('ERR_INVALID_CREDENTIALS', 'the user name or the password is wrong')
    }
    throw tokenError(provider, error, 'the token request', password)
  }
}
