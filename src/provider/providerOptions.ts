import type { ServerMetadata } from 'openid-client'
import type { Profile, ProfileContext } from './profile.js'
import type { TokenRequest } from './tokenRequest.js'

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

/**
 * Whether a provider supports PKCE (S256). `'refused'` sends no `code_challenge`, for providers that answer it with an error.
 *
 * @see [RFC 7636](https://www.rfc-editor.org/rfc/rfc7636)
 */
export type Pkce = 'required' | 'supported' | 'refused'

/** A logout that is about to be requested from the provider. */
export interface LogoutRequest {
  readonly clientId: string
  /** Where the provider sends the user afterwards: the registered URL of `postLogoutPath`. */
  readonly postLogoutRedirectUri: string
  /** Sent back to `postLogoutPath`, it leads the user on to `returnTo`. */
  readonly state: string
  /** The URL of RP-initiated logout, if the provider has an `end_session_endpoint`. */
  readonly endSessionUrl: string | undefined
}

/** How the sign-in page shows a provider. Colors are written as `#rrggbb`. */
export interface ProviderBrand {
  /** The SVG path data of a mark in a box of 24 by 24. Default is none: the button has only text. */
  readonly mark?: string
  /** The color of text and mark. */
  readonly color?: string
  /** The color of the button. */
  readonly background?: string
  /** The color of the button's border. */
  readonly border?: string
}

