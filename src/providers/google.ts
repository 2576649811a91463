import { LoginRefusedError } from '../errors.js'
import { boolean, stringOrStrings } from '../lib/check.js'
import * as brands from './table/brands.js'
import { openIdPreset } from './table/preset.js'

/** Options that only {@link google} has. */
export interface GoogleOptions {
  /**
   * The Google Workspace domain whose accounts may sign in, several, or `'*'` for any. Enforced by the verified claim `hd`.
   * Default is any Google account.
   */
  hostedDomain?: string | readonly string[]
  /**
   * Whether to request a refresh token, with `access_type=offline`. Google issues one only when it asks the user for
   * consent, so this sets `prompt: 'consent'` too. Default is `false`.
   */
  offline?: boolean
}

/**
 * Signs users in with Google.
 *
 * @example
 * ```ts
 * google({ clientId, clientSecret, hostedDomain: 'example.com' })
 * ```
 */
export const google = /* @__PURE__ */ openIdPreset<GoogleOptions>(() => ({
  id: 'google',
  displayName: 'Google',
  brand: brands.google,
  issuer: 'https://accounts.google.com',
  issuerAliases: ['accounts.google.com'],
  clientAuth: 'client_secret_post',
  scope: 'openid email profile',
  // Revoking a token ends the whole grant: the user would be asked for consent again.
  revokeOnLogout: false,
  own: { hostedDomain: { check: stringOrStrings }, offline: { check: boolean } },
  options({ hostedDomain, offline }) {
    const domains = hostedDomain === undefined ? [] : [hostedDomain].flat()
    return {
      authorizationParams: {
        ...(domains.length > 0 ? { hd: domains.length === 1 ? String(domains[0]) : '*' } : {}),
        ...(offline ? { access_type: 'offline' } : {}),
      },
      ...(offline ? { prompt: 'consent' } : {}),
    }
  },
  admit({ hd }, { hostedDomain }) {
    if (hostedDomain === undefined) return
    const domains = [hostedDomain].flat().map((domain) => domain.toLowerCase())
    // The parameter hd only preselects accounts: users can change it.
    if (typeof hd === 'string' && (domains.includes('*') || domains.includes(hd.toLowerCase()))) return
    throw new LoginRefusedError('This Google account does not belong to an organization that may sign in here.')
  },
}))
