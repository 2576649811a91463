// Rows of the table of presets: OAuth 2.0 providers: business, shopping and money.
import { INSTANCE, type InstanceOptions } from '../table/instance.js'
import { oauth2Preset } from '../table/preset.js'

/** Signs users in with Box. */
export const box = /* @__PURE__ */ oauth2Preset(() => ({
  id: 'box',
  displayName: 'Box',
  issuer: 'https://account.box.com',
  authorizationEndpoint: 'https://account.box.com/api/oauth2/authorize',
  tokenEndpoint: 'https://api.box.com/oauth2/token',
  userInfoEndpoint: 'https://api.box.com/2.0/users/me',
  clientAuth: 'client_secret_post',
  scope: 'root_readonly',
  claims: { sub: 'id', name: 'name', email: 'login', picture: 'avatar_url' },
}))

/** Signs users in with Coinbase. */
export const coinbase = /* @__PURE__ */ oauth2Preset(() => ({
  id: 'coinbase',
  displayName: 'Coinbase',
  issuer: 'https://login.coinbase.com',
  authorizationEndpoint: 'https://login.coinbase.com/oauth2/auth',
  tokenEndpoint: 'https://login.coinbase.com/oauth2/token',
  userInfoEndpoint: 'https://api.coinbase.com/v2/user',
  clientAuth: 'client_secret_post',
  scope: 'wallet:user:read wallet:user:email',
  claims: { sub: 'data.id', name: 'data.name', email: 'data.email', picture: 'data.avatar_url' },
}))

/** Signs users in with FreshBooks. */
export const freshbooks = /* @__PURE__ */ oauth2Preset(() => ({
  id: 'freshbooks',
  displayName: 'FreshBooks',
  issuer: 'https://auth.freshbooks.com',
  authorizationEndpoint: 'https://auth.freshbooks.com/service/auth/oauth/authorize',
  tokenEndpoint: 'https://api.freshbooks.com/auth/oauth/token',
  userInfoEndpoint: 'https://api.freshbooks.com/auth/api/v1/users/me',
  clientAuth: 'client_secret_post',
  scope: 'user:profile:read',
  claims: {
    sub: 'response.id',
    name: '{response.first_name} {response.last_name}',
    given_name: 'response.first_name',
    family_name: 'response.last_name',
    email: 'response.email',
  },
}))

/** Signs users in with Gumroad. */
export const gumroad = /* @__PURE__ */ oauth2Preset(() => ({
  id: 'gumroad',
  displayName: 'Gumroad',
  issuer: 'https://gumroad.com',
  authorizationEndpoint: 'https://gumroad.com/oauth/authorize',
  tokenEndpoint: 'https://api.gumroad.com/oauth/token',
  userInfoEndpoint: 'https://api.gumroad.com/v2/user',
  clientAuth: 'client_secret_post',
  scope: 'view_profile',
  claims: { sub: 'user.user_id', name: 'user.name', email: 'user.email' },
}))

/** Signs users in with LiveChat. */
export const livechat = /* @__PURE__ */ oauth2Preset(() => ({
  id: 'livechat',
  displayName: 'LiveChat',
  issuer: 'https://accounts.livechat.com',
  authorizationEndpoint: 'https://accounts.livechat.com/',
  tokenEndpoint: 'https://accounts.livechat.com/v2/token',
  userInfoEndpoint: 'https://accounts.livechat.com/v2/accounts/me',
  clientAuth: 'client_secret_post',
  scope: 'accounts--my:ro',
  claims: { sub: 'account_id', name: 'name', email: 'email', email_verified: 'email_verified', picture: 'avatar_url' },
}))

/**
 * Signs users in with Mattermost.
 *
 * @example
 * ```ts
 * mattermost({ clientId, clientSecret, url: 'https://login.example.com' })
 * ```
 */
export const mattermost = /* @__PURE__ */ oauth2Preset<InstanceOptions>(() => ({
  id: 'mattermost',
  displayName: 'Mattermost',
  issuer: '{url}',
  authorizationEndpoint: '{url}/oauth/authorize',
  tokenEndpoint: '{url}/oauth/access_token',
  userInfoEndpoint: '{url}/api/v4/users/me',
  clientAuth: 'client_secret_post',
  scope: '',
  claims: {
    sub: 'id',
    name: ['{first_name} {last_name}', 'username'],
    preferred_username: 'username',
    email: 'email',
    email_verified: 'email_verified',
  },
  own: INSTANCE,
}))

