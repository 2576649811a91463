import type { ServerMetadata } from 'openid-client'
import {
  boolean,
  checkOptions,
  number,
  object,
  oneOf,
  requireOption,
  resourceIndicators,
  type Shape,
  string,
  stringOrStrings,
} from '../config/check.js'
import { configurationError } from '../errors.js'
import { PUBLIC_KEY_ALGORITHMS } from './keys.js'

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
   * How to authenticate at the token endpoint. Default is `'client_secret_basic'`; `'none'` where `responseType` is
   * `'id_token'` and there is no secret.
   *
   * @see [RFC 6749 §2.3.1](https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1)
   */
  clientAuth?: ClientAuth
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

/** {@link ProviderOptions}, checked and defaulted. */
export interface ResolvedProviderOptions {
  readonly issuer: string
  readonly metadata: ServerMetadata | undefined
  readonly clientId: string
  readonly clientSecret: string | undefined
  readonly clientAuth: ClientAuth
  readonly scope: string
  readonly responseType: ResponseType
  readonly responseMode: ResponseMode
  readonly resource: readonly string[]
  readonly tokenExchange: boolean
  readonly authorizationParams: Readonly<Record<string, string>>
  readonly maxAge: number | undefined
  readonly acrValues: readonly string[]
  readonly acrEssential: boolean
  readonly prompt: string | undefined
  readonly idTokenSigningAlg: string
  readonly userInfo: boolean
  readonly revokeOnLogout: boolean
  /** Whether `http` endpoints are allowed for this provider. */
  readonly insecure: boolean
}

/** Parameters of the authorization request that belong to this package. */
const OWN_PARAMETERS = new Set([
  'response_type',
  'response_mode',
  'client_id',
  'redirect_uri',
  'scope',
  'state',
  'nonce',
  'code_challenge',
  'code_challenge_method',
  'prompt',
  'max_age',
  'acr_values',
  'login_hint',
  'resource',
  'request',
  'request_uri',
])

const OPTION_FOR: Readonly<Record<string, string>> = {
  response_type: 'responseType',
  response_mode: 'responseMode',
  scope: 'scope',
  client_id: 'clientId',
  prompt: 'prompt',
  max_age: 'maxAge',
  acr_values: 'acrValues',
  login_hint: 'loginHint',
  resource: 'resource',
}

/** HMAC with the client secret, for providers that sign so. */
const SECRET_ALGORITHMS = ['HS256', 'HS384', 'HS512']

const SHAPE: Shape<ProviderOptions> = {
  issuer: string,
  metadata: object,
  clientId: string,
  clientSecret: string,
  clientAuth: oneOf('client_secret_basic', 'client_secret_post', 'none'),
  scope: stringOrStrings,
  responseType: oneOf('code', 'id_token', 'code id_token'),
  responseMode: oneOf('query', 'form_post'),
  resource: resourceIndicators,
  tokenExchange: boolean,
  authorizationParams: (value) => authorizationParamsProblem(value),
  maxAge: number('seconds', 0, 31_536_000),
  acrValues: stringOrStrings,
  acrEssential: boolean,
  prompt: string,
  idTokenSigningAlg: (value) =>
    value === 'none'
      ? 'must not be none: an unsigned ID token proves nothing'
      : oneOf(...PUBLIC_KEY_ALGORITHMS, ...SECRET_ALGORITHMS)(value),
  userInfo: boolean,
  revokeOnLogout: boolean,
}

/** Says what is wrong with extra authorization parameters, or nothing. */
export function authorizationParamsProblem(value: unknown): string | undefined {
  if (object(value)) return object(value)
  for (const [name, given] of Object.entries(value as object)) {
    if (OWN_PARAMETERS.has(name)) {
      const option = OPTION_FOR[name]
      return `must not hold ${name}: ${option ? `use the option ${option}` : 'this package sets it for every login'}`
    }
    if (typeof given !== 'string') return `must hold strings only, and ${name} is none`
    if (name === 'claims' && !isJsonObject(given)) return 'must hold claims as a JSON object'
  }
  return undefined
}

function isJsonObject(text: string): boolean {
  try {
    return object(JSON.parse(text)) === undefined
  } catch {
    return false
  }
}

