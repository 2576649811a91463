import { timingSafeEqual } from 'node:crypto'

/** Tells whether two texts are the same, in a time that does not depend on where they differ. */
export function isEqual(expected: string, actual: string): boolean {
  const [a, b] = [Buffer.from(expected), Buffer.from(actual)]
  return a.length === b.length && timingSafeEqual(a, b)
}
