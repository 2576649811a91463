import type { Auth as RequestAuth } from './auth.js'

export type { Auth, Claims } from './auth.js'
export type { HttpOptions } from './config/http.js'
export { type ErrorCode, RelyingPartyError, type RelyingPartyErrorOptions } from './errors.js'
export {
  type ProtectedResourceMetadataOptions,
  protectedResourceMetadata,
} from './middleware/protectedResourceMetadata.js'
export { requireAnyScope } from './middleware/requireAnyScope.js'
export { type RequireAuthOptions, requireAuth } from './middleware/requireAuth.js'
export { type ClaimExpectation, type ClaimPredicate, requireClaim } from './middleware/requireClaim.js'
export { requireSameOrigin, type SameOriginOptions } from './middleware/requireSameOrigin.js'
export { requireScope } from './middleware/requireScope.js'
export { requireStepUp, type StepUpOptions } from './middleware/requireStepUp.js'
export { resourceServer } from './middleware/resourceServer.js'
export type {
  DPoPOptions,
  IntrospectionOptions,
  ResourceServerOptions,
  TokenCacheOptions,
} from './middleware/resourceServerOptions.js'
export type { IssuerOptions, IssuerResolver, TrustedIssuerOption } from './provider/trustedIssuers.js'
export type { AuthStore } from './session/authStore.js'

declare global {
  namespace Express {
    interface Request {
      /** Who makes the request, and what they may do. Set by `relyingParty` or `resourceServer`. */
      auth: RequestAuth
    }
  }
}
