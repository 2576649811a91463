// Rows of the table of presets: OAuth 2.0 providers: social networks, publishing and search.
import { INSTANCE, type InstanceOptions } from '../table/instance.js'
import { oauth2Preset } from '../table/preset.js'

/** Signs users in with Dribbble. */
export const dribbble = /* @__PURE__ */ oauth2Preset(() => ({
  id: 'dribbble',
  displayName: 'Dribbble',
  issuer: 'https://dribbble.com',
  authorizationEndpoint: 'https://dribbble.com/oauth/authorize',
  tokenEndpoint: 'https://dribbble.com/oauth/token',
  userInfoEndpoint: 'https://api.dribbble.com/v2/user',
  clientAuth: 'client_secret_post',
  scope: 'public',
  claims: { sub: 'id', name: 'name', preferred_username: 'login', picture: 'avatar_url' },
}))

/** Signs users in with Kick. */
export const kick = /* @__PURE__ */ oauth2Preset(() => ({
  id: 'kick',
  displayName: 'Kick',
  issuer: 'https://id.kick.com',
  authorizationEndpoint: 'https://id.kick.com/oauth/authorize',
  tokenEndpoint: 'https://id.kick.com/oauth/token',
  userInfoEndpoint: 'https://api.kick.com/public/v1/users',
  clientAuth: 'client_secret_post',
  scope: 'user:read',
  claims: { sub: 'data.0.user_id', name: 'data.0.name', email: 'data.0.email', picture: 'data.0.profile_picture' },
}))

/**
 * Signs users in with Mastodon.
 *
 * @example
 * ```ts
 * mastodon({ clientId, clientSecret, url: 'https://login.example.com' })
 * ```
 */
export const mastodon = /* @__PURE__ */ oauth2Preset<InstanceOptions>(() => ({
  id: 'mastodon',
  displayName: 'Mastodon',
  issuer: '{url}',
  authorizationEndpoint: '{url}/oauth/authorize',
  tokenEndpoint: '{url}/oauth/token',
  userInfoEndpoint: '{url}/api/v1/accounts/verify_credentials',
  clientAuth: 'client_secret_post',
  scope: 'profile',
  claims: { sub: 'id', name: ['display_name', 'username'], preferred_username: 'username', picture: 'avatar_static' },
  own: INSTANCE,
}))

/** Signs users in with Naver. */
export const naver = /* @__PURE__ */ oauth2Preset(() => ({
  id: 'naver',
  displayName: 'Naver',
  issuer: 'https://nid.naver.com',
  authorizationEndpoint: 'https://nid.naver.com/oauth2.0/authorize',
  tokenEndpoint: 'https://nid.naver.com/oauth2.0/token',
  userInfoEndpoint: 'https://openapi.naver.com/v1/nid/me',
  clientAuth: 'client_secret_post',
  scope: '',
  claims: {
    sub: 'response.id',
    name: ['response.nickname', 'response.name'],
    email: 'response.email',
    picture: 'response.profile_image',
  },
}))

/** Signs users in with Patreon. */
export const patreon = /* @__PURE__ */ oauth2Preset(() => ({
  id: 'patreon',
  displayName: 'Patreon',
  issuer: 'https://www.patreon.com',
  authorizationEndpoint: 'https://www.patreon.com/oauth2/authorize',
  tokenEndpoint: 'https://www.patreon.com/api/oauth2/token',
  userInfoEndpoint:
    'https://www.patreon.com/api/oauth2/v2/identity?fields%5Buser%5D=full_name,email,is_email_verified,image_url',
  clientAuth: 'client_secret_post',
  scope: 'identity identity[email]',
  claims: {
    sub: 'data.id',
    name: 'data.attributes.full_name',
    email: 'data.attributes.email',
    email_verified: 'data.attributes.is_email_verified',
    picture: 'data.attributes.image_url',
  },
}))

/** Signs users in with Pinterest. */
export const pinterest = /* @__PURE__ */ oauth2Preset(() => ({
  id: 'pinterest',
  displayName: 'Pinterest',
  issuer: 'https://www.pinterest.com',
  authorizationEndpoint: 'https://www.pinterest.com/oauth/',
  tokenEndpoint: 'https://api.pinterest.com/v5/oauth/token',
  userInfoEndpoint: 'https://api.pinterest.com/v5/user_account',
  scope: 'user_accounts:read',
  scopeSeparator: ',',
  claims: { sub: 'id', name: 'username', preferred_username: 'username', picture: 'profile_image' },
}))

/** Signs users in with Reddit. */
export const reddit = /* @__PURE__ */ oauth2Preset(() => ({
  id: 'reddit',
  displayName: 'Reddit',
  issuer: 'https://www.reddit.com',
  authorizationEndpoint: 'https://www.reddit.com/api/v1/authorize',
  tokenEndpoint: 'https://www.reddit.com/api/v1/access_token',
  userInfoEndpoint: 'https://oauth.reddit.com/api/v1/me',
  scope: 'identity',
  claims: { sub: 'id', name: 'name', preferred_username: 'name' },
}))

