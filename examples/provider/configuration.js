// @ts-check
import { createHash, randomBytes } from 'node:crypto'
import { devicePages } from './device-pages.js'
import { generateSigningKeys } from './keys.js'
import { logoutPages } from './logout-pages.js'
import { createMemoryAdapter } from './memory-adapter.js'
import { errorPage, sendToKoa } from './pages.js'

/** @typedef {import('oidc-provider').Configuration} Configuration */

/**
 * Lifetimes in seconds.
 *
 * @typedef {object} Lifetimes
 * @property {number} [accessToken] default 10 minutes
 * @property {number} [authorizationCode] default 1 minute
 * @property {number} [clientCredentials] default 10 minutes
 * @property {number} [deviceCode] default 10 minutes
 * @property {number} [grant] default 14 days
 * @property {number} [idToken] default 1 hour
 * @property {number} [interaction] time to complete the sign-in and approval pages; default 1 hour
 * @property {number} [refreshToken] default 14 days
 * @property {number} [session] default 1 day
 */

const minute = 60
const hour = 60 * minute
const day = 24 * hour

const apiScopes = ['reports:read', 'reports:write']

/** @type {Configuration['claims']} */
const claims = {
  openid: ['sub'],
  profile: ['name', 'given_name', 'family_name', 'preferred_username', 'locale', 'zoneinfo', 'updated_at'],
  email: ['email', 'email_verified'],
  phone: ['phone_number', 'phone_number_verified'],
  address: ['address'],
}

/**
 * Builds oidc-provider's configuration: the defaults, then `features`, then `configuration`.
 *
 * @param {import('./index.js').ProviderOptions & { users: import('./users.js').User[], title: string, clients: import('oidc-provider').ClientMetadata[] }} options
 * @returns {Promise<Configuration>}
 */
export async function createConfiguration(options) {
  const { users, title, clients, ttl = {}, features = {}, configuration = {} } = options
  const { rotateRefreshToken = true, issueRefreshToken = 'offline_access' } = options

  /** @type {Configuration} */
  const defaults = {
    adapter: createMemoryAdapter(),
    claims,
    clients,
    clientBasedCORS: () => false,
    clientDefaults: {
      grant_types: ['authorization_code', 'refresh_token'],
      id_token_signed_response_alg: 'RS256',
      response_types: ['code'],
      token_endpoint_auth_method: 'client_secret_basic',
    },
    // Puts the claims of the granted scopes into the ID token, so that applications need no UserInfo request.
    conformIdTokenClaims: false,
    cookies: {
      keys: [randomBytes(32).toString('base64url')],
      names: { session: 'provider_session', interaction: 'provider_interaction', resume: 'provider_resume' },
    },
    features: defaultFeatures(title),
    // oidc-provider refuses to call loopback addresses, but this provider's applications run there.
    fetch: (url, init) => globalThis.fetch(url, withoutDispatcher(init)),
    findAccount: (_ctx, id) => findAccount(users, id),
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    issueRefreshToken: (_ctx, client, code) =>
      client.grantTypeAllowed('refresh_token') &&
      (issueRefreshToken === 'always' || (issueRefreshToken === 'offline_access' && code.scopes.has('offline_access'))),
    pairwiseIdentifier: (_ctx, accountId, client) => digest(`${client.clientId} ${accountId}`),
    pkce: { required: () => true },
    renderError: (ctx, out) => sendToKoa(ctx, errorPage(title, out)),
    rotateRefreshToken,
    scopes: ['openid', 'offline_access', ...apiScopes],
    ttl: lifetimes(ttl),
  }
  const merged = merge(merge(defaults, { features }), configuration)
  return { ...merged, jwks: merged.jwks ?? (await generateSigningKeys()) }
}

/**
 * @param {string} title
 * @returns {NonNullable<Configuration['features']>}
 */
function defaultFeatures(title) {
  return {
    devInteractions: { enabled: false },
    deviceFlow: { enabled: false, ...devicePages(title) },
    introspection: { enabled: false, allowedPolicy: (_ctx, client, token) => !isForeignToPublic(client, token) },
    resourceIndicators: {
      enabled: false,
      getResourceServerInfo: (_ctx, resource) => ({
        audience: resource,
        scope: apiScopes.join(' '),
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg: 'RS256' } },
      }),
    },
    revocation: { enabled: true, allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId },
    rpInitiatedLogout: { enabled: true, ...logoutPages(title) },
    userinfo: { enabled: true },
  }
}

/**
 * @param {Lifetimes} ttl
 * @returns {NonNullable<Configuration['ttl']>}
 */
function lifetimes(ttl) {
  const accessToken = ttl.accessToken ?? 10 * minute
  const clientCredentials = ttl.clientCredentials ?? 10 * minute
  return {
    AccessToken: (_ctx, token) => token.resourceServer?.accessTokenTTL ?? accessToken,
    AuthorizationCode: ttl.authorizationCode ?? minute,
    ClientCredentials: (_ctx, token) => token.resourceServer?.accessTokenTTL ?? clientCredentials,
    DeviceCode: ttl.deviceCode ?? 10 * minute,
    Grant: ttl.grant ?? 14 * day,
    IdToken: ttl.idToken ?? hour,
    Interaction: ttl.interaction ?? hour,
    RefreshToken: ttl.refreshToken ?? 14 * day,
    Session: ttl.session ?? day,
  }
}

/**
 * @param {import('./users.js').User[]} users
 * @param {string} id
 */
function findAccount(users, id) {
  const user = users.find((candidate) => candidate.id === id)
  return user && { accountId: id, claims: () => ({ ...user.claims, sub: id }) }
}

/**
 * A public client cannot authenticate, so it may introspect only its own tokens.
 *
 * @param {import('oidc-provider').Client} client
 * @param {{ clientId?: string | undefined }} token
 */
function isForeignToPublic(client, token) {
  return client.clientAuthMethod === 'none' && token.clientId !== client.clientId
}

/** @param {RequestInit & { dispatcher?: unknown }} [init] */
function withoutDispatcher({ dispatcher: _refusesLoopback, ...init } = {}) {
  return init
}

/** @param {string} text */
function digest(text) {
  return createHash('sha256').update(text).digest('base64url')
}

/**
 * Merges plain objects recursively. Arrays, functions and other values are replaced.
 *
 * @template {object} T
 * @param {T} base
 * @param {object} changes
 * @returns {T}
 */
function merge(base, changes) {
  const result = /** @type {Record<string, unknown>} */ ({ ...base })
  for (const [name, value] of Object.entries(changes)) {
    const previous = result[name]
    result[name] = isPlainObject(previous) && isPlainObject(value) ? merge(previous, value) : value
  }
  return /** @type {T} */ (result)
}

/**
 * @param {unknown} value
 * @returns {value is Record<string, unknown>}
 */
function isPlainObject(value) {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}
