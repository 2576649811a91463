import * as openid from 'openid-client'
import type { Provider } from '../provider/provider.js'
import { translateError } from '../provider/translate.js'
import { type TokenSet, toTokenSet } from './tokens.js'

/** What a token is asked for. */
export interface TokenScope {
  /** Separated by spaces; empty for the provider's default. */
  readonly scope: string
  /** The APIs, by their URIs (RFC 8707). */
  readonly resource: readonly string[]
}

/**
 * Asks for a token for the client itself.
 *
 * @throws `ERR_TOKEN_REQUEST_REFUSED`, `ERR_CLIENT_REFUSED`, `ERR_TOKEN_RESPONSE_INVALID`, `ERR_PROVIDER_UNAVAILABLE`
 * @see [RFC 6749 §4.4.2](https://www.rfc-editor.org/rfc/rfc6749#section-4.4.2)
 */
export async function requestClientCredentials(provider: Provider, { scope, resource }: TokenScope): Promise<TokenSet> {
  try {
    const answer = await openid.clientCredentialsGrant(await provider.configuration(), scopeParameters(scope, resource))
    return toTokenSet(answer, scope)
  } catch (error) {
    throw translateError(error, 'ERR_TOKEN_RESPONSE_INVALID', 'the token request')
  }
}

/** Gives the parameters `scope` and `resource`, the latter once for each. */
export function scopeParameters(scope: string, resource: readonly string[]): URLSearchParams {
  const parameters = new URLSearchParams(scope ? { scope } : {})
  for (const uri of resource) parameters.append('resource', uri)
  return parameters
}