/** Signs users in with Seznam.cz. */
export const seznam = /* @__PURE__ */ oauth2Preset(() => ({
  id: 'seznam',
  displayName: 'Seznam.cz',
  issuer: 'https://login.szn.cz',
  authorizationEndpoint: 'https://login.szn.cz/api/v1/oauth/auth',
  tokenEndpoint: 'https://login.szn.cz/api/v1/oauth/token',
  userInfoEndpoint: 'https://login.szn.cz/api/v1/user',
  clientAuth: 'client_secret_post',
  scope: 'identity',
  scopeSeparator: ',',
  claims: {
    sub: 'oauth_user_id',
    name: '{firstname} {lastname}',
    given_name: 'firstname',
    family_name: 'lastname',
    email: 'email',
  },
}))

/** Signs users in with Threads. */
export const threads = /* @__PURE__ */ oauth2Preset(() => ({
  id: 'threads',
  displayName: 'Threads',
  issuer: 'https://threads.net',
  authorizationEndpoint: 'https://threads.net/oauth/authorize',
  tokenEndpoint: 'https://graph.threads.net/oauth/access_token',
  userInfoEndpoint: 'https://graph.threads.net/v1.0/me?fields=id,username,threads_profile_picture_url',
  clientAuth: 'client_secret_post',
  scope: 'threads_basic',
  scopeSeparator: ',',
  claims: { sub: 'id', name: 'username', preferred_username: 'username', picture: 'threads_profile_picture_url' },
}))

/** Signs users in with Tumblr. */
export const tumblr = /* @__PURE__ */ oauth2Preset(() => ({
  id: 'tumblr',
  displayName: 'Tumblr',
  issuer: 'https://www.tumblr.com',
  authorizationEndpoint: 'https://www.tumblr.com/oauth2/authorize',
  tokenEndpoint: 'https://api.tumblr.com/v2/oauth2/token',
  userInfoEndpoint: 'https://api.tumblr.com/v2/user/info',
  clientAuth: 'client_secret_post',
  scope: 'basic offline_access',
  claims: { sub: 'primary.uuid', name: 'response.user.name', preferred_username: 'response.user.name' },
  async answer({ fetchJson }, userInfoEndpoint) {
    const info = await fetchJson<{ response?: { user?: { blogs?: { primary?: unknown }[] } } }>(userInfoEndpoint)
    return { ...info, primary: info.response?.user?.blogs?.find((blog) => blog.primary === true) }
  },
}))

/** Signs users in with Vimeo. */
export const vimeo = /* @__PURE__ */ oauth2Preset(() => ({
  id: 'vimeo',
  displayName: 'Vimeo',
  issuer: 'https://api.vimeo.com',
  authorizationEndpoint: 'https://api.vimeo.com/oauth/authorize',
  tokenEndpoint: 'https://api.vimeo.com/oauth/access_token',
  userInfoEndpoint: 'https://api.vimeo.com/me',
  scope: 'public private',
  claims: { sub: 'uri', name: 'name', picture: 'pictures.base_link' },
}))

/** Signs users in with Wikimedia. */
export const wikimedia = /* @__PURE__ */ oauth2Preset(() => ({
  id: 'wikimedia',
  displayName: 'Wikimedia',
  issuer: 'https://meta.wikimedia.org',
  authorizationEndpoint: 'https://meta.wikimedia.org/w/rest.php/oauth2/authorize',
  tokenEndpoint: 'https://meta.wikimedia.org/w/rest.php/oauth2/access_token',
  userInfoEndpoint: 'https://meta.wikimedia.org/w/rest.php/oauth2/resource/profile',
  clientAuth: 'client_secret_post',
  scope: '',
  claims: {
    sub: 'sub',
    name: 'username',
    preferred_username: 'username',
    email: 'email',
    email_verified: 'confirmed_email',
  },
}))

/** Signs users in with WordPress.com. */
export const wordpress = /* @__PURE__ */ oauth2Preset(() => ({
  id: 'wordpress',
  displayName: 'WordPress.com',
  issuer: 'https://public-api.wordpress.com',
  authorizationEndpoint: 'https://public-api.wordpress.com/oauth2/authorize',
  tokenEndpoint: 'https://public-api.wordpress.com/oauth2/token',
  userInfoEndpoint: 'https://public-api.wordpress.com/rest/v1.1/me',
  clientAuth: 'client_secret_post',
  scope: 'auth',
  claims: {
    sub: 'ID',
    name: 'display_name',
    preferred_username: 'username',
    email: 'email',
    email_verified: 'email_verified',
    picture: 'avatar_URL',
  },
}))

/** Signs users in with Yandex. */
export const yandex = /* @__PURE__ */ oauth2Preset(() => ({
  id: 'yandex',
  displayName: 'Yandex',
  issuer: 'https://oauth.yandex.ru',
  authorizationEndpoint: 'https://oauth.yandex.ru/authorize',
  tokenEndpoint: 'https://oauth.yandex.ru/token',
  userInfoEndpoint: 'https://login.yandex.ru/info?format=json',
  scope: 'login:info login:email login:avatar',
  claims: {
    sub: 'id',
    name: ['display_name', 'real_name'],
    preferred_username: 'login',
    email: 'default_email',
    picture: 'https://avatars.yandex.net/get-yapic/{default_avatar_id}/islands-200',
  },
}))
