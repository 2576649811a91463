// Rows of the table of presets: OAuth 2.0 providers: tools that developers and teams use.
import { queryGraphQL } from '../table/graphql.js'
import { oauth2Preset } from '../table/preset.js'

/** Signs users in with Asana. */
export const asana = /* @__PURE__ */ oauth2Preset(() => ({
  id: 'asana',
  displayName: 'Asana',
  issuer: 'https://app.asana.com',
  authorizationEndpoint: 'https://app.asana.com/-/oauth_authorize',
  tokenEndpoint: 'https://app.asana.com/-/oauth_token',
  userInfoEndpoint: 'https://app.asana.com/api/1.0/users/me',
  clientAuth: 'client_secret_post',
  scope: 'default',
  claims: { sub: 'data.gid', name: 'data.name', email: 'data.email', picture: 'data.photo.image_128x128' },
}))

/** Signs users in with Atlassian. */
export const atlassian = /* @__PURE__ */ oauth2Preset(() => ({
  id: 'atlassian',
  displayName: 'Atlassian',
  issuer: 'https://auth.atlassian.com',
  authorizationEndpoint: 'https://auth.atlassian.com/authorize',
  tokenEndpoint: 'https://auth.atlassian.com/oauth/token',
  userInfoEndpoint: 'https://api.atlassian.com/me',
  clientAuth: 'client_secret_post',
  scope: 'read:me',
  authorizationParams: { audience: 'api.atlassian.com' },
  prompt: 'consent',
  claims: { sub: 'account_id', name: 'name', email: 'email', picture: 'picture' },
}))

/** Signs users in with Autodesk. */
export const autodesk = /* @__PURE__ */ oauth2Preset(() => ({
  id: 'autodesk',
  displayName: 'Autodesk',
  issuer: 'https://developer.api.autodesk.com',
  authorizationEndpoint: 'https://developer.api.autodesk.com/authentication/v2/authorize',
  tokenEndpoint: 'https://developer.api.autodesk.com/authentication/v2/token',
  userInfoEndpoint: 'https://api.userprofile.autodesk.com/userinfo',
  scope: 'user-profile:read',
  claims: { sub: 'sub', name: 'name', email: 'email', email_verified: 'email_verified', picture: 'picture' },
}))

/** Signs users in with Bitbucket. */
export const bitbucket = /* @__PURE__ */ oauth2Preset(() => ({
  id: 'bitbucket',
  displayName: 'Bitbucket',
  issuer: 'https://bitbucket.org',
  authorizationEndpoint: 'https://bitbucket.org/site/oauth2/authorize',
  tokenEndpoint: 'https://bitbucket.org/site/oauth2/access_token',
  userInfoEndpoint: 'https://api.bitbucket.org/2.0/user',
  scope: 'account email',
  claims: {
    sub: 'account_id',
    name: ['display_name', 'username'],
    preferred_username: 'username',
    email: 'primary.email',
    email_verified: 'primary.is_confirmed',
    picture: 'links.avatar.href',
  },
  async answer({ fetchJson }, userInfoEndpoint) {
    const user = await fetchJson<object>(userInfoEndpoint)
    const { values = [] } = await fetchJson<{ values?: { is_primary?: unknown }[] }>(`${userInfoEndpoint}/emails`)
    return { ...user, primary: values.find((email) => email.is_primary === true) }
  },
}))

/** Signs users in with ClickUp. */
export const clickup = /* @__PURE__ */ oauth2Preset(() => ({
  id: 'clickup',
  displayName: 'ClickUp',
  issuer: 'https://app.clickup.com',
  authorizationEndpoint: 'https://app.clickup.com/api',
  tokenEndpoint: 'https://api.clickup.com/api/v2/oauth/token',
  userInfoEndpoint: 'https://api.clickup.com/api/v2/user',
  clientAuth: 'client_secret_post',
  scope: '',
  claims: { sub: 'user.id', name: 'user.username', email: 'user.email', picture: 'user.profilePicture' },
}))

/** Signs users in with DigitalOcean. */
export const digitalocean = /* @__PURE__ */ oauth2Preset(() => ({
  id: 'digitalocean',
  displayName: 'DigitalOcean',
  issuer: 'https://cloud.digitalocean.com',
  authorizationEndpoint: 'https://cloud.digitalocean.com/v1/oauth/authorize',
  tokenEndpoint: 'https://cloud.digitalocean.com/v1/oauth/token',
  userInfoEndpoint: 'https://api.digitalocean.com/v2/account',
  clientAuth: 'client_secret_post',
  scope: 'read',
  claims: {
    sub: 'account.uuid',
    name: 'account.name',
    email: 'account.email',
    email_verified: 'account.email_verified',
  },
}))

/** Signs users in with Figma. */
export const figma = /* @__PURE__ */ oauth2Preset(() => ({
  id: 'figma',
  displayName: 'Figma',
  issuer: 'https://www.figma.com',
  authorizationEndpoint: 'https://www.figma.com/oauth',
  tokenEndpoint: 'https://api.figma.com/v1/oauth/token',
  userInfoEndpoint: 'https://api.figma.com/v1/me',
  scope: 'current_user:read',
  claims: { sub: 'id', name: 'handle', email: 'email', picture: 'img_url' },
}))

