import * as brands from './table/brands.js'
import { host, segment } from './table/checks.js'
import { openIdPreset } from './table/preset.js'

/** Options that only {@link okta} has. */
export interface OktaOptions {
  /** The host name of the organization, such as `'example.okta.com'`, or its custom domain. */
  domain: string
  /**
   * The ID of a custom authorization server, such as `'default'`. Its access tokens are JWTs that your APIs can verify.
   * Default is the organization's own server, whose access tokens are for Okta's APIs only.
   */
  authorizationServer?: string
}

/**
 * Signs users in with Okta.
 *
 * @example
 * ```ts
 * okta({ clientId, clientSecret, domain: 'example.okta.com', authorizationServer: 'default' })
 * ```
 */
export const okta = /* @__PURE__ */ openIdPreset<OktaOptions>(() => ({
  id: 'okta',
  displayName: 'Okta',
  brand: brands.okta,
  issuer: 'https://{domain}',
  scope: 'openid profile email',
  // Next to an access token, Okta's ID tokens leave out most of the profile.
  userInfo: true,
  own: {
    domain: { check: host, missing: "write your organization's host name, such as example.okta.com" },
    authorizationServer: { check: segment },
  },
  options: ({ authorizationServer }) =>
    authorizationServer === undefined ? {} : { issuer: 'https://{domain}/oauth2/{authorizationServer}' },
}))
