// The table of presets: OAuth 2.0 providers that need no functions.
import * as brands from './table/brands.js'
import { oauth2Preset } from './table/preset.js'

/**
 * Signs users in with Amazon ("Login with Amazon").
 *
 * @example
 * ```ts
 * amazon({ clientId, clientSecret })
 * ```
 */
export const amazon = /* @__PURE__ */ oauth2Preset(() => ({
  id: 'amazon',
  displayName: 'Amazon',
  brand: brands.amazon,
  issuer: 'https://www.amazon.com',
  authorizationEndpoint: 'https://www.amazon.com/ap/oa',
  tokenEndpoint: 'https://api.amazon.com/auth/o2/token',
  userInfoEndpoint: 'https://api.amazon.com/user/profile',
  clientAuth: 'client_secret_post',
  scope: 'profile',
  claims: { sub: 'user_id', name: 'name', email: 'email' },
}))

/**
 * Signs users in with Discord.
 *
 * @example
 * ```ts
 * discord({ clientId, clientSecret })
 * ```
 */
export const discord = /* @__PURE__ */ oauth2Preset(() => ({
  id: 'discord',
  displayName: 'Discord',
  brand: brands.discord,
  issuer: 'https://discord.com',
  authorizationEndpoint: 'https://discord.com/oauth2/authorize',
  tokenEndpoint: 'https://discord.com/api/oauth2/token',
  revocationEndpoint: 'https://discord.com/api/oauth2/token/revoke',
  userInfoEndpoint: 'https://discord.com/api/users/@me',
  metadata: { authorization_response_iss_parameter_supported: true },
  clientAuth: 'client_secret_basic',
  scope: 'identify email',
  // Revoking a token ends the whole grant, with the user's sessions on other devices.
  revokeOnLogout: false,
  claims: {
    sub: 'id',
    name: ['global_name', 'username'],
    preferred_username: 'username',
    locale: 'locale',
    email: 'email',
    email_verified: 'verified',
    picture: 'https://cdn.discordapp.com/avatars/{id}/{avatar}.png',
  },
}))

/**
 * Signs users in with Spotify.
 *
 * @example
 * ```ts
 * spotify({ clientId, clientSecret })
 * ```
 */
export const spotify = /* @__PURE__ */ oauth2Preset(() => ({
  id: 'spotify',
  displayName: 'Spotify',
  brand: brands.spotify,
  issuer: 'https://accounts.spotify.com',
  authorizationEndpoint: 'https://accounts.spotify.com/authorize',
  tokenEndpoint: 'https://accounts.spotify.com/api/token',
  userInfoEndpoint: 'https://api.spotify.com/v1/me',
  clientAuth: 'client_secret_basic',
  scope: 'user-read-email',
  // Spotify asks to identify accounts by account_id: `id` may change.
  claims: { sub: ['account_id', 'id'], name: 'display_name', email: 'email', picture: 'images.0.url' },
}))
