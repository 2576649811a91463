import type { RequestHandler } from 'express'
import { configurationError, RelyingPartyError } from '../errors.js'
import { assertNotMounted } from '../lib/check.js'
import type { AuthContext } from './caller.js'
import { guard } from './guard.js'

/** One scope in the form of RFC 6749 §3.3. */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+$/

/**
 * Lets only requests through that were granted all of the scopes. Nobody signed in is answered as by `requireAuth`.
 *
 * @throws `ERR_CONFIGURATION` at construction without a scope; at a request `ERR_INSUFFICIENT_SCOPE`, whose challenge
 *   lists every scope that is needed
 * @see [RFC 6750 §3.1](https://www.rfc-editor.org/rfc/rfc6750#section-3.1)
 *
 * @example
 * ```ts
 * app.get('/reports', requireScope('reports:read'), (req, res) => res.json([]))
 * ```
 */
export function requireScope(...scopes: readonly string[]): RequestHandler {
  checkScopes('requireScope', scopes)
  return guard('requireScope()', { respondWith: 'auto' }, (context) => {
    const missing = scopes.filter((scope) => !context.hasScope(scope))
    return missing.length === 0 ? undefined : insufficientScope(context, scopes, missing)
  })
}

/** Throws unless there is at least one scope, each well formed. */
export function checkScopes(caller: string, scopes: readonly unknown[]): void {
  assertNotMounted(caller, scopes[0])
  if (scopes.length === 0) throw configurationError(`${caller}()`, 'needs at least one scope')
  for (const scope of scopes) {
    if (typeof scope !== 'string' || !SCOPE.test(scope)) {
      throw configurationError(
        `${caller}()`,
        'takes scopes as strings',
        "one each, as in ('reports:read', 'reports:write')",
      )
    }
  }
}

/** The error of RFC 6750 for a request that lacks scopes. The challenge names all that are needed. */
export function insufficientScope(
  context: AuthContext,
  needed: readonly string[],
  missing: readonly string[],
): RelyingPartyError {
  const challenge = context.challenge({ error: 'insufficient_scope', scope: needed.join(' ') })
  return new RelyingPartyError('ERR_INSUFFICIENT_SCOPE', `the request lacks the scope ${missing.join(' ')}`, {
    headers: { 'WWW-Authenticate': challenge },
    cause: { missing },
  })
}
