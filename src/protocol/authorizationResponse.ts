import { RelyingPartyError } from '../errors.js'
import { defined } from '../lib/defined.js'
import { quote } from '../lib/quote.js'
import type { Parameters } from '../lib/uniqueParameters.js'
import { descriptionHint, errorParameters } from '../provider/errorText.js'
import type { ResponseType } from '../provider/providerOptions.js'

/** The parameters of a successful authorization response, according to its response type. The ID token is unverified. */
export interface AuthorizationResponse {
  /** The state of the request, which the caller has checked. */
  readonly state: string
  readonly code?: string
  readonly idToken?: string
  readonly iss?: string
}

/**
 * Reads an authorization response whose state has been checked: issuer first, then error, then code and ID token.
 * Parameters that do not belong to the response type are ignored.
 *
 * A response with an ID token may lack `iss`: the verified token contains it.
 *
 * @throws `ERR_ISSUER_MISMATCH` (which shows nothing of the response), `ERR_AUTHORIZATION_DENIED`,
 *   `ERR_AUTHORIZATION_FAILED`, `ERR_PROVIDER_UNAVAILABLE`, `ERR_AUTHORIZATION_RESPONSE_INVALID`
 * @see [RFC 6749 §4.1.2](https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2)
 * @see [RFC 9207 §2.4](https://www.rfc-editor.org/rfc/rfc9207#section-2.4)
 */
export function readAuthorizationResponse(
  parameters: Parameters,
  expected: {
    state: string
    issuer: string
    /** Checks an `iss`. Default is whether it is `issuer`. */
    isIssuer?: (iss: string) => boolean
    issRequired: boolean
    responseType: ResponseType
  },
): AuthorizationResponse {
  const { responseType, isIssuer = (given) => given === expected.issuer } = expected
  const idToken = responseType === 'code' ? undefined : parameters.get('id_token')
  const iss = parameters.get('iss')
  if (iss === undefined ? expected.issRequired && !idToken : !isIssuer(iss)) {
    throw new RelyingPartyError(
      'ERR_ISSUER_MISMATCH',
      iss === undefined
        ? 'the authorization response has no issuer, although the provider declares that it always sends one'
        : 'the authorization response comes from an issuer other than the one asked',
      {
        cause: { parameter: 'iss', expected: expected.issuer, actual: iss },
        hint: `iss is ${iss === undefined ? 'missing' : quote(iss)}, expected is ${quote(expected.issuer)}: this may be a mix-up attack (RFC 9207)`,
      },
    )
  }
  const error = readError(parameters)
  if (error) throw authorizationError(error)
  const code = responseType === 'id_token' ? undefined : parameters.get('code')
  if (!code && responseType !== 'id_token') throw missing('a code')
  if (!idToken && responseType !== 'code') throw missing('an ID token')
  return { state: expected.state, ...defined({ code: code || undefined, idToken: idToken || undefined, iss }) }
}

function missing(what: string): RelyingPartyError {
  return new RelyingPartyError(
    'ERR_AUTHORIZATION_RESPONSE_INVALID',
    `the authorization response has neither ${what} nor an error`,
    { hint: 'check that the client is registered for the responseType of the provider options' },
  )
}

/**
 * Returns the error in a response without `state`, or `undefined` if there is none. Such a response belongs to no login;
 * anyone may have sent it, so it never counts as an outage.
 */
export function errorWithoutState(parameters: Parameters): RelyingPartyError | undefined {
  const error = readError(parameters)
  if (!error) return undefined
  const { error: code } = error
  return isDenied(code) ? authorizationError(error) : authorizationFailed(error)
}

type ErrorCause = ReturnType<typeof errorParameters>

/** The codes for a user who cancelled: that of RFC 6749, and those of LinkedIn, Apple and Facebook. */
const DENIED = new Set(['access_denied', 'user_cancelled_login', 'user_cancelled_authorize', 'user_denied'])

/** LINE writes codes in capital letters. */
function isDenied(code: string | undefined): boolean {
  return code !== undefined && DENIED.has(code.toLowerCase())
}

/** The parameters of an error: first those of RFC 6749, then those of Facebook and others. */
const CODES = ['error', 'error_reason', 'error_code', 'errorCode']
const DESCRIPTIONS = ['error_description', 'error_message', 'errorMessage']

/** Reads an error in the form of RFC 6749 §4.1.2.1 or, in a response without code and ID token, in other forms in use. */
function readError(parameters: Parameters): ErrorCause | undefined {
  const succeeded = parameters.has('code') || parameters.has('id_token')
  const names = succeeded ? ['error'] : [...CODES, ...DESCRIPTIONS]
  if (!names.some((name) => parameters.has(name))) return undefined
  const first = (from: readonly string[]) => from.map((name) => parameters.get(name)).find(Boolean)
  const code = first(CODES)
  const cause = errorParameters(code, first(DESCRIPTIONS))
  // A code that is malformed is a description.
  return cause.error === undefined ? { ...errorParameters(undefined, code), ...cause } : cause
}

function authorizationError(cause: ErrorCause): RelyingPartyError {
  if (isDenied(cause.error)) {
    return new RelyingPartyError('ERR_AUTHORIZATION_DENIED', 'the sign-in was cancelled or refused', {
      cause,
      ...defined({ hint: descriptionHint(cause) }),
    })
  }
  switch (cause.error) {
    case 'temporarily_unavailable':
    case 'server_error':
      return new RelyingPartyError('ERR_PROVIDER_UNAVAILABLE', 'the provider cannot sign users in at the moment', {
        cause,
        ...defined({ hint: descriptionHint(cause) }),
      })
    default:
      return authorizationFailed(cause)
  }
}

function authorizationFailed(cause: ErrorCause): RelyingPartyError {
  return new RelyingPartyError(
    'ERR_AUTHORIZATION_FAILED',
    `the provider answered the authorization request with an error${cause.error ? ` (${cause.error})` : ''}`,
    { cause, ...defined({ hint: descriptionHint(cause) }) },
  )
}
