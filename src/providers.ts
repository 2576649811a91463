// Entry point `express-relying-party/providers`: presets. Importing one loads no other code than the table's.
export { defineProvider, type OAuth2Provider } from './provider/defineProvider.js'
export type { Profile, ProfileContext } from './provider/profile.js'
export type { ProviderOptions } from './provider/providerOptions.js'
export { type GitHubOptions, github } from './providers/github.js'
export { type GoogleOptions, google } from './providers/google.js'
export { type MicrosoftOptions, microsoft } from './providers/microsoft.js'
export { linkedin } from './providers/openIdProviders.js'
export type { OAuth2PresetOptions, OpenIdPresetOptions, Preset, PresetRow, ProviderBrand } from './providers/row.js'
