import { boolean, type Check } from '../lib/check.js'
import * as brands from './table/brands.js'
import { oauth2Preset } from './table/preset.js'

/** Options that only {@link facebook} has. */
export interface FacebookOptions {
  /** The version of the Graph API. Facebook removes versions after about two years. Default is `'v24.0'`. */
  version?: string
  /** Whether to prove to the Graph API that the application knows its secret, with `appsecret_proof`. Default is `true`. */
  appSecretProof?: boolean
}

const version: Check = (value) =>
  typeof value === 'string' && /^v\d{1,3}\.\d{1,3}$/.test(value) ? undefined : 'must be a version such as v24.0'

/**
 * Signs users in with Facebook. `sub` is the user's ID for this application.
 *
 * @see [Securing requests](https://developers.facebook.com/docs/graph-api/guides/secure-requests)
 *
 * @example
 * ```ts
 * facebook({ clientId, clientSecret })
 * ```
 */
export const facebook = /* @__PURE__ */ oauth2Preset<FacebookOptions>(() => ({
  id: 'facebook',
  displayName: 'Facebook',
  brand: brands.facebook,
  issuer: 'https://www.facebook.com',
  authorizationEndpoint: 'https://www.facebook.com/{version}/dialog/oauth',
  tokenEndpoint: 'https://graph.facebook.com/{version}/oauth/access_token',
  userInfoEndpoint: 'https://graph.facebook.com/{version}/me',
  clientAuth: 'client_secret_post',
  scope: 'email public_profile',
  scopeSeparator: ',',
  claims: { sub: 'id', name: 'name', email: 'email', picture: 'picture.data.url' },
  own: { version: { check: version, default: 'v24.0' }, appSecretProof: { check: boolean } },
  async answer({ accessToken, fetchJson }, userInfoEndpoint, { clientSecret, appSecretProof = true }) {
    const url = new URL(userInfoEndpoint)
    url.searchParams.set('fields', 'id,name,email,picture')
    const secret = typeof clientSecret === 'function' ? await clientSecret() : clientSecret
    if (appSecretProof && secret !== undefined && accessToken !== undefined) {
      const { createHmac } = await import('node:crypto')
      url.searchParams.set('appsecret_proof', createHmac('sha256', secret).update(accessToken).digest('hex'))
    }
    return fetchJson(url)
  },
}))
