import { quote } from '../lib/quote.js'

/** The last second of the year 9999: a greater number is in milliseconds, or not a time. */
const LAST_TIME = 253_402_300_799

/** Checks whether a claim is a NumericDate: seconds since the epoch, finite and not negative. */
export function isTime(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= LAST_TIME
}

/** What is wrong with a time in a JWT. */
interface TimeProblem {
  readonly message: string
  readonly hint: string
  readonly claim: TimeClaim
  /** The current time. In seconds since the epoch. */
  readonly expected?: number
  readonly actual: unknown
}

type TimeClaim = 'exp' | 'nbf' | 'iat' | 'auth_time'

/**
 * Checks the times of a JWT: `exp`, `nbf`, `iat` and `auth_time`. Each must be a time if present: `exp` in the future, the
 * others not.
 *
 * @param options.clockTolerance - how far clocks may differ. In seconds.
 * @param options.required - the claims that must be present
 * @returns what is wrong, or `undefined`
 * @see [RFC 7519 §4.1](https://www.rfc-editor.org/rfc/rfc7519#section-4.1)
 */
export function checkJwtTimes(
  claims: Readonly<Record<string, unknown>>,
  { clockTolerance, required }: { clockTolerance: number; required: readonly TimeClaim[] },
): TimeProblem | undefined {
  const now = Date.now() / 1000
  for (const claim of ['exp', 'nbf', 'iat', 'auth_time'] as const) {
    const actual = claims[claim]
    if (actual === undefined && !required.includes(claim)) continue
    if (!isTime(actual)) return notATime(claim, actual)
    if (claim === 'exp' ? actual + clockTolerance > now : actual - clockTolerance <= now) continue
    const message = claim === 'exp' ? 'the token has expired' : PREMATURE[claim]
    return { message, hint: clocksHint(claim, actual, now, clockTolerance), claim, expected: now, actual }
  }
  return undefined
}

/**
 * Checks whether a time in a JWT is longer ago than `maxAge`. All times in seconds.
 *
 * @param time - a claim that {@link checkJwtTimes} has found to be a time
 */
export function isOlderThan(time: number, maxAge: number, clockTolerance: number): boolean {
  return time + maxAge + clockTolerance < Date.now() / 1000
}

const PREMATURE = {
  nbf: 'the token is not valid yet',
  iat: 'the token was issued in the future',
  auth_time: 'the time of authentication is in the future',
}

function notATime(claim: TimeClaim, actual: unknown): TimeProblem {
  const message = claim === 'exp' ? 'the token has no valid expiry time' : 'a time in the token is missing or malformed'
  return { message, hint: timeHint(claim, actual), claim, actual }
}

/** Explains why a claim is not a time. */
export function timeHint(claim: string, actual: unknown): string {
  const milliseconds = typeof actual === 'number' && isTime(actual / 1000)
  const found =
    actual === undefined
      ? `${claim} is missing; it must be`
      : `${claim} is ${quote(actual)}${milliseconds ? ', which looks like milliseconds' : ''}; it must be`
  return `${found} a number of seconds since the epoch`
}

function clocksHint(claim: TimeClaim, actual: number, now: number, clockTolerance: number): string {
  const clocks = `${claim} is ${at(actual)}, the clock of this server reads ${at(now)}`
  const likely =
    claim === 'exp'
      ? "If the token was just issued, this clock is ahead or the issuer's is behind"
      : "This clock is behind or the issuer's is ahead"
  return `${clocks}. ${likely}: synchronize both, or raise clockTolerance (${clockTolerance} seconds, up to 300)`
}

function at(seconds: number): string {
  return new Date(seconds * 1000).toISOString()
}
