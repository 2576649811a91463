import { createHash } from 'node:crypto'
import * as openid from 'openid-client'
import type { Provider } from '../provider/provider.js'
import { translateError } from '../provider/translate.js'
import { type Transaction, transactionValues } from './transaction.js'

/** What one login requests. */
export interface AuthorizationRequest {
  /** The sealed transaction. */
  readonly state: string
  readonly redirectUri: string
  readonly scope: string
  readonly prompt?: string | undefined
  readonly maxAge?: number | undefined
  readonly acrValues: readonly string[]
  readonly acrEssential: boolean
  readonly loginHint?: string | undefined
  readonly authorizationParams: Readonly<Record<string, string>>
}

/**
 * Builds the URL of an authorization request, with its own nonce and S256 code challenge.
 *
 * @see [RFC 6749 §4.1.1](https://www.rfc-editor.org/rfc/rfc6749#section-4.1.1)
 * @see [RFC 7636 §4.3](https://www.rfc-editor.org/rfc/rfc7636#section-4.3)
 * @see [OpenID Connect Core §3.1.2.1](https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest)
 */
export async function authorizationUrl(
  provider: Provider,
  transaction: Transaction,
  request: AuthorizationRequest,
): Promise<URL> {
  const { nonce, codeVerifier } = transactionValues(transaction)
  const { responseType, responseMode, pkce, nonce: sendsNonce, scopeSeparator } = provider.options
  const parameters = new URLSearchParams({
    ...request.authorizationParams,
    response_type: responseType,
    redirect_uri: request.redirectUri,
    state: request.state,
  })
  if (request.scope !== '') parameters.set('scope', request.scope.replaceAll(' ', scopeSeparator))
  if (sendsNonce && provider.hasIdTokens) parameters.set('nonce', nonce)
  if (responseType !== 'id_token' && pkce !== 'refused') {
    parameters.set('code_challenge', createHash('sha256').update(codeVerifier).digest('base64url'))
    parameters.set('code_challenge_method', 'S256')
  }
  for (const uri of provider.options.resource) parameters.append('resource', uri)
  if (responseMode !== 'query') parameters.set('response_mode', responseMode)
  if (request.prompt !== undefined) parameters.set('prompt', request.prompt)
  if (request.maxAge !== undefined) parameters.set('max_age', String(request.maxAge))
  if (request.loginHint !== undefined) parameters.set('login_hint', request.loginHint)
  if (request.acrEssential) {
    parameters.set('claims', withEssentialAcr(request.authorizationParams.claims, request.acrValues))
  }
  // Providers that do not support the claims parameter get acr_values. The ID token is checked in both cases.
  const { claims_parameter_supported } = await provider.metadata()
  if (request.acrValues.length > 0 && !(request.acrEssential && claims_parameter_supported === true)) {
    parameters.set('acr_values', request.acrValues.join(' '))
  }
  const configuration = await provider.configuration()
  try {
    const url = openid.buildAuthorizationUrl(configuration, parameters)
    // Some providers, such as Cognito, do not read a plus sign as a space.
    url.search = url.search.replaceAll('+', '%20')
    return url
  } catch (error) {
    throw translateError(error, 'ERR_METADATA_INVALID', 'the authorization request')
  }
}

/** Adds an essential `acr` to the `claims` parameter (OpenID Connect Core §5.5.1.1). */
function withEssentialAcr(claims: string | undefined, values: readonly string[]): string {
  const request = JSON.parse(claims ?? '{}') as { id_token?: object }
  return JSON.stringify({ ...request, id_token: { ...request.id_token, acr: { essential: true, values } } })
}
