/** The verified claims of a signed-in user or an access token. `{}` for an anonymous request. */
export interface Claims {
  readonly [claim: string]: unknown
  /** The subject: identifies the user at the issuer. */
  readonly sub?: string
  readonly iss?: string
  readonly name?: string
  readonly email?: string
  /** A string at some providers, such as Apple and Cognito: use {@link hasVerifiedEmail}. */
  readonly email_verified?: boolean | 'true' | 'false'
  readonly picture?: string
}

/**
 * Checks whether the provider has verified the `email` claim.
 *
 * `email_verified` must be `true`, or the string `'true'`, as Apple and Cognito send it.
 *
 * @example
 * ```ts
 * app.get('/newsletter', requireClaim(hasVerifiedEmail), send)
 * ```
 */
export function hasVerifiedEmail({ email_verified: verified }: Claims): boolean {
  return verified === true || verified === 'true'
}

/** Selects the access token that {@link Auth.getAccessToken} returns. Default is the session's own. */
export interface AccessTokenRequest {
  /**
   * The APIs that the token is for: one or more absolute URIs. The provider must know them, usually from the `resource`
   * option of the login.
   *
   * @see [RFC 8707 §2.2](https://www.rfc-editor.org/rfc/rfc8707#section-2.2)
   */
  resource?: string | readonly string[]
  /** The scopes to request. Default is the provider's choice. */
  scope?: string | readonly string[]
  /**
   * Whether to get a new token even though the current one has not expired, because an API refused it. Concurrent calls
   * share one token request. Default is `false`.
   */
  forceRefresh?: boolean
}

/** Identifies the caller of a request and what they may do, as `req.auth`. */
export interface Auth {
  /** Whether the request comes from a signed-in user or has a valid access token. */
  readonly isAuthenticated: boolean
  /** What identifies the caller. */
  readonly kind: 'session' | 'access_token' | 'anonymous'
  /** The verified `sub` claim. `undefined` for an anonymous request. */
  readonly subject: string | undefined
  /** The verified claims. For a session, those of the login, as `onLogin` left them. */
  readonly claims: Claims
  /** The granted scopes. */
  readonly scopes: readonly string[]
  /** The name of the provider, or the issuer of the access token. `undefined` for an anonymous request. */
  readonly provider: string | undefined
  /**
   * Returns an access token that is valid for a minute or more, refreshing it if necessary. Concurrent calls share one
   * token request.
   *
   * With a `resource` or `scope`, it returns a token for just that, obtained with the refresh token, or by token exchange
   * if the provider's option `tokenExchange` is set, and stored with the session. The provider may grant more scopes than
   * requested, as Entra ID does.
   *
   * @throws `ERR_AUTHENTICATION_REQUIRED` if no one is signed in, or the token has expired and there is no refresh token;
   *   `ERR_NO_ACCESS_TOKEN` after a login with `responseType: 'id_token'`, or if the session has no token with which to
   *   request one for another API; `ERR_TOKEN_REQUEST_REFUSED` if the provider refuses the `resource` or `scope`;
   *   `ERR_SESSION_ENDED` if the provider ended the grant; `ERR_PROVIDER_UNAVAILABLE`; `ERR_STORE_UNAVAILABLE`
   */
  getAccessToken(request?: AccessTokenRequest): Promise<string>
  /**
   * Calls an API with the access token in the `Authorization` header.
   *
   * The token is only sent over https, or to a loopback host. After a 401, the call is repeated once with a refreshed
   * token, unless its body is a stream, which can only be read once. Without a refresh token, or while the provider is
   * down, the 401 is returned.
   *
   * @throws what {@link Auth.getAccessToken} and the global `fetch` throw
   * @see [RFC 6750 §2.1](https://www.rfc-editor.org/rfc/rfc6750#section-2.1)
   */
  fetch(url: string | URL, init?: RequestInit): Promise<Response>
  /**
   * Fetches the claims from the UserInfo endpoint. Does not store them. After a 401 the request is repeated once with a
   * refreshed token.
   *
   * @throws what {@link Auth.getAccessToken} throws; `ERR_USERINFO_INVALID` if the response has another subject
   */
  fetchUserInfo(): Promise<Claims>
}
