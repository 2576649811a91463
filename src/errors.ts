/** `homepage` of package.json, filled in by the build. */
declare const __HOMEPAGE__: string | undefined

const STATUS = {
  /** An option is missing or wrong, or a middleware is not mounted. */
  ERR_CONFIGURATION: 500,
  /** The route needs a signed-in user and there is none. */
  ERR_AUTHENTICATION_REQUIRED: 401,
  /** The user or token lacks a scope that the route needs. */
  ERR_INSUFFICIENT_SCOPE: 403,
  /** The user or token lacks a claim that the route needs. */
  ERR_INSUFFICIENT_CLAIMS: 403,
  /** The route needs a more recent or a stronger sign-in. */
  ERR_INSUFFICIENT_AUTHENTICATION: 401,
  /** The credentials of the request are malformed, repeated, or in two places. */
  ERR_CREDENTIALS_MALFORMED: 400,
  /** The access token failed a check. */
  ERR_ACCESS_TOKEN_INVALID: 401,
  /** The DPoP proof is missing or failed a check. */
  ERR_DPOP_PROOF_INVALID: 401,
  /** The DPoP proof must carry a nonce from this server. */
  ERR_DPOP_NONCE_REQUIRED: 401,
  /** The introspection response is malformed or failed a check. */
  ERR_INTROSPECTION_INVALID: 502,
  /** The request came from another site. */
  ERR_CROSS_SITE_REQUEST: 403,
  /** The login names a provider that is not configured, or names none of several. */
  ERR_UNKNOWN_PROVIDER: 400,
  /** The authorization response is malformed: a parameter is missing, repeated or not a string. */
  ERR_AUTHORIZATION_RESPONSE_INVALID: 400,
  /** The authorization response is not from the issuer that was asked. */
  ERR_ISSUER_MISMATCH: 400,
  /** The user or the provider refused the authorization (`access_denied`). */
  ERR_AUTHORIZATION_DENIED: 403,
  /** The provider answered the authorization request with any other error. */
  ERR_AUTHORIZATION_FAILED: 400,
  /** This browser has no login in progress that matches the response. */
  ERR_TRANSACTION_MISSING: 400,
  /** The login was started too long ago. */
  ERR_TRANSACTION_EXPIRED: 400,
  /** The response to this login was already delivered, or the browser disconnected before the login finished. */
  ERR_TRANSACTION_CONSUMED: 400,
  /** This browser signed in several times and was not recognized afterwards. */
  ERR_LOGIN_LOOP: 508,
  /** The user name or the password is wrong. Which one is not disclosed. */
  ERR_INVALID_CREDENTIALS: 401,
  /** The device code was not approved in time. */
  ERR_DEVICE_CODE_EXPIRED: 400,
  /** The token endpoint refused the request, for example because the code was used or has expired. */
  ERR_TOKEN_REQUEST_REFUSED: 400,
  /** The provider refused this application's credentials. */
  ERR_CLIENT_REFUSED: 502,
  /** The token response is malformed. */
  ERR_TOKEN_RESPONSE_INVALID: 400,
  /** The ID token failed a check. */
  ERR_ID_TOKEN_INVALID: 400,
  /** The UserInfo response failed a check. */
  ERR_USERINFO_INVALID: 400,
  /** The provider's metadata or keys are unusable. */
  ERR_METADATA_INVALID: 502,
  /** The provider is unreachable or fails. */
  ERR_PROVIDER_UNAVAILABLE: 503,
  /** The session store or `AuthStore` is unreachable or fails. */
  ERR_STORE_UNAVAILABLE: 503,
  /** The application's `onLogin` refused the user. */
  ERR_LOGIN_REFUSED: 403,
  /** The session has no access token (`responseType: 'id_token'`), or no refresh token to get one for another API. */
  ERR_NO_ACCESS_TOKEN: 500,
  /** The logout token of a back-channel logout is missing, failed a check, or was already used. */
  ERR_LOGOUT_TOKEN_INVALID: 400,
  /** The security event token is missing or failed a check. */
  ERR_SECURITY_EVENT_INVALID: 400,
  /** A front-channel logout is malformed, or from an unknown provider. */
  ERR_LOGOUT_REQUEST_INVALID: 400,
  /** The session ended at the provider, in another process, or at the end of its lifetime. */
  ERR_SESSION_ENDED: 401,
  /** A subresource, frame or prefetch requested a route that only a navigation of the user may request. */
  ERR_NOT_NAVIGATED: 503,
  /** The request body is larger than allowed. */
  ERR_BODY_TOO_LARGE: 413,
} as const

