// Rows of the table of presets: OpenID Providers: services with accounts of their own.
import { instanceUrl } from '../table/checks.js'
import { INSTANCE, type InstanceOptions } from '../table/instance.js'
import { openIdPreset } from '../table/preset.js'

/** Signs users in with BankID Norge. */
export const bankidNorway = /* @__PURE__ */ openIdPreset(() => ({
  id: 'bankidNorway',
  displayName: 'BankID Norge',
  issuer: 'https://auth.bankid.no/auth/realms/prod',
  clientAuth: 'client_secret_post',
  scope: 'openid profile',
}))

/** Signs users in with Battle.net. */
export const battlenet = /* @__PURE__ */ openIdPreset(() => ({
  id: 'battlenet',
  displayName: 'Battle.net',
  issuer: 'https://oauth.battle.net',
  scope: 'openid',
  claims: { name: ['name', 'battle_tag', 'battletag'] },
}))

/** Signs users in with Dropbox. */
export const dropbox = /* @__PURE__ */ openIdPreset(() => ({
  id: 'dropbox',
  displayName: 'Dropbox',
  issuer: 'https://www.dropbox.com',
  scope: 'openid profile email',
  claims: { name: ['name', '{given_name} {family_name}'] },
}))

/** Signs users in with Epic Games. */
export const epicgames = /* @__PURE__ */ openIdPreset(() => ({
  id: 'epicgames',
  displayName: 'Epic Games',
  issuer: 'https://api.epicgames.dev/epic/oauth/v2',
  scope: 'openid basic_profile',
  claims: { name: ['name', 'preferred_username'] },
}))

/**
 * Signs users in with Gitea.
 *
 * @example
 * ```ts
 * gitea({ clientId, clientSecret, url: 'https://login.example.com' })
 * ```
 */
export const gitea = /* @__PURE__ */ openIdPreset<InstanceOptions>(() => ({
  id: 'gitea',
  displayName: 'Gitea',
  issuer: '{url}',
  scope: 'openid profile email',
  claims: { name: ['name', 'preferred_username'] },
  own: INSTANCE,
}))

/** Signs users in with Hugging Face. */
export const huggingface = /* @__PURE__ */ openIdPreset(() => ({
  id: 'huggingface',
  displayName: 'Hugging Face',
  issuer: 'https://huggingface.co',
  scope: 'openid profile email',
  claims: { name: ['name', 'preferred_username'] },
}))

/** Signs users in with Intuit. */
export const intuit = /* @__PURE__ */ openIdPreset(() => ({
  id: 'intuit',
  displayName: 'Intuit',
  issuer: 'https://oauth.platform.intuit.com/op/v1',
  scope: 'openid profile email',
  userInfo: true,
  claims: {
    name: '{givenName} {familyName}',
    given_name: 'givenName',
    family_name: 'familyName',
    email_verified: ['email_verified', 'emailVerified'],
  },
}))

/** Signs users in with Kakao. */
export const kakao = /* @__PURE__ */ openIdPreset(() => ({
  id: 'kakao',
  displayName: 'Kakao',
  issuer: 'https://kauth.kakao.com',
  clientAuth: 'client_secret_post',
  scope: 'openid account_email profile_nickname profile_image',
  claims: { name: ['name', 'nickname'] },
}))

/** Signs users in with Login.gov. */
export const loginGov = /* @__PURE__ */ openIdPreset(() => ({
  id: 'loginGov',
  displayName: 'Login.gov',
  issuer: 'https://secure.login.gov/',
  clientAuth: 'none',
  scope: 'openid email',
  options: () => ({ acrValues: 'urn:acr.login.gov:auth-only' }),
}))

/** Signs users in with OpenStreetMap. */
export const openstreetmap = /* @__PURE__ */ openIdPreset(() => ({
  id: 'openstreetmap',
  displayName: 'OpenStreetMap',
  issuer: 'https://www.openstreetmap.org',
  clientAuth: 'client_secret_post',
  scope: 'openid read_prefs',
  claims: { name: ['name', 'preferred_username'] },
}))

