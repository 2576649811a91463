import { toList } from '../lib/list.js'
import * as brands from './table/brands.js'
import { oauth2Preset } from './table/preset.js'

/**
 * Signs users in with X.
 *
 * With the scope `users.email`, which the application's settings at X must allow, there is an `email`: one that X has
 * verified. With `offline.access`, sessions can be refreshed.
 *
 * @example
 * ```ts
 * x({ clientId, clientSecret, scope: 'users.read tweet.read users.email' })
 * ```
 */
export const x = /* @__PURE__ */ oauth2Preset(() => ({
  id: 'x',
  displayName: 'X',
  brand: brands.x,
  issuer: 'https://x.com',
  authorizationEndpoint: 'https://x.com/i/oauth2/authorize',
  tokenEndpoint: 'https://api.x.com/2/oauth2/token',
  revocationEndpoint: 'https://api.x.com/2/oauth2/revoke',
  userInfoEndpoint: 'https://api.x.com/2/users/me',
  clientAuth: 'client_secret_basic',
  pkce: 'required',
  // X answers questions about the user only with both.
  scope: 'users.read tweet.read',
  claims: {
    sub: 'data.id',
    name: 'data.name',
    preferred_username: 'data.username',
    email: 'data.confirmed_email',
    email_verified: true,
    picture: 'data.profile_image_url',
  },
  answer({ fetchJson, tokenResponse: { scope } }, userInfoEndpoint) {
    const hasEmail = typeof scope === 'string' && toList(scope).includes('users.email')
    const url = new URL(userInfoEndpoint)
    url.searchParams.set('user.fields', hasEmail ? 'profile_image_url,confirmed_email' : 'profile_image_url')
    return fetchJson(url)
  },
}))
