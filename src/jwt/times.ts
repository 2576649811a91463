/** The last second a `Date` can hold: a greater number is not a time. */
const LAST_TIME = 8_640_000_000_000

/** Tells whether a claim is a NumericDate: seconds since the epoch, finite and not negative. */
export function isTime(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= LAST_TIME
}
