import type { ServerMetadata } from 'openid-client'
import { configurationError } from '../errors.js'
import { requireOption } from '../lib/check.js'
import { defined } from '../lib/defined.js'
import type { ProviderOptions } from './providerOptions.js'

/** Options that only make sense with an ID token. */
export const OPENID_ONLY = [
  'protocol',
  'issuerAliases',
  'metadataUrl',
  'responseType',
  'nonce',
  'idTokenSigningAlg',
  'trustedAudiences',
  'maxAge',
  'acrValues',
  'acrEssential',
  'userInfo',
] as const satisfies readonly (keyof ProviderOptions)[]

/** An OAuth 2.0 server, and this application's registration there. */
export interface OAuth2Provider extends Omit<ProviderOptions, (typeof OPENID_ONLY)[number] | 'issuer' | 'metadata'> {
  /**
   * Identifies the server: together with `sub`, it identifies an account, so do not change it. The `iss` of authorization
   * responses is compared with it (RFC 9207). Default is the origin of `authorizationEndpoint`.
   */
  issuer?: string
  /** The URL of the authorization endpoint. */
  authorizationEndpoint: string
  /** The URL of the token endpoint. */
  tokenEndpoint: string
  /** The URL of the revocation endpoint (RFC 7009). Default is none. */
  revocationEndpoint?: string
  /** Further metadata, with the names of RFC 8414, such as `device_authorization_endpoint`. Default is none. */
  metadata?: Partial<ServerMetadata>
  /** Returns the claims of the user who signs in, at least `sub`. */
  profile: NonNullable<ProviderOptions['profile']>
}

/**
 * Builds the options of an OAuth 2.0 provider, which has no ID tokens. Its `profile` finds out who the user is, by asking an
 * API of the provider with the access token.
 *
 * Everything else is the same as with an OpenID Provider: transactions, sessions, refresh, scopes and logout. The claims
 * always contain `iss` and `sub`: store accounts under the two.
 *
 * @throws `ERR_CONFIGURATION` if an endpoint is missing or not a URL
 * @see [RFC 6749 §4.1](https://www.rfc-editor.org/rfc/rfc6749#section-4.1)
 *
 * @example
 * ```ts
 * const example = defineProvider({
 *   authorizationEndpoint: 'https://example.com/oauth/authorize',
 *   tokenEndpoint: 'https://example.com/oauth/token',
 *   clientId,
 *   clientSecret,
 *   scope: 'profile',
 *   async profile({ fetchJson }) {
 *     const user = await fetchJson<{ id: number; name: string }>('https://example.com/api/me')
 *     return { claims: { sub: String(user.id), name: user.name }, raw: user }
 *   },
 * })
 * ```
 */
export function defineProvider(provider: OAuth2Provider): ProviderOptions {
  const { issuer, authorizationEndpoint, tokenEndpoint, revocationEndpoint, metadata, ...options } = provider
  for (const name of ['authorizationEndpoint', 'tokenEndpoint', 'profile']) {
    requireOption(provider, 'defineProvider', name, 'an OAuth 2.0 provider needs it')
  }
  for (const [name, url] of Object.entries(defined({ authorizationEndpoint, tokenEndpoint, revocationEndpoint }))) {
    if (!URL.canParse(url)) {
      throw configurationError(`defineProvider.${name}`, 'is not a URL', 'write the full URL, with https://')
    }
  }
  const identifier = issuer ?? new URL(authorizationEndpoint).origin
  return {
    ...options,
    protocol: 'oauth2',
    issuer: identifier,
    metadata: {
      ...metadata,
      issuer: identifier,
      authorization_endpoint: authorizationEndpoint,
      token_endpoint: tokenEndpoint,
      ...defined({ revocation_endpoint: revocationEndpoint }),
    },
  }
}
