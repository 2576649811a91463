// Entry point `express-relying-party/resource-server`: access tokens and guards. Does not load openid-client.
import type { Auth as RequestAuth } from './auth.js'

export type {
  DPoPOptions,
  IntrospectionOptions,
  ResourceServerOptions,
  TokenCacheOptions,
} from './api/options.js'
export {
  type ProtectedResourceMetadataOptions,
  protectedResourceMetadata,
} from './api/protectedResourceMetadata.js'
export { resourceServer } from './api/resourceServer.js'
export type { IssuerOptions, IssuerResolver, TrustedIssuerOption } from './api/token/issuers.js'
export { type Auth, type Claims, hasVerifiedEmail } from './auth.js'
export { type ErrorCode, RelyingPartyError, type RelyingPartyErrorOptions } from './errors.js'
export { type RequireAuthOptions, requireAuth } from './guards/requireAuth.js'
export { type ClaimExpectation, type ClaimPredicate, requireClaim } from './guards/requireClaim.js'
export { requireSameOrigin, type SameOriginOptions } from './guards/requireSameOrigin.js'
export { requireAnyScope, requireScope } from './guards/requireScope.js'
export { requireStepUp, type StepUpOptions } from './guards/requireStepUp.js'
export type { HttpOptions } from './lib/http/httpOptions.js'
export type { AuthStore } from './records/authStore.js'

declare global {
  namespace Express {
    interface Request {
      /** The caller and what they may do. Set by `relyingParty` or `resourceServer`. */
      auth: RequestAuth
    }
  }
}
