import * as openid from 'openid-client'
import { RelyingPartyError } from '../errors.js'
import { JwtError } from '../jwt/jws.js'
import type { Provider } from '../provider/provider.js'
import { translateError } from '../provider/translate.js'
import type { Authentication } from './authentication.js'
import { verifyIdToken } from './idToken.js'
import { atHash, authenticationExpectations, expectations, toTokenSet } from './tokens.js'

/** What a user typed in. */
export interface Credentials {
  readonly username: string
  readonly password: string
}

/**
 * Asks for tokens with a user's name and password. The answer to a wrong name and to a wrong password is the same.
 *
 * @throws `ERR_INVALID_CREDENTIALS`, `ERR_TOKEN_REQUEST_REFUSED`, `ERR_CLIENT_REFUSED`, `ERR_TOKEN_RESPONSE_INVALID`,
 *   `ERR_ID_TOKEN_INVALID`, `ERR_PROVIDER_UNAVAILABLE`
 * @see [RFC 6749 §4.3](https://www.rfc-editor.org/rfc/rfc6749#section-4.3)
 */
export async function requestByPassword(
  provider: Provider,
  { username, password }: Credentials,
  scope: string,
): Promise<Authentication> {
  try {
    const parameters = { username, password, scope }
    const answer = await openid.genericGrantRequest(await provider.configuration(), 'password', parameters)
    const tokens = toTokenSet(answer, scope)
    if (tokens.idToken === undefined) {
      throw new RelyingPartyError('ERR_TOKEN_RESPONSE_INVALID', 'the token response has no ID token')
    }
    const claims = await verifyIdToken(tokens.idToken, {
      ...(await expectations(provider)),
      ...authenticationExpectations(provider),
      hashes: [atHash(tokens)],
    })
    return { tokens, claims }
  } catch (error) {
    if (error instanceof openid.ResponseBodyError && error.error === 'invalid_grant') {
      throw new RelyingPartyError('ERR_INVALID_CREDENTIALS', 'the user name or the password is wrong')
    }
    const code = error instanceof JwtError ? 'ERR_ID_TOKEN_INVALID' : 'ERR_TOKEN_RESPONSE_INVALID'
    throw translateError(
      error,
      code,
      error instanceof JwtError ? 'the check of the ID token' : 'the token request',
      provider.errorContext(password),
    )
  }
}