/** Signs users in with PayPal. */
export const paypal = /* @__PURE__ */ openIdPreset(() => ({
  id: 'paypal',
  displayName: 'PayPal',
  issuer: 'https://www.paypal.com',
  scope: 'openid profile email',
  options: () => ({ metadataUrl: 'https://www.paypalobjects.com/.well-known/openid-configuration' }),
}))

/** Signs users in with Polar. */
export const polar = /* @__PURE__ */ openIdPreset(() => ({
  id: 'polar',
  displayName: 'Polar',
  issuer: 'https://polar.sh',
  clientAuth: 'client_secret_post',
  scope: 'openid profile email',
}))

/** Signs users in with Railway. */
export const railway = /* @__PURE__ */ openIdPreset(() => ({
  id: 'railway',
  displayName: 'Railway',
  issuer: 'https://backboard.railway.com',
  scope: 'openid profile email',
}))

/** Signs users in with Riot Games. */
export const riotgames = /* @__PURE__ */ openIdPreset(() => ({
  id: 'riotgames',
  displayName: 'Riot Games',
  issuer: 'https://auth.riotgames.com',
  scope: 'openid',
}))

/** Signs users in with Roblox. */
export const roblox = /* @__PURE__ */ openIdPreset(() => ({
  id: 'roblox',
  displayName: 'Roblox',
  issuer: 'https://apis.roblox.com/oauth/',
  clientAuth: 'client_secret_post',
  scope: 'openid profile',
  idTokenSigningAlg: 'ES256',
  claims: { name: ['nickname', 'name', 'preferred_username'] },
}))

/** Options that only {@link salesforce} has. */
export interface SalesforceOptions {
  /** The URL of the organization's My Domain, or of a sandbox. Default is `'https://login.salesforce.com'`. */
  url?: string
}

/** Signs users in with Salesforce. */
export const salesforce = /* @__PURE__ */ openIdPreset<SalesforceOptions>(() => ({
  id: 'salesforce',
  displayName: 'Salesforce',
  issuer: '{url}',
  clientAuth: 'client_secret_post',
  scope: 'openid profile email',
  own: {
    url: { check: instanceUrl, default: 'https://login.salesforce.com' },
  },
}))

/** Signs users in with SimpleLogin. */
export const simplelogin = /* @__PURE__ */ openIdPreset(() => ({
  id: 'simplelogin',
  displayName: 'SimpleLogin',
  issuer: 'https://app.simplelogin.io',
  clientAuth: 'client_secret_post',
  scope: 'openid profile email',
  claims: { picture: ['picture', 'avatar_url'] },
}))

/** Signs users in with Vercel. */
export const vercel = /* @__PURE__ */ openIdPreset(() => ({
  id: 'vercel',
  displayName: 'Vercel',
  issuer: 'https://vercel.com',
  clientAuth: 'client_secret_post',
  scope: 'openid profile email',
  claims: { name: ['name', 'preferred_username'] },
}))

/** Signs users in with Vipps MobilePay. */
export const vipps = /* @__PURE__ */ openIdPreset(() => ({
  id: 'vipps',
  displayName: 'Vipps MobilePay',
  issuer: 'https://api.vipps.no/access-management-1.0/access/',
  scope: 'openid name email',
  userInfo: true,
}))

/** Signs users in with Xero. */
export const xero = /* @__PURE__ */ openIdPreset(() => ({
  id: 'xero',
  displayName: 'Xero',
  issuer: 'https://identity.xero.com',
  scope: 'openid profile email',
}))

/** Signs users in with Yahoo. */
export const yahoo = /* @__PURE__ */ openIdPreset(() => ({
  id: 'yahoo',
  displayName: 'Yahoo',
  issuer: 'https://api.login.yahoo.com',
  scope: 'openid profile email',
  idTokenSigningAlg: 'ES256',
}))

/** Signs users in with Yahoo! JAPAN. */
export const yahooJapan = /* @__PURE__ */ openIdPreset(() => ({
  id: 'yahooJapan',
  displayName: 'Yahoo! JAPAN',
  issuer: 'https://auth.login.yahoo.co.jp/yconnect/v2',
  scope: 'openid profile email',
}))
