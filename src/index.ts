import type { Auth as RequestAuth } from './auth.js'

export type { Auth, Claims } from './auth.js'
export { type ClientCredentialsOptions, clientCredentials } from './client/clientCredentials.js'
export type { ClientOptions } from './client/options.js'
export type { AccessTokenSource } from './client/tokenSource.js'
export type { HttpOptions } from './config/http.js'
export { type ErrorCode, LoginRefusedError, RelyingPartyError, type RelyingPartyErrorOptions } from './errors.js'
export type { RelyingPartyEvent } from './events.js'
export { callback } from './middleware/callback.js'
export { type LoginOptions, login } from './middleware/login.js'
export { type LogoutOptions, logout } from './middleware/logout.js'
export type {
  Login,
  ProviderResolver,
  RelyingPartyOptions,
  SessionOptions,
  TransactionOptions,
} from './middleware/options.js'
export { relyingParty } from './middleware/relyingParty.js'
export { type RequireAuthOptions, requireAuth } from './middleware/requireAuth.js'
export { requireScope } from './middleware/requireScope.js'
export type { SignedInMark } from './middleware/sessionMark.js'
export type { ClientAuth, ProviderOptions, ResponseMode, ResponseType } from './provider/options.js'
export type { AuthStore } from './session/authStore.js'

declare global {
  namespace Express {
    interface Request {
      /** Who makes the request, and what they may do. Set by `relyingParty` or `resourceServer`. */
      auth: RequestAuth
    }
  }
}
