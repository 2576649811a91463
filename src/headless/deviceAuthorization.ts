import { RelyingPartyError } from '../errors.js'
import {
  assertOptions,
  callable,
  object,
  requireOption,
  resourceIndicators,
  type Shape,
  stringOrStrings,
} from '../lib/check.js'
import { REFRESH_TIMEOUT } from '../lib/http/httpOptions.js'
import { toList } from '../lib/list.js'
import { deviceCodeExpired, nextInterval, pollDevice, requestDeviceAuthorization } from '../protocol/device.js'
import type { IdTokenClaims } from '../protocol/idToken.js'
import { refreshTokens, type TokenSet } from '../protocol/tokens.js'
import type { Provider } from '../provider/provider.js'
import { CLIENT_SHAPE, type ClientOptions, resolveClient } from './clientOptions.js'
import { type AccessTokenSource, hold, TokenSource } from './tokenSource.js'

/** What to show to the user, who opens the page on another device and enters the code. */
export interface DeviceCode {
  readonly userCode: string
  readonly verificationUri: string
  /** The page with the code filled in, for a QR code or link. */
  readonly verificationUriComplete: string | undefined
  /** In seconds. */
  readonly expiresIn: number
}

/** Options of {@link deviceAuthorization}. */
export interface DeviceAuthorizationOptions extends ClientOptions {
  /** The scopes to request. Default is the provider's `scope`. */
  scope?: string | readonly string[]
  /** The API or APIs that the access token is for, as absolute URIs. */
  resource?: string | readonly string[]
  /** Shows the code to the user. */
  onCode: (code: DeviceCode) => void | Promise<void>
  /** Stops waiting. */
  signal?: AbortSignal
}

/** The user who approved, and the tokens. They exist only in this process. */
export interface DeviceSession extends AccessTokenSource {
  /** The claims of the ID token, verified. `undefined` if `openid` was not requested. */
  readonly claims: IdTokenClaims | undefined
  /** The granted scopes. */
  readonly scopes: readonly string[]
}

const SHAPE: Shape<DeviceAuthorizationOptions> = {
  ...CLIENT_SHAPE,
  scope: stringOrStrings,
  resource: resourceIndicators,
  onCode: callable,
  signal: object,
}

/**
 * Signs a user in to a command-line tool or another program without a browser.
 *
 * Requests a code, passes it to `onCode`, and waits until the user approves it on another device. Tokens are refreshed
 * while the program runs and not stored.
 *
 * @throws `ERR_AUTHORIZATION_DENIED`, `ERR_DEVICE_CODE_EXPIRED`, `ERR_ID_TOKEN_INVALID`, `ERR_TOKEN_REQUEST_REFUSED`,
 *   `ERR_CLIENT_REFUSED`, `ERR_TOKEN_RESPONSE_INVALID`, `ERR_METADATA_INVALID`, `ERR_PROVIDER_UNAVAILABLE`,
 *   `ERR_CONFIGURATION`; the signal's reason
 * @see [RFC 8628](https://www.rfc-editor.org/rfc/rfc8628)
 *
 * @example
 * ```ts
 * const session = await deviceAuthorization({
 *   provider: { issuer, clientId, clientAuth: 'none' },
 *   onCode: ({ verificationUri, userCode }) => console.log(`Open ${verificationUri} and enter ${userCode}`),
 * })
 * const response = await session.fetch('https://api.example.com/reports')
 * ```
 */
export async function deviceAuthorization(options: DeviceAuthorizationOptions): Promise<DeviceSession> {
  assertOptions<DeviceAuthorizationOptions>(options, 'deviceAuthorization', SHAPE)
  requireOption(options, 'deviceAuthorization', 'provider', "set { issuer, clientId, clientAuth: 'none' }")
  requireOption(options, 'deviceAuthorization', 'onCode', 'set it to a function that shows the code to the user')
  const client = resolveClient(options, 'deviceAuthorization')
  const { provider, refreshBefore } = client
  const scope = provider.scopeFor(options.scope)
  const { tokens, claims } = await waitForApproval(provider, scope, options)
  const source = new TokenSource(refresher(provider, tokens, claims, refreshBefore), {
    ...client,
    held: hold(tokens, refreshBefore),
  })
  return {
    claims,
    scopes: tokens.scopes,
    getAccessToken: () => source.getAccessToken(),
    fetch: (url, init) => source.fetch(url, init),
  }
}

async function waitForApproval(provider: Provider, scope: string, options: DeviceAuthorizationOptions) {
  const { onCode, signal } = options
  const resource = toList(options.resource ?? [])
  signal?.throwIfAborted()
  const device = await requestDeviceAuthorization(provider, { scope, resource })
  const { userCode, verificationUri, verificationUriComplete, expiresAt } = device
  const expiresIn = Math.round(expiresAt - Date.now() / 1000)
  await onCode({ userCode, verificationUri, verificationUriComplete, expiresIn })
  let { interval } = device
  for (;;) {
    signal?.throwIfAborted()
    await pause(interval, signal)
    if (Date.now() / 1000 >= expiresAt) throw deviceCodeExpired()
    const found = await pollDevice(provider, device.deviceCode, scope).catch(outage)
    if (found.state === 'approved') return found
    interval = nextInterval(interval, found.state)
  }
}

/** Polling continues during an outage. */
function outage(error: unknown): { state: 'outage' } {
  if (error instanceof RelyingPartyError && error.code === 'ERR_PROVIDER_UNAVAILABLE') return { state: 'outage' }
  throw error
}

/** Returns the token request after the first: a refresh, if there is a refresh token. */
function refresher(provider: Provider, first: TokenSet, claims: IdTokenClaims | undefined, before: number) {
  let { refreshToken } = first
  return async () => {
    if (refreshToken === undefined) {
      throw new RelyingPartyError('ERR_SESSION_ENDED', 'the access token is no longer accepted: sign in again', {
        hint: 'there is no refresh token: request the scope offline_access, or what the provider requires for one',
      })
    }
    const identity = { issuer: claims?.iss ?? provider.options.issuer, subject: claims?.sub ?? '' }
    const { tokens } = await refreshTokens(provider, { refreshToken, scopes: first.scopes }, identity, undefined, {
      timeout: REFRESH_TIMEOUT,
    })
    refreshToken = tokens.refreshToken ?? refreshToken
    return hold(tokens, before)
  }
}

function pause(seconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      clearTimeout(timer)
      reject(signal?.reason as Error)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    }, seconds * 1000)
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}
