import { RelyingPartyError } from '../errors.js'
import type { Parameters } from '../lib/uniqueParameters.js'
import { errorParameters } from '../provider/errorText.js'
import type { ResponseType } from '../provider/providerOptions.js'

/** What a successful authorization response holds, as its response type says. The ID token is unverified. */
export interface AuthorizationResponse {
  readonly code?: string
  readonly idToken?: string
  readonly iss?: string
}

/**
 * Judges the form of an authorization response whose state is known to be right: issuer first, then error, then code
 * and ID token. Parameters that the response type does not have are ignored.
 *
 * A response with an ID token may lack `iss`: the verified token names the issuer.
 *
 * @throws `ERR_ISSUER_MISMATCH` (nothing of the response is shown then), `ERR_AUTHORIZATION_DENIED`,
 *   `ERR_AUTHORIZATION_FAILED`, `ERR_PROVIDER_UNAVAILABLE`, `ERR_AUTHORIZATION_RESPONSE_INVALID`
 * @see [RFC 6749 §4.1.2](https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2)
 * @see [RFC 9207 §2.4](https://www.rfc-editor.org/rfc/rfc9207#section-2.4)
 */
export function judgeAuthorizationResponse(
  parameters: Parameters,
  expected: { issuer: string; issRequired: boolean; responseType: ResponseType },
): AuthorizationResponse {
  const { responseType } = expected
  const idToken = responseType === 'code' ? undefined : parameters.get('id_token')
  const iss = parameters.get('iss')
  if (iss === undefined ? expected.issRequired && !idToken : iss !== expected.issuer) {
    throw new RelyingPartyError(
      'ERR_ISSUER_MISMATCH',
      iss === undefined
        ? 'the authorization response names no issuer, though the provider announces that it always does'
        : 'the authorization response comes from another issuer than the one asked',
      { cause: { parameter: 'iss', expected: expected.issuer, actual: iss } },
    )
  }
  const error = parameters.get('error')
  if (error !== undefined) throw authorizationError(error, parameters.get('error_description'))
  const code = responseType === 'id_token' ? undefined : parameters.get('code')
  if (!code && responseType !== 'id_token') throw lacking('a code')
  if (!idToken && responseType !== 'code') throw lacking('an ID token')
  return { ...(code ? { code } : {}), ...(idToken ? { idToken } : {}), ...(iss === undefined ? {} : { iss }) }
}

function lacking(what: string): RelyingPartyError {
  return new RelyingPartyError(
    'ERR_AUTHORIZATION_RESPONSE_INVALID',
    `the authorization response has neither ${what} nor an error`,
  )
}

function authorizationError(error: string, description: string | undefined): RelyingPartyError {
  const cause = errorParameters(error, description)
  switch (cause.error) {
    case 'access_denied':
      return new RelyingPartyError('ERR_AUTHORIZATION_DENIED', 'the sign-in was cancelled or refused', { cause })
    case 'temporarily_unavailable':
    case 'server_error':
      return new RelyingPartyError('ERR_PROVIDER_UNAVAILABLE', 'the provider cannot sign users in just now', { cause })
    default:
      return new RelyingPartyError(
        'ERR_AUTHORIZATION_FAILED',
        `the provider answered the authorization request with an error${cause.error ? ` (${cause.error})` : ''}`,
        { cause },
      )
  }
}
