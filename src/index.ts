export type { AccessTokenRequest } from './auth.js'
export { type ClientCredentialsOptions, clientCredentials } from './headless/clientCredentials.js'
export {
  type DeviceAuthorizationOptions,
  type DeviceCode,
  type DeviceSession,
  deviceAuthorization,
} from './headless/deviceAuthorization.js'
export type { ClientOptions } from './headless/clientOptions.js'
export type { AccessTokenSource } from './headless/tokenSource.js'
export { LoginRefusedError } from './errors.js'
export type { RelyingPartyEvent } from './events.js'
export { backchannelLogout } from './logout/backchannelLogout.js'
export { callback } from './login/callback.js'
export { type DeviceLoginOptions, deviceLogin } from './device/deviceLogin.js'
export type { DeviceView } from './device/page.js'
export { frontchannelLogout } from './logout/frontchannelLogout.js'
export { type LoginOptions, login } from './login/login.js'
export { type LogoutOptions, logout } from './logout/logout.js'
export type {
  Login,
  ProviderResolver,
  RelyingPartyOptions,
  SessionOptions,
  TransactionOptions,
} from './setup/options.js'
export { type PasswordLoginOptions, passwordLogin } from './login/passwordLogin.js'
export { relyingParty } from './relyingParty.js'
export { type EndSessionsOptions, endSessions } from './logout/endSessions.js'
export type { SignedInMark } from './session/signedInMark.js'
export { storeErrors } from './session/storeErrors.js'
export { type UserInfoRouteOptions, userInfoRoute } from './session/userInfoRoute.js'
export type { ClientAuth, ProviderOptions, ResponseMode, ResponseType } from './provider/providerOptions.js'
export * from './resource-server.js'
