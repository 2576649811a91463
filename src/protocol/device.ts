import * as openid from 'openid-client'
import { RelyingPartyError } from '../errors.js'
import { defined } from '../lib/defined.js'
import { toList } from '../lib/list.js'
import { isLoopback } from '../lib/loopback.js'
import { quote } from '../lib/quote.js'
import type { Provider } from '../provider/provider.js'
import type { IdTokenClaims } from './idToken.js'
import {
  scopeParameters,
  type TokenScope,
  type TokenSet,
  tokenError,
  toTokenSet,
  verifyDirectIdToken,
} from './tokens.js'

const GRANT_TYPE = 'urn:ietf:params:oauth:grant-type:device_code'

/** Limits and default of the time between two polls. In seconds. */
const INTERVAL = { min: 1, default: 5, max: 60 }

/** How long to wait for the approval of a code at most. In seconds. */
const MAX_LIFETIME = 3600

/** The response to a device authorization request: a secret of the device, and what to show to the user. */
export interface DeviceAuthorization {
  /** A secret of the device. */
  readonly deviceCode: string
  readonly userCode: string
  readonly verificationUri: string
  readonly verificationUriComplete?: string
  /** In seconds since the epoch. */
  readonly expiresAt: number
  /** The time between two polls. In seconds. */
  readonly interval: number
}

/** The result of a poll. */
type DevicePoll =
  | { readonly state: 'pending' | 'slow_down' }
  | { readonly state: 'approved'; readonly tokens: TokenSet; readonly claims: IdTokenClaims | undefined }

/**
 * Requests a device code and a user code.
 *
 * @throws `ERR_METADATA_INVALID`, `ERR_TOKEN_REQUEST_REFUSED`, `ERR_CLIENT_REFUSED`, `ERR_TOKEN_RESPONSE_INVALID`,
 *   `ERR_PROVIDER_UNAVAILABLE`
 * @see [RFC 8628 §3.1](https://www.rfc-editor.org/rfc/rfc8628#section-3.1)
 */
export async function requestDeviceAuthorization(
  provider: Provider,
  requested: TokenScope,
): Promise<DeviceAuthorization> {
  const { device_authorization_endpoint: endpoint } = await provider.metadata()
  if (typeof endpoint !== 'string') {
    const { issuer } = provider.options
    throw new RelyingPartyError('ERR_METADATA_INVALID', `${issuer} has no device_authorization_endpoint`, {
      hint: 'the provider does not support the device flow, or the option metadata lacks the endpoint',
    })
  }
  try {
    const parameters = scopeParameters(requested)
    const { maxAge, acrValues } = provider.options
    if (maxAge !== undefined) parameters.set('max_age', String(maxAge))
    if (acrValues.length > 0) parameters.set('acr_values', acrValues.join(' '))
    const response = await openid.initiateDeviceAuthorization(await provider.configuration(), parameters)
    const { verification_uri_complete: complete } = response
    assertLengths(response)
    return {
      deviceCode: response.device_code,
      userCode: response.user_code,
      verificationUri: webUrl(response.verification_uri),
      ...defined({ verificationUriComplete: complete === undefined ? undefined : webUrl(complete) }),
      expiresAt: Date.now() / 1000 + Math.min(response.expires_in, MAX_LIFETIME),
      interval: Math.min(Math.max(response.interval ?? INTERVAL.default, INTERVAL.min), INTERVAL.max),
    }
  } catch (error) {
    throw tokenError(provider, error, 'the device authorization request')
  }
}

/**
 * Asks once whether the user has approved. If `openid` was requested, an ID token is required; it is verified.
 *
 * @throws `ERR_AUTHORIZATION_DENIED`, `ERR_DEVICE_CODE_EXPIRED`, `ERR_ID_TOKEN_INVALID`, `ERR_TOKEN_REQUEST_REFUSED`,
 *   `ERR_CLIENT_REFUSED`, `ERR_TOKEN_RESPONSE_INVALID`, `ERR_PROVIDER_UNAVAILABLE`
 * @see [RFC 8628 §3.4](https://www.rfc-editor.org/rfc/rfc8628#section-3.4)
 */
export async function pollDevice(provider: Provider, deviceCode: string, scope: string): Promise<DevicePoll> {
  try {
    const configuration = await provider.configuration()
    const response = await openid.genericGrantRequest(configuration, GRANT_TYPE, { device_code: deviceCode })
    const tokens = toTokenSet(response, scope)
    const hasUser = tokens.idToken !== undefined || toList(scope).includes('openid')
    return { state: 'approved', tokens, claims: hasUser ? await verifyDirectIdToken(provider, tokens) : undefined }
  } catch (error) {
    if (error instanceof openid.ResponseBodyError) {
      if (error.error === 'authorization_pending') return { state: 'pending' }
      if (error.error === 'slow_down') return { state: 'slow_down' }
      if (error.error === 'access_denied') {
        throw new RelyingPartyError('ERR_AUTHORIZATION_DENIED', 'the sign-in was refused', {
          cause: { error: error.error },
        })
      }
      if (error.error === 'expired_token') throw deviceCodeExpired()
    }
    throw tokenError(provider, error, 'the device token request', deviceCode)
  }
}

/**
 * Returns the time until the next poll: 5 seconds more after `slow_down`, twice as much after an outage. In seconds.
 *
 * @see [RFC 8628 §3.5](https://www.rfc-editor.org/rfc/rfc8628#section-3.5)
 */
export function nextInterval(interval: number, found: 'pending' | 'slow_down' | 'outage'): number {
  if (found === 'pending') return interval
  return Math.min(found === 'slow_down' ? interval + 5 : interval * 2, INTERVAL.max)
}

/** Creates the error for a code that was not approved in time. */
export function deviceCodeExpired(): RelyingPartyError {
  return new RelyingPartyError('ERR_DEVICE_CODE_EXPIRED', 'the code was not approved in time: start again')
}

/** The longest accepted values. In characters. */
const MAX_LENGTH = { deviceCode: 8192, userCode: 256, uri: 2048 }

function assertLengths(response: openid.DeviceAuthorizationResponse): void {
  const { device_code, user_code, verification_uri, verification_uri_complete = '' } = response
  const isTooLong =
    device_code.length > MAX_LENGTH.deviceCode ||
    user_code.length > MAX_LENGTH.userCode ||
    Math.max(verification_uri.length, verification_uri_complete.length) > MAX_LENGTH.uri
  if (isTooLong) throw new RelyingPartyError('ERR_TOKEN_RESPONSE_INVALID', 'a code or URI of the response is too long')
}

/** Throws unless a browser may be sent to the URL. */
function webUrl(value: string): string {
  const url = URL.canParse(value) ? new URL(value) : undefined
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url))) return value
  throw new RelyingPartyError('ERR_TOKEN_RESPONSE_INVALID', 'the verification URI is not an https URL', {
    hint: `the provider sent ${quote(value)}`,
  })
}