/** Signs users in with Mercado Libre. */
export const mercadolibre = /* @__PURE__ */ oauth2Preset(() => ({
  id: 'mercadolibre',
  displayName: 'Mercado Libre',
  issuer: 'https://api.mercadolibre.com',
  authorizationEndpoint: 'https://auth.mercadolibre.com/authorization',
  tokenEndpoint: 'https://api.mercadolibre.com/oauth/token',
  userInfoEndpoint: 'https://api.mercadolibre.com/users/me',
  clientAuth: 'client_secret_post',
  scope: 'offline_access read',
  claims: {
    sub: 'id',
    name: '{first_name} {last_name}',
    given_name: 'first_name',
    family_name: 'last_name',
    email: 'email',
  },
}))

/** Signs users in with Mercado Pago. */
export const mercadopago = /* @__PURE__ */ oauth2Preset(() => ({
  id: 'mercadopago',
  displayName: 'Mercado Pago',
  issuer: 'https://api.mercadopago.com',
  authorizationEndpoint: 'https://auth.mercadopago.com/authorization',
  tokenEndpoint: 'https://api.mercadopago.com/oauth/token',
  userInfoEndpoint: 'https://api.mercadopago.com/users/me',
  clientAuth: 'client_secret_post',
  scope: 'offline_access read',
  claims: {
    sub: 'id',
    name: '{first_name} {last_name}',
    given_name: 'first_name',
    family_name: 'last_name',
    email: 'email',
  },
}))

/**
 * Signs users in with Nextcloud.
 *
 * @example
 * ```ts
 * nextcloud({ clientId, clientSecret, url: 'https://login.example.com' })
 * ```
 */
export const nextcloud = /* @__PURE__ */ oauth2Preset<InstanceOptions>(() => ({
  id: 'nextcloud',
  displayName: 'Nextcloud',
  issuer: '{url}',
  authorizationEndpoint: '{url}/apps/oauth2/authorize',
  tokenEndpoint: '{url}/apps/oauth2/api/v1/token',
  userInfoEndpoint: '{url}/ocs/v2.php/cloud/user?format=json',
  clientAuth: 'client_secret_post',
  scope: '',
  claims: { sub: 'ocs.data.id', name: 'ocs.data.displayname', email: 'ocs.data.email' },
  own: INSTANCE,
  answer: ({ fetchJson }, userInfoEndpoint) => fetchJson(userInfoEndpoint, { headers: { 'OCS-APIRequest': 'true' } }),
}))

/** Signs users in with Pipedrive. */
export const pipedrive = /* @__PURE__ */ oauth2Preset(() => ({
  id: 'pipedrive',
  displayName: 'Pipedrive',
  issuer: 'https://oauth.pipedrive.com',
  authorizationEndpoint: 'https://oauth.pipedrive.com/oauth/authorize',
  tokenEndpoint: 'https://oauth.pipedrive.com/oauth/token',
  userInfoEndpoint: 'https://api.pipedrive.com/v1/users/me',
  scope: '',
  claims: { sub: 'data.id', name: 'data.name', email: 'data.email', picture: 'data.icon_url' },
}))

/** Signs users in with Uber. */
export const uber = /* @__PURE__ */ oauth2Preset(() => ({
  id: 'uber',
  displayName: 'Uber',
  issuer: 'https://auth.uber.com',
  authorizationEndpoint: 'https://auth.uber.com/oauth/v2/authorize',
  tokenEndpoint: 'https://auth.uber.com/oauth/v2/token',
  userInfoEndpoint: 'https://api.uber.com/v1.2/me',
  clientAuth: 'client_secret_post',
  scope: 'profile',
  claims: {
    sub: 'uuid',
    name: '{first_name} {last_name}',
    given_name: 'first_name',
    family_name: 'last_name',
    email: 'email',
    picture: 'picture',
  },
}))

/** Signs users in with Zoho. */
export const zoho = /* @__PURE__ */ oauth2Preset(() => ({
  id: 'zoho',
  displayName: 'Zoho',
  issuer: 'https://accounts.zoho.com',
  authorizationEndpoint: 'https://accounts.zoho.com/oauth/v2/auth',
  tokenEndpoint: 'https://accounts.zoho.com/oauth/v2/token',
  userInfoEndpoint: 'https://accounts.zoho.com/oauth/user/info',
  clientAuth: 'client_secret_post',
  scope: 'AaaServer.profile.Read',
  scopeSeparator: ',',
  claims: {
    sub: 'ZUID',
    name: '{First_Name} {Last_Name}',
    given_name: 'First_Name',
    family_name: 'Last_Name',
    email: 'Email',
  },
}))
