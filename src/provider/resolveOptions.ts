import { configurationError } from '../errors.js'
import { assertOpenid, assertOptions, requireOption } from '../lib/check.js'
import { defined } from '../lib/defined.js'
import { assertIssuerUrl } from '../lib/issuer.js'
import { toList } from '../lib/list.js'
import { PLACEHOLDER } from './issuers.js'
import { PROVIDER_SHAPE } from './optionShape.js'
import type { ClientAuth, ProviderOptions, ResponseMode, ResponseType } from './providerOptions.js'

const DEFAULTS = {
  protocol: 'openid',
  pkce: 'supported',
  nonce: true,
  scopeSeparator: ' ',
  responseType: 'code',
  idTokenSigningAlg: 'RS256',
  tokenExchange: false,
  acrEssential: false,
  userInfo: false,
  revokeOnLogout: true,
} as const satisfies Partial<ProviderOptions>

/** {@link ProviderOptions}, checked and defaulted. `clientAuth` is absent if the provider's metadata decides it. */
export type ResolvedProviderOptions = Readonly<
  Omit<ProviderOptions, 'scope' | 'resource' | 'acrValues'> &
    Required<Pick<ProviderOptions, keyof typeof DEFAULTS | 'responseMode' | 'authorizationParams'>> & {
      scope: string
      resource: readonly string[]
      acrValues: readonly string[]
      /** Whether `http` endpoints are allowed for this provider. */
      insecure: boolean
    }
>

/** What decides whether provider options are acceptable. */
export interface ProviderContext {
  readonly allowInsecureHttp: boolean
  readonly baseUrlIsSecure: boolean
  readonly baseUrlIsLoopback: boolean
  /** Whether a function returned the options, so a tenant may have chosen the issuer. */
  readonly isResolved?: boolean
  /** Whether tokens of the provider are verified, which requires its keys. */
  readonly needsKeys?: boolean
}

/** Checks and defaults provider options. @throws `ERR_CONFIGURATION` */
export function resolveProviderOptions(
  options: ProviderOptions,
  path: string,
  context: ProviderContext,
): ResolvedProviderOptions {
  assertOptions<ProviderOptions>(options, path, PROVIDER_SHAPE)
  requireOption(options, path, 'issuer', "set it to your provider's issuer URL, such as https://accounts.example.com")
  requireOption(
    options,
    path,
    'clientId',
    'set it to the client identifier that your provider assigned to this application',
  )
  const { issuer } = options
  assertIssuerUrl(issuer, path, context.allowInsecureHttp)
  assertResolvedIssuer(issuer, path, context)
  assertTemplate(options, path)
  const clientAuth = resolveClientAuth(options, path)
  const resolved = { ...DEFAULTS, ...defined(options) }
  const { responseType, idTokenSigningAlg, protocol } = resolved
  if (protocol === 'oauth2') assertOAuth2(options, path)
  if (idTokenSigningAlg.startsWith('HS')) {
    requireOption(options, path, 'clientSecret', `idTokenSigningAlg ${idTokenSigningAlg} verifies with it`)
  }
  if (options.metadata && options.metadata.issuer !== options.issuer) {
    throw configurationError(`${path}.metadata.issuer`, 'is not the issuer', 'write the same value as in issuer')
  }
  const needsKeys = (context.needsKeys ?? false) && protocol === 'openid' && !idTokenSigningAlg.startsWith('HS')
  const { jwks_uri } = options.metadata ?? {}
  if (options.metadata && needsKeys && !(typeof jwks_uri === 'string' && URL.canParse(jwks_uri))) {
    throw configurationError(
      `${path}.metadata.jwks_uri`,
      jwks_uri === undefined ? 'is missing' : 'is not a URL',
      'set it: ID tokens are verified with the keys at that URL',
    )
  }
  if (protocol === 'openid') assertOpenid(options.scope, path)
  const scope = toList(options.scope ?? (protocol === 'openid' ? 'openid' : []))
  const responseMode = resolveResponseMode(options, responseType, scope, path, context)
  const acrValues = toList(options.acrValues ?? [])
  if (options.acrEssential && acrValues.length === 0) {
    throw configurationError(`${path}.acrEssential`, 'needs acrValues', 'list the acceptable values')
  }
  return Object.freeze({
    ...resolved,
    ...defined({ clientAuth }),
    scope: scope.join(' '),
    responseMode,
    resource: Object.freeze(toList(options.resource ?? [])),
    authorizationParams: Object.freeze({ ...options.authorizationParams }),
    acrValues: Object.freeze(acrValues),
    insecure: issuer.startsWith('http:'),
  })
}

