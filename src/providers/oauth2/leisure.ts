// Rows of the table of presets: OAuth 2.0 providers: games, sports and streaming.
import { queryGraphQL } from '../table/graphql.js'
import { oauth2Preset } from '../table/preset.js'

/** Signs users in with AniList. */
export const anilist = /* @__PURE__ */ oauth2Preset(() => ({
  id: 'anilist',
  displayName: 'AniList',
  issuer: 'https://anilist.co',
  authorizationEndpoint: 'https://anilist.co/api/v2/oauth/authorize',
  tokenEndpoint: 'https://anilist.co/api/v2/oauth/token',
  userInfoEndpoint: 'https://graphql.anilist.co',
  clientAuth: 'client_secret_post',
  scope: '',
  claims: {
    sub: 'data.Viewer.id',
    name: 'data.Viewer.name',
    preferred_username: 'data.Viewer.name',
    picture: 'data.Viewer.avatar.large',
  },
  answer: queryGraphQL('{ Viewer { id name avatar { large } } }'),
}))

/** Signs users in with Concept2. */
export const concept2 = /* @__PURE__ */ oauth2Preset(() => ({
  id: 'concept2',
  displayName: 'Concept2',
  issuer: 'https://log.concept2.com',
  authorizationEndpoint: 'https://log.concept2.com/oauth/authorize',
  tokenEndpoint: 'https://log.concept2.com/oauth/access_token',
  userInfoEndpoint: 'https://log.concept2.com/api/users/me',
  clientAuth: 'client_secret_post',
  scope: 'user:read',
  scopeSeparator: ',',
  claims: {
    sub: 'data.id',
    name: 'data.username',
    preferred_username: 'data.username',
    email: 'data.email',
    picture: 'data.profile_image',
  },
}))

/** Signs users in with DonationAlerts. */
export const donationalerts = /* @__PURE__ */ oauth2Preset(() => ({
  id: 'donationalerts',
  displayName: 'DonationAlerts',
  issuer: 'https://www.donationalerts.com',
  authorizationEndpoint: 'https://www.donationalerts.com/oauth/authorize',
  tokenEndpoint: 'https://www.donationalerts.com/oauth/token',
  userInfoEndpoint: 'https://www.donationalerts.com/api/v1/user/oauth',
  clientAuth: 'client_secret_post',
  scope: 'oauth-user-show',
  claims: { sub: 'data.id', name: 'data.name', email: 'data.email', picture: 'data.avatar' },
}))

/** Signs users in with FACEIT. */
export const faceit = /* @__PURE__ */ oauth2Preset(() => ({
  id: 'faceit',
  displayName: 'FACEIT',
  issuer: 'https://accounts.faceit.com',
  authorizationEndpoint: 'https://accounts.faceit.com/accounts',
  tokenEndpoint: 'https://api.faceit.com/auth/v1/oauth/token',
  userInfoEndpoint: 'https://api.faceit.com/auth/v1/resources/userinfo',
  scope: 'openid profile email',
  authorizationParams: { redirect_popup: 'true' },
  claims: { sub: 'guid', name: 'nickname', preferred_username: 'nickname', email: 'email', picture: 'picture' },
}))

/** Signs users in with 42. */
export const fortyTwo = /* @__PURE__ */ oauth2Preset(() => ({
  id: 'fortyTwo',
  displayName: '42',
  issuer: 'https://api.intra.42.fr',
  authorizationEndpoint: 'https://api.intra.42.fr/oauth/authorize',
  tokenEndpoint: 'https://api.intra.42.fr/oauth/token',
  userInfoEndpoint: 'https://api.intra.42.fr/v2/me',
  clientAuth: 'client_secret_post',
  scope: 'public',
  claims: { sub: 'id', name: 'usual_full_name', preferred_username: 'login', email: 'email', picture: 'image.link' },
}))

/** Signs users in with Lichess. */
export const lichess = /* @__PURE__ */ oauth2Preset(() => ({
  id: 'lichess',
  displayName: 'Lichess',
  issuer: 'https://lichess.org',
  authorizationEndpoint: 'https://lichess.org/oauth',
  tokenEndpoint: 'https://lichess.org/api/token',
  userInfoEndpoint: 'https://lichess.org/api/account',
  clientAuth: 'none',
  scope: 'email:read',
  claims: { sub: 'id', name: 'username', preferred_username: 'username', email: 'email' },
  async answer({ fetchJson }, userInfoEndpoint) {
    const account = await fetchJson<object>(userInfoEndpoint)
    return { ...account, ...(await fetchJson<object>(`${userInfoEndpoint}/email`)) }
  },
}))

/** Signs users in with osu!. */
export const osu = /* @__PURE__ */ oauth2Preset(() => ({
  id: 'osu',
  displayName: 'osu!',
  issuer: 'https://osu.ppy.sh',
  authorizationEndpoint: 'https://osu.ppy.sh/oauth/authorize',
  tokenEndpoint: 'https://osu.ppy.sh/oauth/token',
  userInfoEndpoint: 'https://osu.ppy.sh/api/v2/me',
  clientAuth: 'client_secret_post',
  scope: 'identify',
  claims: { sub: 'id', name: 'username', preferred_username: 'username', picture: 'avatar_url' },
}))

/** Signs users in with Strava. */
export const strava = /* @__PURE__ */ oauth2Preset(() => ({
  id: 'strava',
  displayName: 'Strava',
  issuer: 'https://www.strava.com',
  authorizationEndpoint: 'https://www.strava.com/oauth/authorize',
  tokenEndpoint: 'https://www.strava.com/api/v3/oauth/token',
  userInfoEndpoint: 'https://www.strava.com/api/v3/athlete',
  clientAuth: 'client_secret_post',
  scope: 'read',
  scopeSeparator: ',',
  authorizationParams: { approval_prompt: 'auto' },
  claims: {
    sub: 'id',
    name: '{firstname} {lastname}',
    given_name: 'firstname',
    family_name: 'lastname',
    picture: 'profile',
  },
}))

/** Signs users in with Tiltify. */
export const tiltify = /* @__PURE__ */ oauth2Preset(() => ({
  id: 'tiltify',
  displayName: 'Tiltify',
  issuer: 'https://v5api.tiltify.com',
  authorizationEndpoint: 'https://v5api.tiltify.com/oauth/authorize',
  tokenEndpoint: 'https://v5api.tiltify.com/oauth/token',
  userInfoEndpoint: 'https://v5api.tiltify.com/api/public/current-user',
  clientAuth: 'client_secret_post',
  scope: 'public',
  claims: {
    sub: 'data.id',
    name: 'data.username',
    preferred_username: 'data.username',
    email: 'data.email',
    picture: 'data.avatar.src',
  },
}))
