// Entry point `express-relying-party/providers`: presets. A bundler includes only those that an application imports.
export { defineProvider, type OAuth2Provider } from './provider/defineProvider.js'
export type { Profile, ProfileContext } from './provider/profile.js'
export type { ProviderOptions } from './provider/providerOptions.js'
export { type AppleOptions, apple } from './providers/apple.js'
export { type Auth0Options, auth0 } from './providers/auth0.js'
export { type CognitoOptions, cognito } from './providers/cognito.js'
export { type FacebookOptions, facebook } from './providers/facebook.js'
export { type GitHubOptions, github } from './providers/github.js'
export { type GoogleOptions, google } from './providers/google.js'
export { linkedin } from './providers/linkedin.js'
export { type MicrosoftOptions, microsoft } from './providers/microsoft.js'
export {
  box,
  coinbase,
  freshbooks,
  gumroad,
  livechat,
  mattermost,
  mercadolibre,
  mercadopago,
  nextcloud,
  pipedrive,
  uber,
  zoho,
} from './providers/oauth2/business.js'
export {
  asana,
  atlassian,
  autodesk,
  bitbucket,
  clickup,
  digitalocean,
  figma,
  heroku,
  linear,
  netlify,
  notion,
  todoist,
  webex,
  zoom,
} from './providers/oauth2/developerTools.js'
export {
  anilist,
  concept2,
  donationalerts,
  faceit,
  fortyTwo,
  lichess,
  osu,
  strava,
  tiltify,
} from './providers/oauth2/leisure.js'
export {
  dribbble,
  kick,
  mastodon,
  naver,
  patreon,
  pinterest,
  reddit,
  seznam,
  threads,
  tumblr,
  vimeo,
  wikimedia,
  wordpress,
  yandex,
} from './providers/oauth2/social.js'
export { amazon, discord, spotify } from './providers/oauth2Providers.js'
export { type OktaOptions, okta } from './providers/okta.js'
export {
  type GitLabOptions,
  gitlab,
  type KeycloakOptions,
  keycloak,
  line,
  twitch,
  type ZitadelOptions,
  zitadel,
} from './providers/openIdProviders.js'
export {
  type AsgardeoOptions,
  type AzureB2cOptions,
  asgardeo,
  azureB2c,
  type ClerkOptions,
  type CriiptoOptions,
  clerk,
  criipto,
  type DescopeOptions,
  descope,
  type FronteggOptions,
  frontegg,
  type KindeOptions,
  kinde,
  type OneloginOptions,
  onelogin,
  type PingoneOptions,
  pingone,
} from './providers/openid/hosted.js'
export {
  type AuthentikOptions,
  authelia,
  authentik,
  duende,
  type FusionauthOptions,
  fusionauth,
  logto,
  ory,
  synology,
} from './providers/openid/selfHosted.js'
export {
  bankidNorway,
  battlenet,
  dropbox,
  epicgames,
  gitea,
  huggingface,
  intuit,
  kakao,
  loginGov,
  openstreetmap,
  paypal,
  polar,
  railway,
  riotgames,
  roblox,
  type SalesforceOptions,
  salesforce,
  simplelogin,
  vercel,
  vipps,
  xero,
  yahoo,
  yahooJapan,
} from './providers/openid/services.js'
export { type SlackOptions, slack } from './providers/slack.js'
export type { InstanceOptions } from './providers/table/instance.js'
export type {
  OAuth2PresetOptions,
  OpenIdPresetOptions,
  Preset,
  PresetBrand,
  PresetRow,
} from './providers/table/row.js'
export { x } from './providers/x.js'
