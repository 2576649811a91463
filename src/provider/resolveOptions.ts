import type { ServerMetadata } from 'openid-client'
import { configurationError } from '../errors.js'
import { SECRET_ALGORITHMS } from '../jwt/jws.js'
import { PUBLIC_KEY_ALGORITHMS } from '../jwt/keySet.js'
import {
  assertOpenid,
  assertOptions,
  boolean,
  number,
  object,
  oneOf,
  path as pathOption,
  requireOption,
  resourceIndicators,
  type Shape,
  string,
  stringOrStrings,
} from '../lib/check.js'
import { assertIssuer } from '../lib/issuer.js'
import { toList } from '../lib/list.js'
import { authorizationParamsProblem } from './authorizationParams.js'
import type { ClientAuth, ProviderOptions, ResponseMode, ResponseType } from './providerOptions.js'

/** {@link ProviderOptions}, checked and defaulted. */
export interface ResolvedProviderOptions {
  readonly issuer: string
  readonly metadata: ServerMetadata | undefined
  readonly clientId: string
  readonly clientSecret: string | undefined
  /** As configured; `undefined` where the provider's metadata decides. */
  readonly clientAuth: ClientAuth | undefined
  readonly name: string | undefined
  readonly callbackPath: string | undefined
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

const SHAPE: Shape<ProviderOptions> = {
  issuer: string,
  metadata: object,
  clientId: string,
  clientSecret: string,
  clientAuth: oneOf('client_secret_basic', 'client_secret_post', 'none'),
  name: (value) =>
    typeof value === 'string' && /^[\w-]{1,64}$/.test(value)
      ? undefined
      : 'must be up to 64 letters, digits, - and _, for it is part of a path',
  callbackPath: pathOption,
  scope: stringOrStrings,
  responseType: oneOf('code', 'id_token', 'code id_token'),
  responseMode: oneOf('query', 'form_post'),
  resource: resourceIndicators,
  tokenExchange: boolean,
  authorizationParams: authorizationParamsProblem,
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

/** What the options of a provider are judged by. */
export interface ProviderContext {
  readonly allowInsecureHttp: boolean
  readonly baseUrlIsSecure: boolean
  readonly baseUrlIsLoopback: boolean
  /** Whether a resolver returned the options, so that their issuer may be the choice of a tenant. */
  readonly isResolved?: boolean
  /** Whether tokens of the provider are verified, for which its keys are needed. */
  readonly needsKeys?: boolean
}

/** Checks and defaults provider options. @throws `ERR_CONFIGURATION` */
export function resolveProviderOptions(
  options: ProviderOptions,
  path: string,
  context: ProviderContext,
): ResolvedProviderOptions {
  assertOptions<ProviderOptions>(options, path, SHAPE)
  requireOption(options, path, 'issuer', 'write the issuer URL of your provider, such as https://accounts.example.com')
  requireOption(options, path, 'clientId', 'write the client identifier your provider gave this application')
  const { issuer } = options
  assertIssuer(issuer, path, context.allowInsecureHttp)
  checkResolvedIssuer(issuer, path, context)
  const clientAuth = resolveClientAuth(options, path)
  const responseType = options.responseType ?? 'code'
  const idTokenSigningAlg = options.idTokenSigningAlg ?? 'RS256'
  if (idTokenSigningAlg.startsWith('HS')) {
    requireOption(options, path, 'clientSecret', `idTokenSigningAlg ${idTokenSigningAlg} verifies with it`)
  }
  if (options.metadata && options.metadata.issuer !== options.issuer) {
    throw configurationError(`${path}.metadata.issuer`, 'is not the issuer', 'write the same value as in issuer')
  }
  const needsKeys = (context.needsKeys ?? false) && !idTokenSigningAlg.startsWith('HS')
  if (options.metadata && needsKeys && options.metadata.jwks_uri === undefined) {
    throw configurationError(
      `${path}.metadata.jwks_uri`,
      'is missing',
      'ID tokens are verified with the keys at that URL',
    )
  }
  assertOpenid(options.scope, path)
  const scope = toList(options.scope ?? 'openid')
  const responseMode = resolveResponseMode(options, responseType, scope, path, context)
  const acrValues = toList(options.acrValues ?? [])
  if (options.acrEssential && acrValues.length === 0) {
    throw configurationError(`${path}.acrEssential`, 'needs acrValues', 'list the values that are good enough')
  }
  return Object.freeze({
    issuer,
    metadata: options.metadata,
    clientId: options.clientId,
    clientSecret: options.clientSecret,
    clientAuth,
    name: options.name,
    callbackPath: options.callbackPath,
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

/** A tenant's issuer must not lead to services on the host of an application that others reach over a network. */
function checkResolvedIssuer(issuer: string, path: string, context: ProviderContext): void {
  const { isResolved = false, baseUrlIsLoopback, allowInsecureHttp } = context
  if (!isResolved || baseUrlIsLoopback || allowInsecureHttp || issuer.startsWith('https:')) return
  throw configurationError(`${path}.issuer`, 'is http on a loopback host, and baseUrl is not', 'use https')
}

function resolveClientAuth(options: ProviderOptions, path: string): ClientAuth | undefined {
  const holdsNoSecret = options.responseType === 'id_token' && options.clientSecret === undefined
  const clientAuth = options.clientAuth ?? (holdsNoSecret ? 'none' : undefined)
  if (clientAuth !== 'none') {
    requireOption(
      options,
      path,
      'clientSecret',
      `${clientAuth ?? 'a confidential client'} needs it; a public client writes clientAuth: 'none'`,
    )
  }
  return clientAuth
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
    const fix = "an ID token does not belong in a URL; write 'form_post', or leave it out"
    throw configurationError(`${path}.responseMode`, `cannot be ${responseMode} with an ID token`, fix)
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
