import type { Request, RequestHandler } from 'express'
import type { Claims } from '../auth.js'
import { configurationError, RelyingPartyError } from '../errors.js'
import { assertNotMounted, assertOptions, type Shape } from '../lib/check.js'
import { type Finding, guard } from './guard.js'

type Value = string | number | boolean

/** What a claim must be. Exactly one of the two. */
export interface ClaimExpectation {
  /** The claim must be this value, of the same type. */
  equals?: Value
  /** The claim, an array or a list separated by spaces, must hold this value, or each of these. */
  includes?: Value | readonly Value[]
}

/** Judges the verified claims of a request. Only `true` lets it through. */
export type ClaimPredicate = (claims: Claims, req: Request) => boolean | Promise<boolean>

const isValue = (value: unknown) => typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'

const SHAPE: Shape<ClaimExpectation> = {
  equals: (value) => (isValue(value) ? undefined : 'must be a string, number or boolean'),
  includes: (value) =>
    isValue(value) || (Array.isArray(value) && value.length > 0 && value.every(isValue))
      ? undefined
      : 'must be a string, number or boolean, or a list of some',
}

/**
 * Lets only requests through whose verified claims are as expected: those of the login, or of the access token. Nobody
 * signed in is answered as by `requireAuth`.
 *
 * A predicate that returns anything but `true`, throws or rejects refuses.
 *
 * @throws `ERR_CONFIGURATION` at construction; at a request `ERR_INSUFFICIENT_CLAIMS`
 *
 * @example
 * ```ts
 * app.get('/newsletter', requireClaim(hasVerifiedEmail), send)
 * app.get('/staff', requireClaim('department', { equals: 'IT' }), send)
 * app.get('/admin', requireClaim('groups', { includes: 'admins' }), send)
 * app.get('/plan', requireClaim(async ({ sub }) => (await plans.find(sub))?.active === true), send)
 * ```
 */
export function requireClaim(claim: string, expected: ClaimExpectation): RequestHandler
export function requireClaim(predicate: ClaimPredicate): RequestHandler
export function requireClaim(claim: string | ClaimPredicate, expected?: ClaimExpectation): RequestHandler {
  const judge = typeof claim === 'function' ? judgeBy(claim, expected) : judgeClaim(claim, expected)
  return guard('requireClaim()', { respondWith: 'auto' }, ({ auth }, req) => judge(auth.claims, req))
}

type Judge = (claims: Claims, req: Request) => Finding | Promise<Finding>

function judgeBy(predicate: ClaimPredicate, extra: unknown): Judge {
  if (extra !== undefined) throw configurationError('requireClaim()', 'takes a function alone')
  return async (claims, req) => {
    try {
      return (await predicate(claims, req)) === true
        ? undefined
        : refused('the claims did not satisfy the function given to requireClaim()')
    } catch (cause) {
      return refused('the function given to requireClaim() failed: see `cause`', cause)
    }
  }
}

function judgeClaim(claim: unknown, expected: ClaimExpectation | undefined): Judge {
  assertNotMounted('requireClaim', claim)
  if (typeof claim !== 'string' || claim === '') {
    throw configurationError('requireClaim()', 'takes the name of a claim, or a function')
  }
  if (expected === undefined) {
    throw configurationError('requireClaim()', `does not say what ${claim} must be`, 'add { equals } or { includes }')
  }
  if (isValue(expected) || Array.isArray(expected)) {
    const meant = isValue(expected) ? 'equals' : 'includes'
    const fix = `write requireClaim(${JSON.stringify(claim)}, { ${meant}: ${JSON.stringify(expected)} })`
    throw configurationError('requireClaim()', `does not say how ${claim} is compared`, fix)
  }
  assertOptions<ClaimExpectation>(expected, 'requireClaim', SHAPE)
  const { equals, includes } = expected
  if ((equals === undefined) === (includes === undefined)) {
    throw configurationError('requireClaim()', 'takes one of equals and includes')
  }
  const needed = [includes ?? []].flat()
  const error = () => refused(`the claim ${claim} is missing or is not what requireClaim() asks for`, { claim })
  return (claims) => {
    const actual = Object.hasOwn(claims, claim) ? claims[claim] : undefined
    if (equals !== undefined) return actual === equals ? undefined : error()
    const items: readonly unknown[] =
      typeof actual === 'string' ? actual.split(' ') : Array.isArray(actual) ? actual : []
    return needed.every((value) => items.includes(value)) ? undefined : error()
  }
}

function refused(hint: string, cause?: unknown): RelyingPartyError {
  return new RelyingPartyError('ERR_INSUFFICIENT_CLAIMS', 'this account may not do that', { cause, hint })
}
