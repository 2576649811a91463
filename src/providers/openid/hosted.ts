// Rows of the table of presets: OpenID Providers: identity platforms that others run.
import { oneOf } from '../../lib/check.js'
import { host, segment } from '../table/checks.js'
import { openIdPreset } from '../table/preset.js'

/** Options that only {@link asgardeo} has. */
export interface AsgardeoOptions {
  /** The name of the organization. */
  organization: string
}

/**
 * Signs users in with Asgardeo.
 *
 * @example
 * ```ts
 * asgardeo({ clientId, clientSecret, organization: 'acme' })
 * ```
 */
export const asgardeo = /* @__PURE__ */ openIdPreset<AsgardeoOptions>(() => ({
  id: 'asgardeo',
  displayName: 'Asgardeo',
  issuer: 'https://api.asgardeo.io/t/{organization}/oauth2/token',
  clientAuth: 'client_secret_post',
  scope: 'openid profile email',
  own: {
    organization: { check: segment, missing: 'write the name of the organization, such as acme' },
  },
}))

/** Options that only {@link azureB2c} has. */
export interface AzureB2cOptions {
  /** The name of the tenant, without `.onmicrosoft.com`. */
  tenant: string
  /** The ID of the tenant. */
  tenantId: string
  /** The name of the user flow. */
  policy: string
}

/**
 * Signs users in with Azure AD B2C.
 *
 * @example
 * ```ts
 * azureB2c({ clientId, clientSecret, tenant: 'acme', tenantId: '8eaef023-2b34-4da1-9baa-8bc8c9d6a490', policy: 'B2C_1_signin' })
 * ```
 */
export const azureB2c = /* @__PURE__ */ openIdPreset<AzureB2cOptions>(() => ({
  id: 'azureB2c',
  displayName: 'Azure AD B2C',
  issuer: 'https://{tenant}.b2clogin.com/{tenantId}/v2.0/',
  clientAuth: 'client_secret_post',
  scope: 'openid offline_access',
  claims: { name: ['name', 'preferred_username'], email: ['email', 'emails.0'] },
  own: {
    tenant: { check: segment, missing: 'write the name of the tenant, without `.onmicrosoft.com`, such as acme' },
    tenantId: { check: segment, missing: 'write the ID of the tenant, such as 8eaef023-2b34-4da1-9baa-8bc8c9d6a490' },
    policy: { check: segment, missing: 'write the name of the user flow, such as B2C_1_signin' },
  },
  options: ({ tenant, policy }) => ({
    metadataUrl: `https://${tenant}.b2clogin.com/${tenant}.onmicrosoft.com/${policy}/v2.0/.well-known/openid-configuration`,
  }),
}))

/** Options that only {@link clerk} has. */
export interface ClerkOptions {
  /** The host name of the instance. */
  domain: string
}

/**
 * Signs users in with Clerk.
 *
 * @example
 * ```ts
 * clerk({ clientId, clientSecret, domain: 'example.clerk.accounts.dev' })
 * ```
 */
export const clerk = /* @__PURE__ */ openIdPreset<ClerkOptions>(() => ({
  id: 'clerk',
  displayName: 'Clerk',
  issuer: 'https://{domain}',
  clientAuth: 'client_secret_post',
  scope: 'openid profile email',
  own: {
    domain: { check: host, missing: 'write the host name of the instance, such as example.clerk.accounts.dev' },
  },
}))

/** Options that only {@link criipto} has. */
export interface CriiptoOptions {
  /** The host name of the application. */
  domain: string
}

/**
 * Signs users in with Criipto.
 *
 * @example
 * ```ts
 * criipto({ clientId, clientSecret, domain: 'example.criipto.id' })
 * ```
 */
export const criipto = /* @__PURE__ */ openIdPreset<CriiptoOptions>(() => ({
  id: 'criipto',
  displayName: 'Criipto',
  issuer: 'https://{domain}',
  clientAuth: 'client_secret_post',
  scope: 'openid',
  own: {
    domain: { check: host, missing: 'write the host name of the application, such as example.criipto.id' },
  },
}))