/** A provider, and this application's registration there. */
export interface ProviderOptions {
  /**
   * The provider's issuer identifier: an `https` URL. Its metadata is discovered at the first login.
   *
   * Together with `sub` it identifies an account. It may contain `{tenantid}`, which stands for the `tid` claim of an ID
   * token, as in the metadata of Microsoft Entra ID; `metadataUrl` is then required.
   */
  issuer: string
  /** Other values of `iss` that mean the same issuer, as in Google's older ID tokens. Default is none. */
  issuerAliases?: readonly string[]
  /**
   * `'openid'` for an OpenID Provider, whose ID token proves who the user is. `'oauth2'` for a server without ID tokens,
   * where `profile` does; {@link defineProvider} sets it. Default is `'openid'`.
   */
  protocol?: 'openid' | 'oauth2'
  /**
   * The provider's metadata, with the names of RFC 8414. If set, nothing is discovered.
   *
   * @see [RFC 8414 §2](https://www.rfc-editor.org/rfc/rfc8414#section-2)
   */
  metadata?: ServerMetadata
  /** Where to discover the metadata, if not below `issuer`. Its `issuer` must still be the option's. */
  metadataUrl?: string
  /** The client identifier of this application at the provider. */
  clientId: string
  /**
   * The client secret, or a function that returns it for each request, for secrets that expire. Required unless
   * `clientAuth` is `'none'`, or `responseType` is `'id_token'`.
   */
  clientSecret?: string | (() => string | Promise<string>)
  /**
   * How to authenticate at the token endpoint. Default is `'client_secret_basic'`; `'client_secret_post'` if the
   * provider's metadata lists only that of the two; `'none'` if `responseType` is `'id_token'` and there is no secret.
   *
   * @see [RFC 6749 §2.3.1](https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1)
   */
  clientAuth?: ClientAuth
  /** Whether the provider supports PKCE. Default is `'supported'`: a code challenge is sent. */
  pkce?: Pkce
  /** Whether to send a `nonce` and require it in the ID token. Default is `true`; `false` is for providers that omit it. */
  nonce?: boolean
  /**
   * The name of a provider that a function returns: for the callback path, `req.auth.provider`, events, and the function
   * itself as a hint. Up to 64 letters, digits, `-` and `_`. Default is the issuer; the callback path then ends in a hash
   * of the issuer and client identifier. In `providers`, the key is the name.
   */
  name?: string
  /**
   * The path below `baseUrl` that the provider sends users back to; mount `callback()` there too. Providers with other
   * issuers need other paths. Default is `callbackPath` of `relyingParty`, followed by `/<name>` if there is more than one
   * provider.
   */
  callbackPath?: string
  /**
   * The scopes to request: separated by spaces, or an array. Must include `openid`, which is the default, unless `protocol`
   * is `'oauth2'`.
   */
  scope?: string | readonly string[]
  /** What separates scopes in the authorization request. Default is a space, as RFC 6749 requires. */
  scopeSeparator?: ' ' | ','
  /**
   * What to request from the authorization endpoint. Default is `'code'`. With `'id_token'` there is no access token: the
   * application only learns who the user is. An ID token always arrives with `form_post`.
   */
  responseType?: ResponseType
  /**
   * How the provider sends the authorization response. `form_post` requires an `https` or loopback `baseUrl`. Default is
   * `'query'` for `responseType: 'code'`, otherwise `'form_post'`, which is then the only one allowed.
   */
  responseMode?: ResponseMode
  /**
   * The APIs to request access tokens for, as absolute URIs. `req.auth.getAccessToken({ resource })` returns one for each.
   *
   * @see [RFC 8707 §2](https://www.rfc-editor.org/rfc/rfc8707#section-2)
   */
  resource?: string | readonly string[]
  /**
   * Gets tokens for other APIs by exchanging the session's access token, instead of with the refresh token. Default is
   * `false`.
   *
   * @see [RFC 8693](https://www.rfc-editor.org/rfc/rfc8693)
   */
  tokenExchange?: boolean
  /** Extra parameters for the authorization request. Those that this package sets itself are refused. */
  authorizationParams?: Readonly<Record<string, string>>
  /** Maximum age of the user's sign-in at the provider; requires `auth_time`. In seconds. Default is none, limit `31536000`. */
  maxAge?: number
  /** The authentication context classes to request, in order of preference. */
  acrValues?: string | readonly string[]
  /** Whether the ID token's `acr` must be one of `acrValues`. Default is `false`. */
  acrEssential?: boolean
  /** The `prompt` parameter of every login, such as `'select_account'`. */
  prompt?: string
  /** The one accepted algorithm of ID tokens. Default is `'RS256'`. `HS256` needs a secret; `none` is refused. */
  idTokenSigningAlg?: string
  /**
   * Other clients that an ID token may be issued for as well: further values of `aud`, and of `azp`. If set, a token with
   * any other audience is refused. Default is none: `azp` must be this client if there are several audiences.
   *
   * @see [OpenID Connect Core §3.1.3.7](https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation)
   */
  trustedAudiences?: readonly string[]
  /**
   * Returns the claims of the user who signs in. Required for `protocol: 'oauth2'`, where its `sub` identifies the user.
   * For an OpenID Provider it adds to the claims of the ID token. Throw `LoginRefusedError` to refuse the login.
   */
  profile?: (context: ProfileContext) => Profile | Promise<Profile>
  /** Changes token requests for providers that expect another form, such as JSON or other parameter names. */
  adaptTokenRequest?: (
    request: TokenRequest & { readonly body: URLSearchParams },
  ) => TokenRequest | Promise<TokenRequest>
  /** Changes the JSON of token responses that have another form than RFC 6749 §5.1, such as an envelope. */
  adaptTokenResponse?: (
    response: Readonly<Record<string, unknown>>,
  ) => Record<string, unknown> | Promise<Record<string, unknown>>
  /** Fetches the UserInfo endpoint at login, checks its `sub` and merges its claims. Default is `false`. */
  userInfo?: boolean
  /**
   * Whether `logout()` revokes the refresh token, if the provider has a `revocation_endpoint`. Some providers then end the
   * whole grant, including other sessions of the user. Default is `true`.
   *
   * @see [RFC 7009](https://www.rfc-editor.org/rfc/rfc7009)
   */
  revokeOnLogout?: boolean
  /**
   * Returns the URL of the provider's logout, for providers that do not follow OpenID Connect RP-Initiated Logout. Default
   * is the `end_session_endpoint` with its parameters. If the function throws, the logout stays local.
   */
  logoutUrl?: (request: LogoutRequest) => string | URL
  /** Additional parameters of the logout URL, such as `logout_hint`. Fixed, for every user. */
  logoutParams?: Readonly<Record<string, string>>
  /**
   * `'request'` sends the languages of the browser's `Accept-Language`, at most five, as `ui_locales` to the provider's login
   * and logout pages. Default is none; for fixed ones use `authorizationParams`.
   *
   * @see [OpenID Connect Core §3.1.2.1](https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest)
   */
  uiLocales?: 'request'
  /** The provider's name on the sign-in page. Default is its key in `providers`. */
  displayName?: string
  /** How the sign-in page shows the provider. Default is a plain button. */
  brand?: ProviderBrand
}
