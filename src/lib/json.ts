/** Checks whether a value is an object other than an array. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The deepest accepted nesting: writing a deeper value again could overflow the stack. In levels. */
const MAX_DEPTH = 100

/** Parses a JSON object. Returns `undefined` for anything else, malformed or very deep JSON included. */
export function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) && !isDeeper(value, MAX_DEPTH) ? value : undefined
  } catch {
    return undefined
  }
}

/** Checks whether an object would be too deep for {@link parseObject} as a member of another. */
export function isTooDeep(value: object): boolean {
  return isDeeper(value, MAX_DEPTH - 1)
}

/** Checks whether a value is nested deeper than `levels`. */
function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return levels === 0 || Object.values(value).some((inner) => isDeeper(inner, levels - 1))
}
