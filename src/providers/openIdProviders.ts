// The table of presets: OpenID Providers that need no functions.
import * as brands from './brands.js'
import { openIdPreset } from './preset.js'

/** Signs users in with LinkedIn, by its product "Sign In with LinkedIn using OpenID Connect". */
export const linkedin = /* @__PURE__ */ openIdPreset({
  id: 'linkedin',
  displayName: 'LinkedIn',
  brand: brands.linkedin,
  issuer: 'https://www.linkedin.com/oauth',
  clientAuth: 'client_secret_post',
  pkce: 'refused',
  nonce: false,
  scope: 'openid profile email',
})
