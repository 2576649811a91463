export type { AccessTokenRequest } from './auth.js'
export { type ClientCredentialsOptions, clientCredentials } from './client/clientCredentials.js'
export {
  type DeviceAuthorizationOptions,
  type DeviceCode,
  type DeviceSession,
  deviceAuthorization,
} from './client/deviceAuthorization.js'
export type { ClientOptions } from './client/options.js'
export type { AccessTokenSource } from './client/tokenSource.js'
export { LoginRefusedError } from './errors.js'
export type { RelyingPartyEvent } from './events.js'
export { backchannelLogout } from './middleware/backchannelLogout.js'
export { callback } from './middleware/callback.js'
export { type DeviceLoginOptions, deviceLogin } from './middleware/deviceLogin.js'
export type { DeviceView } from './middleware/devicePage.js'
export { frontchannelLogout } from './middleware/frontchannelLogout.js'
export { type LoginOptions, login } from './middleware/login.js'
export { type LogoutOptions, logout } from './middleware/logout.js'
export type {
  Login,
  ProviderResolver,
  RelyingPartyOptions,
  SessionOptions,
  TransactionOptions,
} from './middleware/options.js'
export { type PasswordLoginOptions, passwordLogin } from './middleware/passwordLogin.js'
export { relyingParty } from './middleware/relyingParty.js'
export { type EndSessionsOptions, endSessions } from './middleware/sessionEnds.js'
export type { SignedInMark } from './middleware/sessionMark.js'
export { storeErrors } from './middleware/storeErrors.js'
export { type UserInfoRouteOptions, userInfoRoute } from './middleware/userInfoRoute.js'
export type { ClientAuth, ProviderOptions, ResponseMode, ResponseType } from './provider/options.js'
export * from './resource-server.js'
