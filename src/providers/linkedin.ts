import * as brands from './table/brands.js'
import { openIdPreset } from './table/preset.js'

/**
 * Signs users in with LinkedIn, by its product "Sign In with LinkedIn using OpenID Connect".
 *
 * @example
 * ```ts
 * linkedin({ clientId, clientSecret })
 * ```
 */
export const linkedin = /* @__PURE__ */ openIdPreset(() => ({
  id: 'linkedin',
  displayName: 'LinkedIn',
  brand: brands.linkedin,
  issuer: 'https://www.linkedin.com/oauth',
  clientAuth: 'client_secret_post',
  pkce: 'refused',
  nonce: false,
  scope: 'openid profile email',
  // LinkedIn separates granted scopes by commas.
  adaptTokenResponse: ({ scope, ...response }) =>
    typeof scope === 'string' ? { ...response, scope: scope.replaceAll(',', ' ') } : response,
}))
