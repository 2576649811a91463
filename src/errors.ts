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
  /** The route needs the user to have signed in more recently, or by stronger means. */
  ERR_INSUFFICIENT_AUTHENTICATION: 401,
  /** The credentials of the request are malformed, repeated, or in two places. */
  ERR_CREDENTIALS_MALFORMED: 400,
  /** The access token did not pass a check. */
  ERR_ACCESS_TOKEN_INVALID: 401,
  /** The DPoP proof is missing or did not pass a check. */
  ERR_DPOP_PROOF_INVALID: 401,
  /** The DPoP proof has to carry a nonce of this server. */
  ERR_DPOP_NONCE_REQUIRED: 401,
  /** The answer of the introspection endpoint is malformed or did not pass a check. */
  ERR_INTROSPECTION_INVALID: 502,
  /** The request came from another site. */
  ERR_CROSS_SITE_REQUEST: 403,
  /** The login names a provider that is not configured, or names none of several. */
  ERR_UNKNOWN_PROVIDER: 400,
  /** The authorization response is malformed: a parameter is missing, repeated or not a string. */
  ERR_AUTHORIZATION_RESPONSE_INVALID: 400,
  /** The authorization response comes from another issuer than the one asked. */
  ERR_ISSUER_MISMATCH: 400,
  /** The user or the provider refused the authorization (`access_denied`). */
  ERR_AUTHORIZATION_DENIED: 403,
  /** The provider answered the authorization request with another error. */
  ERR_AUTHORIZATION_FAILED: 400,
  /** This browser has no login in progress that matches the response. */
  ERR_TRANSACTION_MISSING: 400,
  /** The login was started too long ago. */
  ERR_TRANSACTION_EXPIRED: 400,
  /** The response of this login was delivered before, or the browser disconnected before the login finished. */
  ERR_TRANSACTION_CONSUMED: 400,
  /** This browser was signed in several times, and not recognized afterwards. */
  ERR_LOGIN_LOOP: 508,
  /** The user name or the password is wrong. Which of the two is not disclosed. */
  ERR_INVALID_CREDENTIALS: 401,
  /** The code of a device was not approved in time. */
  ERR_DEVICE_CODE_EXPIRED: 400,
  /** The token endpoint refused the request, such as a code that is used or expired. */
  ERR_TOKEN_REQUEST_REFUSED: 400,
  /** The provider refused this application's credentials. */
  ERR_CLIENT_REFUSED: 502,
  /** The token response is malformed. */
  ERR_TOKEN_RESPONSE_INVALID: 400,
  /** The ID token did not pass a check. */
  ERR_ID_TOKEN_INVALID: 400,
  /** The UserInfo response did not pass a check. */
  ERR_USERINFO_INVALID: 400,
  /** The provider's metadata or keys are unusable. */
  ERR_METADATA_INVALID: 502,
  /** The provider cannot be reached or fails. */
  ERR_PROVIDER_UNAVAILABLE: 503,
  /** The session store or `AuthStore` cannot be reached or fails. */
  ERR_STORE_UNAVAILABLE: 503,
  /** The application's `onLogin` refused the user. */
  ERR_LOGIN_REFUSED: 403,
  /** The session has no access token (`responseType: 'id_token'`), or no refresh token to get one for another API. */
  ERR_NO_ACCESS_TOKEN: 500,
  /** A back-channel logout is malformed: its logout token did not pass a check, or was used before. */
  ERR_LOGOUT_TOKEN_INVALID: 400,
  /** A front-channel logout is malformed, or not from a known provider. */
  ERR_LOGOUT_REQUEST_INVALID: 400,
  /** The session ended at the provider, in another process, or at the end of its lifetime. */
  ERR_SESSION_ENDED: 401,
  /** The request loads a part of a page, or a page in advance, where only the user may go. */
  ERR_NOT_NAVIGATED: 503,
  /** The request body is larger than allowed. */
  ERR_BODY_TOO_LARGE: 413,
} as const

/** The stable codes of {@link RelyingPartyError}. Each has a heading in `docs/errors.md`. */
export type ErrorCode = keyof typeof STATUS

/** Details that an error carries beside its code and message. */
export interface RelyingPartyErrorOptions {
  /** HTTP status. Default depends on the code. */
  status?: number
  /** Response headers, which Express's own error handler sends. */
  headers?: Record<string, string>
  /** What led to the error. Never holds a token, a code or a secret. */
  cause?: unknown
  /** The likely cause and the fix, for whoever operates the application. May name options, never secrets. */
  hint?: string
}

/** Where the documentation of the codes is: below the package's `homepage`, or a path in the package without one. */
const ERRORS_PAGE = `${typeof __HOMEPAGE__ === 'string' ? `${__HOMEPAGE__.split('#', 1)[0]?.replace(/\/$/, '')}/` : ''}docs/errors.md`

/**
 * Reports every failure of this package. Its `code` identifies the failure.
 *
 * Express's own error handler answers with its `status` and `headers`. `message` is written for people and may be shown
 * to them when `expose` is true; `hint` and `help` are for whoever operates the application. None holds a token, a code
 * or a secret. The first line of `stack` has the hint too, so that logs show it.
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
  /** Where the documentation explains the code. */
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

/** Builds the error for a wrong option: its name, what is wrong, and as the hint what to write instead. */
export function configurationError(option: string, problem: string, fix?: string): RelyingPartyError {
  return new RelyingPartyError('ERR_CONFIGURATION', `${option} ${problem}`, fix === undefined ? {} : { hint: fix })
}

/** Wraps a failure of a store, so that an outage never looks like an anonymous request. */
export function storeError(cause: unknown): RelyingPartyError {
  if (cause instanceof RelyingPartyError) return cause
  return new RelyingPartyError('ERR_STORE_UNAVAILABLE', 'the session store failed', {
    cause,
    hint: "`cause` is the store's own error: check that the store is reachable and accepts commands",
  })
}
