import type { RequestHandler } from 'express'
import { configurationError, RelyingPartyError } from '../errors.js'
import { assertNotMounted } from '../lib/check.js'
import type { Caller } from './caller.js'
import { guard } from './guard.js'

/** One scope in the form of RFC 6749 §3.3. */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+$/

/**
 * Requires all of the given scopes. An anonymous request is answered as by `requireAuth`.
 *
 * @throws `ERR_CONFIGURATION` at construction without a scope; per request `ERR_INSUFFICIENT_SCOPE`, whose challenge
 *   lists every required scope
 * @see [RFC 6750 §3.1](https://www.rfc-editor.org/rfc/rfc6750#section-3.1)
 *
 * @example
 * ```ts
 * app.get('/reports', requireScope('reports:read'), (req, res) => res.json([]))
 * ```
 */
export function requireScope(...scopes: readonly string[]): RequestHandler {
  assertScopes('requireScope', scopes)
  return guard('requireScope()', { respondWith: 'auto' }, (caller) => {
    const missing = scopes.filter((scope) => !caller.hasScope(scope))
    return missing.length === 0 ? undefined : insufficientScope(caller, scopes, missing)
  })
}

/**
 * Requires at least one of the given scopes. An anonymous request is answered as by `requireAuth`.
 *
 * @throws `ERR_CONFIGURATION` at construction without a scope; per request `ERR_INSUFFICIENT_SCOPE`, whose challenge
 *   lists the scopes
 * @see [RFC 6750 §3.1](https://www.rfc-editor.org/rfc/rfc6750#section-3.1)
 *
 * @example
 * ```ts
 * app.get('/reports', requireAnyScope('reports:read', 'reports:admin'), (req, res) => res.json([]))
 * ```
 */
export function requireAnyScope(...scopes: readonly string[]): RequestHandler {
  assertScopes('requireAnyScope', scopes)
  return guard('requireAnyScope()', { respondWith: 'auto' }, (caller) =>
    scopes.some((scope) => caller.hasScope(scope)) ? undefined : insufficientScope(caller, scopes, scopes),
  )
}

function assertScopes(middleware: string, scopes: readonly unknown[]): void {
  assertNotMounted(middleware, scopes[0])
  if (scopes.length === 0)
    throw configurationError(`${middleware}()`, 'needs at least one scope', `write ${middleware}('reports:read')`)
  for (const scope of scopes) {
    if (typeof scope === 'string' && SCOPE.test(scope)) continue
    const fix = "pass each scope by itself, as in ('reports:read', 'reports:write')"
    throw configurationError(`${middleware}()`, 'takes scopes as strings', fix)
  }
}

/** Builds the error for a request that lacks scopes. The challenge lists all that are required (RFC 6750 §3.1). */
function insufficientScope(caller: Caller, required: readonly string[], missing: readonly string[]): RelyingPartyError {
  const challenge = caller.challenge({ error: 'insufficient_scope', scope: required.join(' ') })
  return new RelyingPartyError('ERR_INSUFFICIENT_SCOPE', `the request lacks the scope ${missing.join(' ')}`, {
    headers: { 'WWW-Authenticate': challenge },
    cause: { missing },
    hint: 'the session or token was not granted it: request it with the option scope of the login or of the client',
  })
}