/** A placeholder is filled from the ID token, so discovery needs a URL without it. */
function assertTemplate({ issuer, issuerAliases, metadata, metadataUrl }: ProviderOptions, path: string): void {
  const parts = issuer.split(PLACEHOLDER)
  if (parts.some((part) => /[{}]/.test(part)) || parts.length > 2) {
    throw configurationError(`${path}.issuer`, 'contains another placeholder', `write ${PLACEHOLDER} once, or none`)
  }
  if (parts.length === 1) return
  if (issuerAliases) {
    throw configurationError(`${path}.issuerAliases`, 'cannot stand for an issuer with a placeholder', 'remove one')
  }
  if (metadata || metadataUrl) return
  throw configurationError(
    `${path}.issuer`,
    'contains a placeholder, so its metadata cannot be discovered',
    'set metadataUrl',
  )
}

/** The options that need an ID token. */
const OPENID_ONLY = ['maxAge', 'acrValues', 'acrEssential', 'idTokenSigningAlg', 'trustedAudiences'] as const

/** Without an ID token, the code flow and a profile are the only way to learn who the user is. */
function assertOAuth2(options: ProviderOptions, path: string): void {
  requireOption(options, path, 'profile', "with protocol: 'oauth2' it tells who the user is: use defineProvider()")
  const { responseType = 'code', metadata } = options
  if (responseType !== 'code') {
    throw configurationError(`${path}.responseType`, "needs an ID token, and protocol is 'oauth2'", "write 'code'")
  }
  for (const name of OPENID_ONLY) {
    if (options[name] === undefined) continue
    throw configurationError(`${path}.${name}`, "needs an ID token, and protocol is 'oauth2'", 'remove it')
  }
  for (const name of ['authorization_endpoint', 'token_endpoint'] as const) {
    if (!metadata || (typeof metadata[name] === 'string' && URL.canParse(metadata[name]))) continue
    throw configurationError(`${path}.metadata.${name}`, 'is missing or not a URL', 'write the full URL')
  }
}

/** A tenant's issuer must not reach services on the host of an application that is available over a network. */
function assertResolvedIssuer(issuer: string, path: string, context: ProviderContext): void {
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
      `${clientAuth ?? 'a confidential client'} needs it; for a public client set clientAuth: 'none'`,
    )
  } else if (options.pkce === 'refused' && options.responseType !== 'id_token') {
    throw configurationError(
      `${path}.pkce`,
      'is refused, and there is no client secret, so anyone could redeem an intercepted code',
      "remove pkce or clientAuth: 'none'",
    )
  }
  return clientAuth
}

/** Checks and defaults `responseMode`, and checks what conflicts with `responseType`. */
function resolveResponseMode(
  options: ProviderOptions,
  responseType: ResponseType,
  scope: readonly string[],
  path: string,
  context: { baseUrlIsSecure: boolean; baseUrlIsLoopback: boolean },
): ResponseMode {
  const responseMode = options.responseMode ?? (responseType === 'code' ? 'query' : 'form_post')
  if (responseType !== 'code' && responseMode !== 'form_post') {
    const fix = "an ID token does not belong in a URL: set 'form_post', or remove it"
    throw configurationError(`${path}.responseMode`, `cannot be ${responseMode} with an ID token`, fix)
  }
  if (responseType !== 'code' && options.nonce === false) {
    throw configurationError(
      `${path}.nonce`,
      'cannot be false with an ID token from the browser, which anyone could replay',
      "remove it, or write responseType: 'code'",
    )
  }
  if (responseType === 'id_token' && options.userInfo) {
    throw configurationError(`${path}.userInfo`, 'needs an access token', "write responseType: 'code'")
  }
  if (responseType === 'id_token' && scope.includes('offline_access')) {
    throw configurationError(
      `${path}.scope`,
      'includes offline_access, which needs a code',
      "write responseType: 'code'",
    )
  }
  if (responseMode === 'form_post' && !context.baseUrlIsSecure && !context.baseUrlIsLoopback) {
    throw configurationError(
      `${path}.responseMode`,
      'form_post needs an https baseUrl',
      "browsers send the login's cookie with cross-site requests only over https: use https, or query",
    )
  }
  return responseMode
}