/** Checks and defaults provider options. @throws `ERR_CONFIGURATION` */
export function resolveProviderOptions(
  options: ProviderOptions,
  path: string,
  context: { allowInsecureHttp: boolean; baseUrlIsSecure: boolean; baseUrlIsLoopback: boolean },
): ResolvedProviderOptions {
  checkOptions<ProviderOptions>(options, path, SHAPE)
  requireOption(options, path, 'issuer', 'write the issuer URL of your provider, such as https://accounts.example.com')
  requireOption(options, path, 'clientId', 'write the client identifier your provider gave this application')
  const issuer = checkIssuer(options.issuer, path, context.allowInsecureHttp)
  const { clientSecret } = options
  const responseType = options.responseType ?? 'code'
  const holdsNoSecret = responseType === 'id_token' && clientSecret === undefined
  const clientAuth = options.clientAuth ?? (holdsNoSecret ? 'none' : 'client_secret_basic')
  const idTokenSigningAlg = options.idTokenSigningAlg ?? 'RS256'
  if (clientAuth !== 'none') {
    requireOption(options, path, 'clientSecret', `${clientAuth} needs it; a public client writes clientAuth: 'none'`)
  }
  if (idTokenSigningAlg.startsWith('HS')) {
    requireOption(options, path, 'clientSecret', `idTokenSigningAlg ${idTokenSigningAlg} verifies with it`)
  }
  if (options.metadata && options.metadata.issuer !== options.issuer) {
    throw configurationError(`${path}.metadata.issuer`, 'is not the issuer', 'write the same value as in issuer')
  }
  const scope = toList(options.scope ?? 'openid')
  if (!scope.includes('openid')) {
    throw configurationError(`${path}.scope`, 'lacks openid', "add it, as in 'openid profile email'")
  }
  const responseMode = resolveResponseMode(options, responseType, scope, path, context)
  const acrValues = toList(options.acrValues ?? [])
  if (options.acrEssential && acrValues.length === 0) {
    throw configurationError(`${path}.acrEssential`, 'needs acrValues', 'list the values that are good enough')
  }
  return Object.freeze({
    issuer,
    metadata: options.metadata,
    clientId: options.clientId,
    clientSecret,
    clientAuth,
    scope: scope.join(' '),
    responseType,
    responseMode,
    resource: Object.freeze(toList(options.resource ?? [])),
    tokenExchange: options.tokenExchange ?? false,
    authorizationParams: Object.freeze({ ...options.authorizationParams }),
    maxAge: options.maxAge,
    acrValues: Object.freeze(acrValues),
    acrEssential: options.acrEssential ?? false,
    prompt: options.prompt,
    idTokenSigningAlg,
    userInfo: options.userInfo ?? false,
    revokeOnLogout: options.revokeOnLogout ?? true,
    insecure: issuer.startsWith('http:'),
  })
}

/** Checks what is asked of the authorization endpoint, and how the answer is to come. */
function resolveResponseMode(
  options: ProviderOptions,
  responseType: ResponseType,
  scope: readonly string[],
  path: string,
  context: { baseUrlIsSecure: boolean; baseUrlIsLoopback: boolean },
): ResponseMode {
  const responseMode = options.responseMode ?? (responseType === 'code' ? 'query' : 'form_post')
  if (responseType !== 'code' && responseMode !== 'form_post') {
    const mend = "an ID token does not belong in a URL; write 'form_post', or leave it out"
    throw configurationError(`${path}.responseMode`, `cannot be ${responseMode} with an ID token`, mend)
  }
  if (responseType === 'id_token' && options.userInfo) {
    throw configurationError(`${path}.userInfo`, 'needs an access token', "write responseType: 'code'")
  }
  if (responseType === 'id_token' && scope.includes('offline_access')) {
    throw configurationError(`${path}.scope`, 'holds offline_access, which needs a code', "write responseType: 'code'")
  }
  if (responseMode === 'form_post' && !context.baseUrlIsSecure && !context.baseUrlIsLoopback) {
    throw configurationError(
      `${path}.responseMode`,
      'form_post needs an https baseUrl',
      'browsers send the cookie of the login across sites only over https; use https, or query',
    )
  }
  return responseMode
}

/** Throws unless an issuer identifier is a URL of the allowed scheme, without query and fragment. */
export function checkIssuer(issuer: string, path: string, allowInsecureHttp: boolean): string {
  const url = URL.canParse(issuer) ? new URL(issuer) : undefined
  if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw configurationError(`${path}.issuer`, 'is not a URL', `write it with its scheme, as in https://${issuer}`)
  }
  if (url.search || url.hash) {
    throw configurationError(`${path}.issuer`, 'has a query or fragment', 'an issuer identifier has neither')
  }
  if (url.pathname.includes('/.well-known/')) {
    throw configurationError(
      `${path}.issuer`,
      'is the metadata URL',
      `write ${issuer.replace(/\/\.well-known\/.*$/, '')}`,
    )
  }
  if (url.protocol === 'http:' && !isLoopback(url) && !allowInsecureHttp) {
    throw configurationError(`${path}.issuer`, 'uses http beyond this machine', 'use https, or set allowInsecureHttp')
  }
  return issuer
}

/** Whether a URL's host is this machine: `localhost`, `127.0.0.0/8` or `[::1]`. */
export function isLoopback(url: URL): boolean {
  return url.hostname === 'localhost' || url.hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(url.hostname)
}

/** Splits a space-separated list, or copies an array; without empty items and repetitions. */
export function toList(value: string | readonly string[]): string[] {
  const items = typeof value === 'string' ? value.split(' ') : value
  return [...new Set(items.filter((item) => item.length > 0))]
}
