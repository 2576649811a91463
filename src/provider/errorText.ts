import { defined } from '../lib/defined.js'
import { quote } from '../lib/quote.js'
import type { Redactor } from '../lib/redact.js'

/** How much of a description is read. In characters. */
const MAX_READ = 1000

/** The longest description that is shown. In characters. */
const MAX_SHOWN = 200

/**
 * Cleans an untrusted error code and description: the code must have its RFC 6749 form; the description is shortened and
 * anything that may be a token is removed, as some providers repeat the request.
 */
export function errorParameters(error: unknown, description: unknown): { error?: string; error_description?: string } {
  return defined({
    error: typeof error === 'string' && /^[\w.-]{1,64}$/.test(error) ? error : undefined,
    error_description: typeof description === 'string' && description !== '' ? plainText(description) : undefined,
  })
}

/** Returns the description in {@link errorParameters} as a hint: logs that show no causes include it. */
export function descriptionHint({ error_description }: ReturnType<typeof errorParameters>): string | undefined {
  return error_description === undefined ? undefined : `the provider's description is ${quote(error_description)}`
}

/** Shortens before looking for tokens. The last word, which may be incomplete then, is dropped. */
function plainText(description: string): string {
  const isCut = description.length > MAX_READ
  const text = description
    .slice(0, MAX_READ)
    .replaceAll('[…]', '[...]')
    .replace(/[^\x20-\x7e]/g, ' ')
  const words = text.replaceAll('[...]', '[…]').split(/([^\w~+=-])/)
  if (isCut) words.pop()
  return words
    .map((word) => (isTokenLike(word) ? '[…]' : word))
    .join('')
    .slice(0, MAX_SHOWN)
}

/** Checks whether a word may be a token or a code: it is long and contains a digit. */
function isTokenLike(word: string): boolean {
  return word.length >= 20 && /\d/.test(word)
}

/** Removes secrets from every string in a value, such as a claim that an error shows. */
export function redactDeep(value: unknown, redact: Redactor, depth = 4): unknown {
  if (typeof value === 'string') return redact(value)
  if (typeof value !== 'object' || value === null) return value
  if (depth === 0) return '[…]'
  if (Array.isArray(value)) return value.slice(0, 50).map((item) => redactDeep(item, redact, depth - 1))
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [redact(name), redactDeep(item, redact, depth - 1)]),
  )
}
