import { timingSafeEqual } from 'node:crypto'

/** Compares two strings in constant time. */
export function isEqual(expected: string, actual: string): boolean {
  const [a, b] = [Buffer.from(expected), Buffer.from(actual)]
  return a.length === b.length && timingSafeEqual(a, b)
}