/** Signs users in with Heroku. */
export const heroku = /* @__PURE__ */ oauth2Preset(() => ({
  id: 'heroku',
  displayName: 'Heroku',
  issuer: 'https://id.heroku.com',
  authorizationEndpoint: 'https://id.heroku.com/oauth/authorize',
  tokenEndpoint: 'https://id.heroku.com/oauth/token',
  userInfoEndpoint: 'https://api.heroku.com/account',
  clientAuth: 'client_secret_post',
  scope: 'identity',
  claims: { sub: 'id', name: 'name', email: 'email', email_verified: 'verified' },
  answer: ({ fetchJson }, userInfoEndpoint) =>
    fetchJson(userInfoEndpoint, { headers: { Accept: 'application/vnd.heroku+json; version=3' } }),
}))

/** Signs users in with Linear. */
export const linear = /* @__PURE__ */ oauth2Preset(() => ({
  id: 'linear',
  displayName: 'Linear',
  issuer: 'https://linear.app',
  authorizationEndpoint: 'https://linear.app/oauth/authorize',
  tokenEndpoint: 'https://api.linear.app/oauth/token',
  userInfoEndpoint: 'https://api.linear.app/graphql',
  clientAuth: 'client_secret_post',
  scope: 'read',
  scopeSeparator: ',',
  claims: {
    sub: 'data.viewer.id',
    name: 'data.viewer.name',
    email: 'data.viewer.email',
    picture: 'data.viewer.avatarUrl',
  },
  answer: queryGraphQL('{ viewer { id name email avatarUrl } }'),
}))

/** Signs users in with Netlify. */
export const netlify = /* @__PURE__ */ oauth2Preset(() => ({
  id: 'netlify',
  displayName: 'Netlify',
  issuer: 'https://app.netlify.com',
  authorizationEndpoint: 'https://app.netlify.com/authorize',
  tokenEndpoint: 'https://api.netlify.com/oauth/token',
  userInfoEndpoint: 'https://api.netlify.com/api/v1/user',
  clientAuth: 'client_secret_post',
  scope: '',
  claims: { sub: 'id', name: 'full_name', email: 'email', picture: 'avatar_url' },
}))

/** Signs users in with Notion. */
export const notion = /* @__PURE__ */ oauth2Preset(() => ({
  id: 'notion',
  displayName: 'Notion',
  issuer: 'https://api.notion.com',
  authorizationEndpoint: 'https://api.notion.com/v1/oauth/authorize',
  tokenEndpoint: 'https://api.notion.com/v1/oauth/token',
  userInfoEndpoint: 'https://api.notion.com/v1/users/me',
  scope: '',
  authorizationParams: { owner: 'user' },
  claims: {
    sub: 'bot.owner.user.id',
    name: 'bot.owner.user.name',
    email: 'bot.owner.user.person.email',
    picture: 'bot.owner.user.avatar_url',
  },
  answer: ({ fetchJson }, userInfoEndpoint) =>
    fetchJson(userInfoEndpoint, { headers: { 'Notion-Version': '2022-06-28' } }),
}))

/** Signs users in with Todoist. */
export const todoist = /* @__PURE__ */ oauth2Preset(() => ({
  id: 'todoist',
  displayName: 'Todoist',
  issuer: 'https://todoist.com',
  authorizationEndpoint: 'https://todoist.com/oauth/authorize',
  tokenEndpoint: 'https://todoist.com/oauth/access_token',
  userInfoEndpoint: 'https://api.todoist.com/api/v1/user',
  clientAuth: 'client_secret_post',
  scope: 'data:read',
  scopeSeparator: ',',
  claims: { sub: 'id', name: 'full_name', email: 'email', picture: 'avatar_big' },
}))

/** Signs users in with Webex. */
export const webex = /* @__PURE__ */ oauth2Preset(() => ({
  id: 'webex',
  displayName: 'Webex',
  issuer: 'https://webexapis.com',
  authorizationEndpoint: 'https://webexapis.com/v1/authorize',
  tokenEndpoint: 'https://webexapis.com/v1/access_token',
  userInfoEndpoint: 'https://webexapis.com/v1/people/me',
  clientAuth: 'client_secret_post',
  scope: 'spark:kms spark:people_read',
  claims: { sub: 'id', name: 'displayName', email: 'emails.0', picture: 'avatar' },
}))

/** Signs users in with Zoom. */
export const zoom = /* @__PURE__ */ oauth2Preset(() => ({
  id: 'zoom',
  displayName: 'Zoom',
  issuer: 'https://zoom.us',
  authorizationEndpoint: 'https://zoom.us/oauth/authorize',
  tokenEndpoint: 'https://zoom.us/oauth/token',
  userInfoEndpoint: 'https://api.zoom.us/v2/users/me',
  scope: 'user:read:user',
  claims: {
    sub: 'id',
    name: ['display_name', '{first_name} {last_name}'],
    given_name: 'first_name',
    family_name: 'last_name',
    email: 'email',
    email_verified: 'verified',
    picture: 'pic_url',
  },
}))
