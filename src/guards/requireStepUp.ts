import type { RequestHandler } from 'express'
import { configurationError } from '../errors.js'
import { assertOptions, number, type Shape, stringOrStrings } from '../lib/check.js'
import { toList } from '../lib/list.js'
import type { AuthContext, StepUp } from './caller.js'
import { authenticated } from './guard.js'

/** The authentication that {@link requireStepUp} asks for: one of the two, or both. */
export interface StepUpOptions {
  /** The authentication context classes that are good enough, best first. `acr` must be one of them. */
  acr?: string | readonly string[]
  /** The greatest age of the authentication, by `auth_time`. In seconds. */
  maxAge?: number
}

const SHAPE: Shape<StepUpOptions> = { acr: stringOrStrings, maxAge: number('seconds', 0, 31_536_000) }

/**
 * Lets only requests through whose user authenticated by the means that are asked for, and not too long ago, within the
 * `clockTolerance` of `relyingParty` or `resourceServer`. An `auth_time` in the future is refused.
 *
 * Otherwise a session goes through a new login with those parameters and comes back, where it is a navigation; a script
 * gets 401 with `{ error, loginUrl }`. An access token is answered with the challenge `insufficient_user_authentication`.
 *
 * @throws `ERR_CONFIGURATION` at construction; at a request `ERR_INSUFFICIENT_AUTHENTICATION`
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
    throw configurationError('requireStepUp', 'asks for nothing', 'add acr or maxAge')
  }
  const stepUp: StepUp = Object.freeze({ acr: Object.freeze(toList(options.acr ?? [])), maxAge: options.maxAge })

  return authenticated('requireStepUp()', { respondWith: 'auto' }, (context, req, res, next) => {
    if (isEnough(context, stepUp)) next()
    else context.demandStepUp(req, res, next, stepUp)
  })
}

function isEnough({ authentication, clockTolerance }: AuthContext, needed: StepUp): boolean {
  const { acr, authTime } = authentication
  if (needed.acr.length > 0 && (acr === undefined || !needed.acr.includes(acr))) return false
  if (needed.maxAge === undefined) return true
  if (authTime === undefined) return false
  const age = Date.now() / 1000 - authTime
  // A time in the future would never grow old: one in milliseconds is 50,000 years ahead.
  return age <= needed.maxAge + clockTolerance && age >= -clockTolerance
}