/** Options that only {@link descope} has. */
export interface DescopeOptions {
  /** The ID of the project. */
  projectId: string
}

/**
 * Signs users in with Descope.
 *
 * @example
 * ```ts
 * descope({ clientId, clientSecret, projectId: 'P2abc' })
 * ```
 */
export const descope = /* @__PURE__ */ openIdPreset<DescopeOptions>(() => ({
  id: 'descope',
  displayName: 'Descope',
  issuer: 'https://api.descope.com/{projectId}',
  clientAuth: 'client_secret_post',
  scope: 'openid profile email descope.claims',
  own: {
    projectId: { check: segment, missing: 'write the ID of the project, such as P2abc' },
  },
}))

/** Options that only {@link frontegg} has. */
export interface FronteggOptions {
  /** The host name of the environment. */
  domain: string
}

/**
 * Signs users in with Frontegg.
 *
 * @example
 * ```ts
 * frontegg({ clientId, clientSecret, domain: 'app-abc.frontegg.com' })
 * ```
 */
export const frontegg = /* @__PURE__ */ openIdPreset<FronteggOptions>(() => ({
  id: 'frontegg',
  displayName: 'Frontegg',
  issuer: 'https://{domain}',
  clientAuth: 'client_secret_post',
  scope: 'openid profile email',
  claims: { picture: ['picture', 'profilePictureUrl'] },
  own: {
    domain: { check: host, missing: 'write the host name of the environment, such as app-abc.frontegg.com' },
  },
  options: ({ domain }) => ({ metadataUrl: `https://${domain}/oauth/.well-known/openid-configuration` }),
}))

/** Options that only {@link kinde} has. */
export interface KindeOptions {
  /** The host name of the business. */
  domain: string
}

/**
 * Signs users in with Kinde.
 *
 * @example
 * ```ts
 * kinde({ clientId, clientSecret, domain: 'example.kinde.com' })
 * ```
 */
export const kinde = /* @__PURE__ */ openIdPreset<KindeOptions>(() => ({
  id: 'kinde',
  displayName: 'Kinde',
  issuer: 'https://{domain}',
  clientAuth: 'client_secret_post',
  scope: 'openid profile email',
  own: {
    domain: { check: host, missing: 'write the host name of the business, such as example.kinde.com' },
  },
}))

/** Options that only {@link onelogin} has. */
export interface OneloginOptions {
  /** The host name of the account. */
  domain: string
}

/**
 * Signs users in with OneLogin.
 *
 * @example
 * ```ts
 * onelogin({ clientId, clientSecret, domain: 'example.onelogin.com' })
 * ```
 */
export const onelogin = /* @__PURE__ */ openIdPreset<OneloginOptions>(() => ({
  id: 'onelogin',
  displayName: 'OneLogin',
  issuer: 'https://{domain}/oidc/2',
  scope: 'openid profile email',
  own: {
    domain: { check: host, missing: 'write the host name of the account, such as example.onelogin.com' },
  },
}))

/** Options that only {@link pingone} has. */
export interface PingoneOptions {
  /** The ID of the environment. */
  environmentId: string
  /** The top-level domain of the region: `com`, `eu`, `ca`, `asia` or `com.au`. Default is `'com'`. */
  region?: string
}

/**
 * Signs users in with PingOne.
 *
 * @example
 * ```ts
 * pingone({ clientId, clientSecret, environmentId: 'd7f1ab3c' })
 * ```
 */
export const pingone = /* @__PURE__ */ openIdPreset<PingoneOptions>(() => ({
  id: 'pingone',
  displayName: 'PingOne',
  issuer: 'https://auth.pingone.{region}/{environmentId}/as',
  scope: 'openid profile email',
  own: {
    environmentId: { check: segment, missing: 'write the ID of the environment, such as d7f1ab3c' },
    region: { check: oneOf('com', 'eu', 'ca', 'asia', 'com.au'), default: 'com' },
  },
}))
