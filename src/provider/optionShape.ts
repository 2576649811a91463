import { PUBLIC_KEY_ALGORITHMS, SECRET_ALGORITHMS } from '../jwt/algorithms.js'
import {
  boolean,
  callable,
  number,
  object,
  oneOf,
  path as pathOption,
  resourceIndicators,
  type Shape,
  string,
  stringOrStrings,
  strings,
} from '../lib/check.js'
import { checkAuthorizationParams, checkLogoutParams } from './authorizationParams.js'
import type { ProviderOptions } from './providerOptions.js'

/** What each provider option may be. */
export const PROVIDER_SHAPE: Shape<ProviderOptions> = {
  issuer: string,
  issuerAliases: strings,
  protocol: oneOf('openid', 'oauth2'),
  metadata: object,
  metadataUrl: checkMetadataUrl,
  clientId: string,
  clientSecret: checkClientSecret,
  clientAuth: oneOf('client_secret_basic', 'client_secret_post', 'none'),
  pkce: oneOf('required', 'supported', 'refused'),
  nonce: boolean,
  name: (value) =>
    typeof value === 'string' && /^[\w-]{1,64}$/.test(value)
      ? undefined
      : 'must be up to 64 letters, digits, - and _, as it is part of a path',
  callbackPath: pathOption,
  scope: stringOrStrings,
  scopeSeparator: oneOf(' ', ','),
  responseType: oneOf('code', 'id_token', 'code id_token'),
  responseMode: oneOf('query', 'form_post'),
  resource: resourceIndicators,
  tokenExchange: boolean,
  authorizationParams: checkAuthorizationParams,
  maxAge: number('seconds', 0, 31_536_000),
  acrValues: stringOrStrings,
  acrEssential: boolean,
  prompt: string,
  idTokenSigningAlg: (value) =>
    value === 'none'
      ? 'must not be none: an unsigned ID token proves nothing'
      : oneOf(...PUBLIC_KEY_ALGORITHMS, ...SECRET_ALGORITHMS)(value),
  trustedAudiences: strings,
  profile: callable,
  adaptTokenRequest: callable,
  adaptTokenResponse: callable,
  userInfo: boolean,
  revokeOnLogout: boolean,
  logoutUrl: callable,
  logoutParams: checkLogoutParams,
  uiLocales: oneOf('request'),
  displayName: string,
  brand: checkBrand,
}

/** Accepts a client secret, or a function that returns it. */
function checkClientSecret(value: unknown): string | undefined {
  return typeof value === 'function' ? undefined : string(value)
}

/** Accepts a URL with `/.well-known/` in its path, which discovery uses as it is. */
function checkMetadataUrl(value: unknown): string | undefined {
  const isUrl = typeof value === 'string' && URL.canParse(value)
  return isUrl && new URL(value).pathname.includes('/.well-known/')
    ? undefined
    : 'must be the full URL of the metadata, with /.well-known/ in its path'
}

/** The longest mark that is accepted. In characters. */
const MAX_MARK = 8192

/** Accepts a {@link ProviderBrand}: colors, and SVG path data, both of which become part of a page. */
function checkBrand(value: unknown): string | undefined {
  if (object(value)) return object(value)
  for (const [name, given] of Object.entries(value as object)) {
    const problem = given === undefined ? undefined : checkBrandMember(name, given)
    if (problem) return problem
  }
  return undefined
}

function checkBrandMember(name: string, given: unknown): string | undefined {
  if (name === 'mark') {
    const isPath = typeof given === 'string' && /^[\d\s.,MLHVCSQTAZmlhvcsqtaze+-]+$/.test(given)
    return isPath && given.length <= MAX_MARK
      ? undefined
      : `must hold mark as SVG path data of at most ${MAX_MARK} characters`
  }
  if (!['color', 'background', 'border'].includes(name)) return `must not hold ${name}`
  return typeof given === 'string' && /^#[\da-f]{6}$/i.test(given) ? undefined : `must hold ${name} as #rrggbb`
}
