import type { ServerMetadata } from 'openid-client'

/** How this application authenticates at the token endpoint. */
export type ClientAuth = 'client_secret_basic' | 'client_secret_post' | 'none'

/**
 * What the authorization endpoint is asked for: a code (authorization code flow), an ID token (implicit flow), or both
 * (hybrid flow).
 *
 * @see [OAuth 2.0 Multiple Response Types](https://openid.net/specs/oauth-v2-multiple-response-types-1_0.html)
 */
export type ResponseType = 'code' | 'id_token' | 'code id_token'

/** How the provider sends the authorization response: in the URL, or in the body of a cross-site POST. */
export type ResponseMode = 'query' | 'form_post'

/** What the application knows of a provider and its registration there. */
export interface ProviderOptions {
  /** The provider's issuer identifier: an `https` URL. Its metadata is fetched from there at the first login. */
  issuer: string
  /**
   * The provider's metadata, by the names of RFC 8414. When given, nothing is discovered.
   *
   * @see [RFC 8414 §2](https://www.rfc-editor.org/rfc/rfc8414#section-2)
   */
  metadata?: ServerMetadata
  /** The client identifier of this application at the provider. */
  clientId: string
  /** The client secret. Needed unless `clientAuth` is `'none'`, or `responseType` is `'id_token'`. */
  clientSecret?: string
  /**
   * How to authenticate at the token endpoint. Default is `'client_secret_basic'`, or `'client_secret_post'` where the
   * provider's metadata lists that and not the former; `'none'` where `responseType` is `'id_token'` and there is no
   * secret.
   *
   * @see [RFC 6749 §2.3.1](https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1)
   */
  clientAuth?: ClientAuth
  /**
   * The provider's name, where a function finds it: for the callback path, `req.auth.provider`, events, and the function
   * itself as a hint. Up to 64 letters, digits, `-` and `_`. Default is the issuer; the callback path then ends in a hash
   * of the issuer and client identifier. In `providers`, the key is the name.
   */
  name?: string
  /**
   * Where the provider sends users back to, below `baseUrl`; mount `callback()` there too. With more than one provider, no
   * other issuer may have the same. Default is `callbackPath` of `relyingParty`, followed by `/<name>` where there are
   * more providers than one.
   */
  callbackPath?: string
  /** The scopes asked for: separated by spaces, or an array. Must hold `openid`. Default is `'openid'`. */
  scope?: string | readonly string[]
  /**
   * What to ask the authorization endpoint for. Default is `'code'`. With `'id_token'` there is no access token: the
   * application only learns who the user is. An ID token always comes by `form_post`.
   */
  responseType?: ResponseType
  /**
   * How the authorization response comes. `form_post` needs an `https` `baseUrl` or loopback. Default is `'query'` for
   * `responseType: 'code'`, else `'form_post'`, the only one allowed then.
   */
  responseMode?: ResponseMode
  /**
   * The APIs that access tokens are wanted for, as absolute URIs: `req.auth.getAccessToken({ resource })` then gives one
   * for each.
   *
   * @see [RFC 8707 §2](https://www.rfc-editor.org/rfc/rfc8707#section-2)
   */
  resource?: string | readonly string[]
  /**
   * Whether tokens for other APIs are got by token exchange, from the session's access token. Default is `false`: by
   * the refresh token.
   *
   * @see [RFC 8693](https://www.rfc-editor.org/rfc/rfc8693)
   */
  tokenExchange?: boolean
  /** More parameters for the authorization request. Those that this package sets itself are refused. */
  authorizationParams?: Readonly<Record<string, string>>
  /** The greatest age of the user's sign-in at the provider. In seconds. `auth_time` is then required and checked. */
  maxAge?: number
  /** The authentication context classes asked for, best first. */
  acrValues?: string | readonly string[]
  /** Whether the ID token's `acr` must be one of `acrValues`. Default is `false`. */
  acrEssential?: boolean
  /** The `prompt` parameter of every login, such as `'select_account'`. */
  prompt?: string
  /** The one algorithm ID tokens are signed with. Default is `'RS256'`. `HS256` needs a secret; `none` is refused. */
  idTokenSigningAlg?: string
  /** Whether to fetch the UserInfo endpoint at login and merge its claims. Its `sub` is checked. Default is `false`. */
  userInfo?: boolean
  /**
   * Whether `logout()` revokes the refresh token, where the provider has a `revocation_endpoint`. Some providers end the
   * whole grant by it, other sessions of the user included. Default is `true`.
   *
   * @see [RFC 7009](https://www.rfc-editor.org/rfc/rfc7009)
   */
  revokeOnLogout?: boolean
}
