/** The claims of a signed-in user or of an access token, verified. `{}` for the anonymous. */
export interface Claims {
  readonly [claim: string]: unknown
  /** The subject: who it is, at the issuer. */
  readonly sub?: string
  readonly iss?: string
  readonly name?: string
  readonly email?: string
  /** Some providers, such as Apple and Cognito, write a string: use {@link hasVerifiedEmail}. */
  readonly email_verified?: boolean | 'true' | 'false'
  readonly picture?: string
}

/**
 * Checks whether the provider has verified the `email` of these claims: `email_verified` is `true`, or the string `'true'`
 * of Apple and Cognito.
 *
 * @example
 * ```ts
 * app.get('/newsletter', requireClaim(hasVerifiedEmail), send)
 * ```
 */
export function hasVerifiedEmail({ email_verified: verified }: Claims): boolean {
  return verified === true || verified === 'true'
}

/** Which access token {@link Auth.getAccessToken} is to give, where it is not the session's own. */
export interface AccessTokenRequest {
  /**
   * The API, or several, that the token is for: absolute URIs. The provider has to know them, mostly from the option
   * `resource` of the login.
   *
   * @see [RFC 8707 §2.2](https://www.rfc-editor.org/rfc/rfc8707#section-2.2)
   */
  resource?: string | readonly string[]
  /** The scopes that the token is for. Default is what the provider gives. */
  scope?: string | readonly string[]
  /**
   * Whether to get a new token although the one at hand has not expired: for an API that refuses it. Any number of such
   * calls at once make one token request. Default is `false`.
   */
  forceRefresh?: boolean
}

/** Who makes a request, and what they may do: `req.auth`. */
export interface Auth {
  /** Whether the request comes from a signed-in user or bears a valid access token. */
  readonly isAuthenticated: boolean
  /** What the request was recognized by. */
  readonly kind: 'session' | 'access_token' | 'anonymous'
  /** The `sub` claim, verified. `undefined` for the anonymous. */
  readonly subject: string | undefined
  /** The claims, verified. For a session those of the login, as `onLogin` left them. */
  readonly claims: Claims
  /** The granted scopes. */
  readonly scopes: readonly string[]
  /** The provider's name. `undefined` for the anonymous. */
  readonly provider: string | undefined
  /**
   * Gives an access token that is valid for a minute or more, refreshing it if need be. Any number of calls at once
   * make one token request.
   *
   * Asked for a `resource` or `scope`, it gives a token for just that: by the refresh token, or by token exchange where
   * the provider's option `tokenExchange` says so. It is kept with the session. The provider may grant more scopes
   * than were asked for, as Entra ID does.
   *
   * @throws `ERR_AUTHENTICATION_REQUIRED` when nobody is signed in, or the token has expired and there is no refresh
   *   token; `ERR_NO_ACCESS_TOKEN` after a login with `responseType: 'id_token'`, or where there
   *   is nothing to get another API's token with; `ERR_TOKEN_REQUEST_REFUSED` where the provider does not give a token
   *   for the `resource` or `scope`; `ERR_SESSION_ENDED` when the provider ended the grant; `ERR_PROVIDER_UNAVAILABLE`; `ERR_STORE_UNAVAILABLE`
   */
  getAccessToken(request?: AccessTokenRequest): Promise<string>
  /**
   * Calls an API with the access token in the `Authorization` header.
   *
   * The token is only sent over https, or to a loopback host. After a 401 the call is repeated once with a refreshed
   * token, unless its body is a stream, which is read once; without a refresh token, or while the provider is down, the
   * 401 is returned.
   *
   * @throws as {@link Auth.getAccessToken}, and what `fetch` throws
   * @see [RFC 6750 §2.1](https://www.rfc-editor.org/rfc/rfc6750#section-2.1)
   */
  fetch(url: string | URL, init?: RequestInit): Promise<Response>
  /**
   * Fetches the claims of the UserInfo endpoint. They are not stored.
   *
   * @throws as {@link Auth.getAccessToken}; `ERR_USERINFO_INVALID` when another subject answers
   */
  fetchUserInfo(): Promise<Claims>
}
