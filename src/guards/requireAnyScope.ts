import type { RequestHandler } from 'express'
import { guard } from './guard.js'
import { checkScopes, insufficientScope } from './requireScope.js'

/**
 * Lets only requests through that were granted one of the scopes, or more. Nobody signed in is answered as by
 * `requireAuth`.
 *
 * @throws `ERR_CONFIGURATION` at construction without a scope; at a request `ERR_INSUFFICIENT_SCOPE`, whose challenge
 *   lists the scopes
 * @see [RFC 6750 §3.1](https://www.rfc-editor.org/rfc/rfc6750#section-3.1)
 *
 * @example
 * ```ts
 * app.get('/reports', requireAnyScope('reports:read', 'reports:admin'), (req, res) => res.json([]))
 * ```
 */
export function requireAnyScope(...scopes: readonly string[]): RequestHandler {
  checkScopes('requireAnyScope', scopes)
  return guard('requireAnyScope()', { respondWith: 'auto' }, (context) =>
    scopes.some((scope) => context.hasScope(scope)) ? undefined : insufficientScope(context, scopes, scopes),
  )
}
