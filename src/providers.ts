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
export { type SlackOptions, slack } from './providers/slack.js'
export type {
  OAuth2PresetOptions,
  OpenIdPresetOptions,
  Preset,
  PresetBrand,
  PresetRow,
} from './providers/table/row.js'
export { x } from './providers/x.js'
