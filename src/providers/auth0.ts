import { LoginRefusedError } from '../errors.js'
import { string } from '../lib/check.js'
import * as brands from './table/brands.js'
import { host } from './table/checks.js'
import { openIdPreset } from './table/preset.js'

/** Options that only {@link auth0} has. */
export interface Auth0Options {
  /** The tenant's domain, such as `'example.eu.auth0.com'`, or its custom domain. */
  domain: string
  /** The identifier of the API that access tokens are for. Default is none: access tokens are opaque. */
  audience?: string
  /** The ID or name of the organization whose members may sign in, enforced by a verified claim. Default is none. */
  organization?: string
}

/**
 * Signs users in with Auth0.
 *
 * Logout uses the tenant's end-session endpoint; on tenants that do not publish one, `/v2/logout`. For the latter, add the
 * post-logout redirect URI to the Allowed Logout URLs.
 *
 * @example
 * ```ts
 * auth0({ clientId, clientSecret, domain: 'example.eu.auth0.com', audience: 'https://api.example.com' })
 * ```
 */
export const auth0 = /* @__PURE__ */ openIdPreset<Auth0Options>(() => ({
  id: 'auth0',
  displayName: 'Auth0',
  brand: brands.auth0,
  issuer: 'https://{domain}/',
  clientAuth: 'client_secret_post',
  scope: 'openid profile email',
  authorizationParams: { audience: '{audience}', organization: '{organization}' },
  own: {
    domain: { check: host, missing: "write your tenant's domain, such as example.eu.auth0.com" },
    audience: { check: string },
    organization: { check: string },
  },
  options: ({ domain }) => ({
    logoutUrl({ endSessionUrl, clientId, postLogoutRedirectUri }) {
      if (endSessionUrl !== undefined) return endSessionUrl
      const parameters = new URLSearchParams({ client_id: clientId, returnTo: postLogoutRedirectUri })
      return `https://${domain}/v2/logout?${parameters}`
    },
  }),
  admit({ org_id, org_name }, { organization }) {
    if (organization === undefined) return
    // Auth0 stores names in lower case.
    const isMember = organization.startsWith('org_') ? org_id === organization : org_name === organization.toLowerCase()
    if (isMember) return
    throw new LoginRefusedError('This account does not belong to the organization that may sign in here.')
  },
}))
