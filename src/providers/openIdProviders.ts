// The table of presets: OpenID Providers that need no functions.
import { string } from '../lib/check.js'
import * as brands from './table/brands.js'
import { instanceUrl, segment } from './table/checks.js'
import { openIdPreset } from './table/preset.js'

/** Options that only {@link gitlab} has. */
export interface GitLabOptions {
  /** The URL of the instance, with its path if it has one. Default is `'https://gitlab.com'`. */
  baseUrl?: string
}

/**
 * Signs users in with GitLab.
 *
 * @example
 * ```ts
 * gitlab({ clientId, clientSecret, baseUrl: 'https://gitlab.example.com' })
 * ```
 */
export const gitlab = /* @__PURE__ */ openIdPreset<GitLabOptions>(() => ({
  id: 'gitlab',
  displayName: 'GitLab',
  brand: brands.gitlab,
  issuer: '{baseUrl}',
  scope: 'openid profile email',
  // The ID token has the address, but neither name nor picture.
  userInfo: true,
  claims: { name: ['name', 'nickname'] },
  own: { baseUrl: { check: instanceUrl, default: 'https://gitlab.com' } },
}))

/** Options that only {@link keycloak} has. */
export interface KeycloakOptions {
  /** The URL of the server, such as `'https://login.example.com'`. Before Keycloak 17, it ends in `/auth`. */
  url: string
  /** The name of the realm. */
  realm: string
  /** The alias of an identity provider to go to at once, as `kc_idp_hint`. Default is none. */
  identityProvider?: string
}

/**
 * Signs users in with a realm of Keycloak.
 *
 * @example
 * ```ts
 * keycloak({ clientId, clientSecret, url: 'https://login.example.com', realm: 'customers' })
 * ```
 */
export const keycloak = /* @__PURE__ */ openIdPreset<KeycloakOptions>(() => ({
  id: 'keycloak',
  displayName: 'Keycloak',
  brand: brands.keycloak,
  issuer: '{url}/realms/{realm}',
  scope: 'openid profile email',
  authorizationParams: { kc_idp_hint: '{identityProvider}' },
  own: {
    url: { check: instanceUrl, missing: 'write the URL of the server, such as https://login.example.com' },
    realm: { check: segment, missing: 'write the name of the realm' },
    identityProvider: { check: string },
  },
}))

/**
 * Signs users in with LINE. The e-mail address needs LINE's approval, and then the scope `openid profile email`.
 *
 * @example
 * ```ts
 * line({ clientId: channelId, clientSecret: channelSecret })
 * ```
 */
export const line = /* @__PURE__ */ openIdPreset(() => ({
  id: 'line',
  displayName: 'LINE',
  brand: brands.line,
  issuer: 'https://access.line.me',
  clientAuth: 'client_secret_post',
  idTokenSigningAlg: 'HS256',
  scope: 'openid profile',
}))

/**
 * Signs users in with Twitch.
 *
 * @example
 * ```ts
 * twitch({ clientId, clientSecret })
 * ```
 */
export const twitch = /* @__PURE__ */ openIdPreset(() => ({
  id: 'twitch',
  displayName: 'Twitch',
  brand: brands.twitch,
  issuer: 'https://id.twitch.tv/oauth2',
  clientAuth: 'client_secret_post',
  scope: 'openid user:read:email',
  authorizationParams: {
    claims: '{"id_token":{"email":null,"email_verified":null,"picture":null,"preferred_username":null}}',
  },
  claims: { name: 'preferred_username' },
}))

/** Options that only {@link zitadel} has. */
export interface ZitadelOptions {
  /** The URL of the instance, such as `'https://example.zitadel.cloud'`. */
  url: string
}

/**
 * Signs users in with ZITADEL.
 *
 * @example
 * ```ts
 * zitadel({ clientId, clientSecret, url: 'https://example.zitadel.cloud' })
 * ```
 */
export const zitadel = /* @__PURE__ */ openIdPreset<ZitadelOptions>(() => ({
  id: 'zitadel',
  displayName: 'ZITADEL',
  brand: brands.zitadel,
  issuer: '{url}',
  scope: 'openid profile email',
  // Unless its application is set to, ZITADEL leaves the profile out of ID tokens.
  userInfo: true,
  own: { url: { check: instanceUrl, missing: 'write the URL of the instance, such as https://example.zitadel.cloud' } },
}))