/** The stable codes of {@link RelyingPartyError}. Each has a heading in `docs/errors.md`. */
export type ErrorCode = keyof typeof STATUS

/** Details of an error besides its code and message. */
export interface RelyingPartyErrorOptions {
  /** The HTTP status. Default is the code's own, as in `docs/errors.md`. */
  status?: number
  /** Response headers, sent by Express's own error handler. */
  headers?: Record<string, string>
  /** What led to the error. Never contains a token, a code or a secret. */
  cause?: unknown
  /** The likely cause and the fix, for whoever operates the application. May name options, never secrets. */
  hint?: string
}

/** The page that documents the codes: under the package's `homepage`, or if it has none, a path within the package. */
const ERRORS_PAGE = `${typeof __HOMEPAGE__ === 'string' ? `${__HOMEPAGE__.split('#', 1)[0]?.replace(/\/$/, '')}/` : ''}docs/errors.md`

/**
 * Represents every failure of this package. `code` identifies it.
 *
 * Express's own error handler answers with `status` and `headers`. `message` is written for people and may be shown to
 * them if `expose` is `true`; `hint` and `help` are for operators. None contains a token, a code or a secret. `stack`
 * includes the hint, so that logs show it.
 */
export class RelyingPartyError extends Error {
  override readonly name: string = 'RelyingPartyError'
  /** The stable name of the failure. */
  readonly code: ErrorCode
  /** The HTTP status to answer with. */
  readonly status: number
  /** Headers to answer with, such as `WWW-Authenticate` or `Retry-After`. */
  readonly headers: Readonly<Record<string, string>>
  /** Whether the message may be shown to the user: `true` below status 500. */
  readonly expose: boolean
  /** The likely cause and the fix, with the names of options. For logs, not for pages. */
  readonly hint: string | undefined
  /** The URL of the code's heading in the documentation. */
  readonly help: string
  /** Where the user wanted to go when the login failed: a path of this application. Set by `login()` and `callback()`. */
  returnTo?: string
  /** A path of this application that starts the login again. Set by `login()` and `callback()`. */
  retryUrl?: string

  constructor(code: ErrorCode, message: string, options: RelyingPartyErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.hint = options.hint
    const { stack, hint } = this
    if (stack && hint) this.stack = stack.replace(message, () => `${message}\n    Hint: ${hint}`)
    this.help = `${ERRORS_PAGE}#${code.toLowerCase()}`
    this.status = options.status ?? STATUS[code]
    this.headers = options.headers ?? (this.status === 503 ? { 'Retry-After': '5' } : {})
    this.expose = this.status < 500
  }
}

/**
 * Refuses a login when thrown by `onLogin`. The reason becomes the message, so write it for the user.
 *
 * @example
 * ```ts
 * onLogin({ claims }) {
 *   if (!hasVerifiedEmail(claims)) throw new LoginRefusedError('Please verify your e-mail address first.')
 * }
 * ```
 */
export class LoginRefusedError extends RelyingPartyError {
  override readonly name = 'LoginRefusedError'

  constructor(reason: string, options: Pick<RelyingPartyErrorOptions, 'cause' | 'hint'> = {}) {
    super('ERR_LOGIN_REFUSED', reason, options)
  }
}

/** Builds the error for a wrong option. The message names the option and the problem, the hint the fix. */
export function configurationError(option: string, problem: string, fix?: string): RelyingPartyError {
  return new RelyingPartyError('ERR_CONFIGURATION', `${option} ${problem}`, fix === undefined ? {} : { hint: fix })
}

/** Wraps an error of a store, so that an outage never looks like an anonymous request. */
export function storeError(cause: unknown): RelyingPartyError {
  if (cause instanceof RelyingPartyError) return cause
  return new RelyingPartyError('ERR_STORE_UNAVAILABLE', 'the session store failed', {
    cause,
    hint: "cause is the store's own error: check that the store is reachable and accepts commands",
  })
}
