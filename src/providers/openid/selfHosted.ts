// Rows of the table of presets: OpenID Providers: software that an organization runs itself.
import { instanceUrl, segment } from '../table/checks.js'
import { INSTANCE, type InstanceOptions } from '../table/instance.js'
import { openIdPreset } from '../table/preset.js'

/**
 * Signs users in with Authelia.
 *
 * @example
 * ```ts
 * authelia({ clientId, clientSecret, url: 'https://login.example.com' })
 * ```
 */
export const authelia = /* @__PURE__ */ openIdPreset<InstanceOptions>(() => ({
  id: 'authelia',
  displayName: 'Authelia',
  issuer: '{url}',
  clientAuth: 'client_secret_post',
  scope: 'openid profile email groups',
  userInfo: true,
  claims: { name: ['name', 'preferred_username'] },
  own: INSTANCE,
}))

/** Options that only {@link authentik} has. */
export interface AuthentikOptions {
  /** The URL of the instance. */
  url: string
  /** The slug of the application. */
  application: string
}

/**
 * Signs users in with authentik.
 *
 * @example
 * ```ts
 * authentik({ clientId, clientSecret, url: 'https://auth.example.com', application: 'app' })
 * ```
 */
export const authentik = /* @__PURE__ */ openIdPreset<AuthentikOptions>(() => ({
  id: 'authentik',
  displayName: 'authentik',
  issuer: '{url}/application/o/{application}/',
  clientAuth: 'client_secret_post',
  scope: 'openid profile email',
  own: {
    url: { check: instanceUrl, missing: 'write the URL of the instance, such as https://auth.example.com' },
    application: { check: segment, missing: 'write the slug of the application, such as app' },
  },
}))

/**
 * Signs users in with Duende IdentityServer.
 *
 * @example
 * ```ts
 * duende({ clientId, clientSecret, url: 'https://login.example.com' })
 * ```
 */
export const duende = /* @__PURE__ */ openIdPreset<InstanceOptions>(() => ({
  id: 'duende',
  displayName: 'Duende IdentityServer',
  issuer: '{url}',
  clientAuth: 'client_secret_post',
  scope: 'openid profile email',
  own: INSTANCE,
}))

/** Options that only {@link fusionauth} has. */
export interface FusionauthOptions {
  /** The URL of the instance, without a slash at the end. */
  url: string
  /** The ID of the tenant, if there are several. Default is that of the issuer. */
  tenantId?: string
}

/**
 * Signs users in with FusionAuth.
 *
 * @example
 * ```ts
 * fusionauth({ clientId, clientSecret, url: 'https://login.example.com' })
 * ```
 */
export const fusionauth = /* @__PURE__ */ openIdPreset<FusionauthOptions>(() => ({
  id: 'fusionauth',
  displayName: 'FusionAuth',
  issuer: '{url}',
  clientAuth: 'client_secret_post',
  scope: 'openid profile email offline_access',
  authorizationParams: { tenantId: '{tenantId}' },
  claims: { name: ['name', 'preferred_username'] },
  own: {
    url: {
      check: instanceUrl,
      missing: 'write the URL of the instance, without a slash at the end, such as https://login.example.com',
    },
    tenantId: { check: segment },
  },
}))

/**
 * Signs users in with Logto.
 *
 * @example
 * ```ts
 * logto({ clientId, clientSecret, url: 'https://login.example.com' })
 * ```
 */
export const logto = /* @__PURE__ */ openIdPreset<InstanceOptions>(() => ({
  id: 'logto',
  displayName: 'Logto',
  issuer: '{url}/oidc',
  clientAuth: 'client_secret_post',
  scope: 'openid profile email offline_access',
  prompt: 'consent',
  claims: { name: ['name', 'username'] },
  own: INSTANCE,
}))

/**
 * Signs users in with Ory.
 *
 * @example
 * ```ts
 * ory({ clientId, clientSecret, url: 'https://login.example.com' })
 * ```
 */
export const ory = /* @__PURE__ */ openIdPreset<InstanceOptions>(() => ({
  id: 'ory',
  displayName: 'Ory',
  issuer: '{url}',
  clientAuth: 'client_secret_post',
  scope: 'openid offline_access',
  own: INSTANCE,
}))

/**
 * Signs users in with Synology SSO Server.
 *
 * @example
 * ```ts
 * synology({ clientId, clientSecret, url: 'https://login.example.com' })
 * ```
 */
export const synology = /* @__PURE__ */ openIdPreset<InstanceOptions>(() => ({
  id: 'synology',
  displayName: 'Synology SSO Server',
  issuer: '{url}/webman/sso',
  clientAuth: 'client_secret_post',
  scope: 'openid email groups',
  claims: { name: ['name', 'username'] },
  own: INSTANCE,
}))
