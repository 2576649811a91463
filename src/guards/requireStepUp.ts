import type { RequestHandler } from 'express'
import { configurationError } from '../errors.js'
import { assertOptions, number, type Shape, stringOrStrings } from '../lib/check.js'
import { toList } from '../lib/list.js'
import type { Caller, StepUp } from './caller.js'
import { authenticated } from './guard.js'

/** The authentication that {@link requireStepUp} requires: `acr`, `maxAge`, or both. */
export interface StepUpOptions {
  /** The accepted authentication context classes, best first. The `acr` claim must be one of them. */
  acr?: string | readonly string[]
  /** The maximum age of the authentication, from the `auth_time` claim. In seconds. Limit is `31536000`, one year. */
  maxAge?: number
}

const SHAPE: Shape<StepUpOptions> = { acr: stringOrStrings, maxAge: number('seconds', 0, 31_536_000) }

/**
 * Requires that the user authenticated by the given means, and recently enough.
 *
 * The `clockTolerance` of `relyingParty` or `resourceServer` applies. An `auth_time` in the future is refused.
 *
 * A navigation with a session is redirected to a new login with these parameters, and returns afterwards. Any other
 * request with a session gets 401 with `{ error, loginUrl }`. A request with an access token gets the challenge
 * `insufficient_user_authentication`.
 *
 * @throws `ERR_CONFIGURATION` at construction; per request `ERR_INSUFFICIENT_AUTHENTICATION`
 * @see [RFC 9470](https://www.rfc-editor.org/rfc/rfc9470)
 *
 * @example
 * ```ts
 * app.post('/transfer', requireStepUp({ acr: 'urn:example:mfa', maxAge: 300 }), transfer)
 * ```
 */
export function requireStepUp(options: StepUpOptions): RequestHandler {
  assertOptions<StepUpOptions>(options, 'requireStepUp', SHAPE)
  if (options.acr === undefined && options.maxAge === undefined) {
    throw configurationError('requireStepUp', 'requires nothing', 'add acr or maxAge')
  }
  const stepUp: StepUp = Object.freeze({ acr: Object.freeze(toList(options.acr ?? [])), maxAge: options.maxAge })

  return authenticated('requireStepUp()', { respondWith: 'auto' }, (caller, req, res, next) => {
    if (isEnough(caller, stepUp)) next()
    else caller.demandStepUp(req, res, next, stepUp)
  })
}

function isEnough({ authentication, clockTolerance }: Caller, needed: StepUp): boolean {
  const { acr, authTime } = authentication
  if (needed.acr.length > 0 && (acr === undefined || !needed.acr.includes(acr))) return false
  if (needed.maxAge === undefined) return true
  if (authTime === undefined) return false
  const age = Date.now() / 1000 - authTime
  // A time in the future would never become too old: one in milliseconds is 50,000 years ahead.
  return age <= needed.maxAge + clockTolerance && age >= -clockTolerance
}
