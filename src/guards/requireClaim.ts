import type { Request, RequestHandler } from 'express'
import type { Claims } from '../auth.js'
import { configurationError, RelyingPartyError } from '../errors.js'
import { assertNotMounted, assertOptions, type Shape } from '../lib/check.js'
import { type Finding, guard } from './guard.js'

type Value = string | number | boolean

/** The expected value of a claim: either `equals` or `includes`. */
export interface ClaimExpectation {
  /** The claim must be this value, of the same type. */
  equals?: Value
  /** The claim, an array or a space-separated list, must include this value, or all of these. */
  includes?: Value | readonly Value[]
}

/** Checks the verified claims of a request. Only `true` lets the request pass. */
export type ClaimPredicate = (claims: Claims, req: Request) => boolean | Promise<boolean>

const isValue = (value: unknown) => typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'

const SHAPE: Shape<ClaimExpectation> = {
  equals: (value) => (isValue(value) ? undefined : 'must be a string, number or boolean'),
  includes: (value) =>
    isValue(value) || (Array.isArray(value) && value.length > 0 && value.every(isValue))
      ? undefined
      : 'must be a string, number or boolean, or a list of these',
}

/**
 * Requires that the verified claims, of the login or of the access token, are as expected.
 *
 * A predicate that returns anything but `true`, throws or rejects refuses the request. An anonymous request is answered as
 * by `requireAuth`.
 *
 * @throws `ERR_CONFIGURATION` at construction; per request `ERR_INSUFFICIENT_CLAIMS`
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
  const check = typeof claim === 'function' ? predicateCheck(claim, expected) : claimCheck(claim, expected)
  return guard('requireClaim()', { respondWith: 'auto' }, ({ auth }, req) => check(auth.claims, req))
}

type ClaimsCheck = (claims: Claims, req: Request) => Finding | Promise<Finding>

function predicateCheck(predicate: ClaimPredicate, extra: unknown): ClaimsCheck {
  if (extra !== undefined)
    throw configurationError(
      'requireClaim()',
      'takes no other argument with a function',
      'move the comparison into the function',
    )
  return async (claims, req) => {
    try {
      return (await predicate(claims, req)) === true
        ? undefined
        : refused('the function passed to requireClaim() did not return true')
    } catch (cause) {
      return refused('the function passed to requireClaim() failed: see `cause`', cause)
    }
  }
}

function claimCheck(claim: unknown, expected: ClaimExpectation | undefined): ClaimsCheck {
  assertNotMounted('requireClaim', claim)
  if (typeof claim !== 'string' || claim === '') {
    throw configurationError(
      'requireClaim()',
      'takes the name of a claim, or a function',
      "write requireClaim('groups', { includes: 'admins' })",
    )
  }
  if (expected === undefined) {
    throw configurationError('requireClaim()', `has no expected value for ${claim}`, 'add { equals } or { includes }')
  }
  if (isValue(expected) || Array.isArray(expected)) {
    const meant = isValue(expected) ? 'equals' : 'includes'
    const fix = `write requireClaim(${JSON.stringify(claim)}, { ${meant}: ${JSON.stringify(expected)} })`
    throw configurationError('requireClaim()', `does not say how to compare ${claim}`, fix)
  }
  assertOptions<ClaimExpectation>(expected, 'requireClaim', SHAPE)
  const { equals, includes } = expected
  if ((equals === undefined) === (includes === undefined)) {
    throw configurationError('requireClaim()', 'takes either equals or includes', 'pass exactly one of the two')
  }
  const needed = [includes ?? []].flat()
  const error = () => refused(`the claim ${claim} is missing or does not match what requireClaim() expects`, { claim })
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
