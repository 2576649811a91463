/** Splits a space-separated list or copies an array, without empty and repeated items. */
export function toList(value: string | readonly string[]): string[] {
  const items = typeof value === 'string' ? value.split(' ') : value
  return [...new Set(items.filter((item) => item.length > 0))]
}
