// Entry point `express-relying-party`: logins, sessions and tokens, and everything in `resource-server.ts`.
export type { AccessTokenRequest } from './auth.js'
export { type DeviceLoginOptions, deviceLogin } from './device/deviceLogin.js'
export { LoginRefusedError } from './errors.js'
export type { RelyingPartyEvent } from './events.js'
export { type ClientCredentialsOptions, clientCredentials } from './headless/clientCredentials.js'
export type { ClientOptions } from './headless/clientOptions.js'
export {
  type DeviceAuthorizationOptions,
  type DeviceCode,
  type DeviceSession,
  deviceAuthorization,
} from './headless/deviceAuthorization.js'
export type { AccessTokenSource } from './headless/tokenSource.js'
export { callback } from './login/callback.js'
export { type LoginOptions, login } from './login/login.js'
export { type PasswordLoginOptions, passwordLogin } from './login/passwordLogin.js'
export { type SignInPageOptions, signInPage } from './login/signInPage.js'
export { backchannelLogout } from './logout/backchannelLogout.js'
export { type EndSessionOptions, endSession } from './logout/endSession.js'
export { type EndSessionsOptions, endSessions } from './logout/endSessions.js'
export { frontchannelLogout } from './logout/frontchannelLogout.js'
export { type GlobalTokenRevocationOptions, globalTokenRevocation } from './logout/globalTokenRevocation.js'
export { type ListSessionsOptions, listSessions, type UserSession } from './logout/listSessions.js'
export { type LogoutOptions, logout } from './logout/logout.js'
export { type SecurityEventsOptions, securityEvents } from './logout/securityEvents.js'
export { signedOutPage } from './logout/signedOutPage.js'
export type { PagesOptions } from './pages/options.js'
export type {
  DeveloperDetails,
  DevicePage,
  DeviceView,
  ErrorPage,
  Page,
  PageBase,
  SignedOutPage,
  SignInChoice,
  SignInPage,
} from './pages/page.js'
export type { PageTexts } from './pages/texts/texts.js'
export { defineProvider, type OAuth2Provider } from './provider/defineProvider.js'
export type { Profile, ProfileContext } from './provider/profile.js'
export type {
  ClientAuth,
  LogoutRequest,
  Pkce,
  ProviderBrand,
  ProviderOptions,
  ResponseMode,
  ResponseType,
} from './provider/providerOptions.js'
export type { TokenRequest } from './provider/tokenRequest.js'
export { relyingParty } from './relyingParty.js'
export * from './resource-server.js'
export type { SignedInMark } from './session/signedInMark.js'
export { storeErrors } from './session/storeErrors.js'
export { type StoreTimeoutOptions, storeTimeout } from './session/storeTimeout.js'
export { type UserInfoRouteOptions, userInfoRoute } from './session/userInfoRoute.js'
export { errorPage } from './setup/errorPage.js'
export type {
  Login,
  ProviderHint,
  ProviderResolver,
  Refresh,
  RelyingPartyOptions,
  SessionOptions,
  TransactionOptions,
} from './setup/options.js'
