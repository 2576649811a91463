import * as openid from 'openid-client'
import { RelyingPartyError } from '../errors.js'
import { JwtError } from '../jwt/jws.js'
import { isLoopback } from '../lib/loopback.js'
import type { Provider } from '../provider/provider.js'
import { translateError } from '../provider/translate.js'
import { type IdTokenClaims, verifyIdToken } from './idToken.js'
import {
  atHash,
  authenticationExpectations,
  expectations,
  scopeParameters,
  type TokenScope,
  type TokenSet,
  toTokenSet,
} from './tokens.js'

const GRANT_TYPE = 'urn:ietf:params:oauth:grant-type:device_code'

/** The least and the longest time between two polls. In seconds. */
const INTERVAL = { least: 1, usual: 5, longest: 60 }

/** The longest that a code is waited for. In seconds. */
const MAX_LIFETIME = 3600

/** What a device authorization request gave: a secret for the device, and what to show to the user. */
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

/** What a poll found. */
export type DevicePoll =
  | { readonly state: 'pending' | 'slow_down' }
  | { readonly state: 'approved'; readonly tokens: TokenSet; readonly claims: IdTokenClaims | undefined }

/**
 * Asks for a device code and a user code.
 *
 * @throws `ERR_METADATA_INVALID`, `ERR_TOKEN_REQUEST_REFUSED`, `ERR_CLIENT_REFUSED`, `ERR_TOKEN_RESPONSE_INVALID`,
 *   `ERR_PROVIDER_UNAVAILABLE`
 * @see [RFC 8628 §3.1](https://www.rfc-editor.org/rfc/rfc8628#section-3.1)
 */
export async function requestDeviceAuthorization(provider: Provider, asked: TokenScope): Promise<DeviceAuthorization> {
  const { device_authorization_endpoint: endpoint } = await provider.metadata()
  if (typeof endpoint !== 'string') {
    const { issuer } = provider.options
    throw new RelyingPartyError('ERR_METADATA_INVALID', `${issuer} has no device_authorization_endpoint`)
  }
  try {
    const parameters = scopeParameters(asked)
    const { maxAge, acrValues } = provider.options
    if (maxAge !== undefined) parameters.set('max_age', String(maxAge))
    if (acrValues.length > 0) parameters.set('acr_values', acrValues.join(' '))
    const answer = await openid.initiateDeviceAuthorization(await provider.configuration(), parameters)
    const { verification_uri_complete: complete } = answer
    requireLengths(answer)
    return {
      deviceCode: answer.device_code,
      userCode: answer.user_code,
      verificationUri: webUrl(answer.verification_uri),
      ...(complete === undefined ? {} : { verificationUriComplete: webUrl(complete) }),
      expiresAt: Date.now() / 1000 + Math.min(answer.expires_in, MAX_LIFETIME),
      interval: Math.min(Math.max(answer.interval ?? INTERVAL.usual, INTERVAL.least), INTERVAL.longest),
    }
  } catch (error) {
    throw translateError(
      error,
      'ERR_TOKEN_RESPONSE_INVALID',
      'the device authorization request',
      provider.errorContext(),
    )
  }
}

/**
 * Asks once whether the user has approved. Where `openid` was asked for, there must be an ID token, which is verified.
 *
 * @throws `ERR_AUTHORIZATION_DENIED`, `ERR_DEVICE_CODE_EXPIRED`, `ERR_ID_TOKEN_INVALID`, `ERR_TOKEN_REQUEST_REFUSED`,
 *   `ERR_CLIENT_REFUSED`, `ERR_TOKEN_RESPONSE_INVALID`, `ERR_PROVIDER_UNAVAILABLE`
 * @see [RFC 8628 §3.4](https://www.rfc-editor.org/rfc/rfc8628#section-3.4)
 */
export async function pollDevice(provider: Provider, deviceCode: string, scope: string): Promise<DevicePoll> {
  try {
    const configuration = await provider.configuration()
    const answer = await openid.genericGrantRequest(configuration, GRANT_TYPE, { device_code: deviceCode })
    const tokens = toTokenSet(answer, scope)
    return { state: 'approved', tokens, claims: await judge(provider, tokens, scope) }
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
    const code = error instanceof JwtError ? 'ERR_ID_TOKEN_INVALID' : 'ERR_TOKEN_RESPONSE_INVALID'
    throw translateError(
      error,
      code,
      error instanceof JwtError ? 'the check of the ID token' : 'the device token request',
      provider.errorContext(deviceCode),
    )
  }
}

/**
 * Gives the time until the next poll: 5 seconds more after `slow_down`, twice as much after an outage.
 *
 * @see [RFC 8628 §3.5](https://www.rfc-editor.org/rfc/rfc8628#section-3.5)
 */
export function nextInterval(interval: number, found: 'pending' | 'slow_down' | 'outage'): number {
  if (found === 'pending') return interval
  return Math.min(found === 'slow_down' ? interval + 5 : interval * 2, INTERVAL.longest)
}

/** The error for a code that was not approved in time. */
export function deviceCodeExpired(): RelyingPartyError {
  return new RelyingPartyError('ERR_DEVICE_CODE_EXPIRED', 'the code was not approved in time: start again')
}

async function judge(provider: Provider, tokens: TokenSet, scope: string): Promise<IdTokenClaims | undefined> {
  if (tokens.idToken === undefined) {
    if (!scope.split(' ').includes('openid')) return undefined
    throw new RelyingPartyError('ERR_TOKEN_RESPONSE_INVALID', 'the token response has no ID token')
  }
  return verifyIdToken(tokens.idToken, {
    ...(await expectations(provider)),
    ...authenticationExpectations(provider),
    hashes: [atHash(tokens)],
  })
}

/** The longest values that are taken. In characters. */
const MAX_LENGTH = { deviceCode: 8192, userCode: 256, uri: 2048 }

function requireLengths(answer: openid.DeviceAuthorizationResponse): void {
  const { device_code, user_code, verification_uri, verification_uri_complete = '' } = answer
  const isTooLong =
    device_code.length > MAX_LENGTH.deviceCode ||
    user_code.length > MAX_LENGTH.userCode ||
    Math.max(verification_uri.length, verification_uri_complete.length) > MAX_LENGTH.uri
  if (isTooLong) throw new RelyingPartyError('ERR_TOKEN_RESPONSE_INVALID', 'a code or URI of the response is too long')
}

/** Takes only a URL that a browser may be sent to. */
function webUrl(value: string): string {
  const url = URL.canParse(value) ? new URL(value) : undefined
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url))) return value
  throw new RelyingPartyError('ERR_TOKEN_RESPONSE_INVALID', 'the verification URI is not an https URL')
}
