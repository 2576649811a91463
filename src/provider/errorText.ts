import { defined } from '../lib/defined.js'
import type { Redactor } from '../lib/redact.js'

/** How much of a description is read: what is shown of it is shorter. In characters. */
const MAX_READ = 1000

/** The longest description that is shown. In characters. */
const MAX_SHOWN = 200

/**
 * Takes an error code and description from outside: the code only in its RFC 6749 form, the description shortened and
 * without what may be a token, since some providers repeat the request.
 */
export function errorParameters(error: unknown, description: unknown): { error?: string; error_description?: string } {
  return defined({
    error: typeof error === 'string' && /^[\w.-]{1,64}$/.test(error) ? error : undefined,
    error_description: typeof description === 'string' && description !== '' ? plainText(description) : undefined,
  })
}

/** It is cut before anything looks for a token in it. A last word that the cut may have split goes too. */
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

/** What may be a token or a code in the text of a provider: a long run of its characters with a digit in it. */
function isTokenLike(word: string): boolean {
  return word.length >= 20 && /\d/.test(word)
}

/** Takes secrets out of what an error shows of a token's claims: of every text in it, however deep. */
export function redactDeep(value: unknown, redact: Redactor, depth = 4): unknown {
  if (typeof value === 'string') return redact(value)
  if (typeof value !== 'object' || value === null) return value
  if (depth === 0) return '[…]'
  if (Array.isArray(value)) return value.slice(0, 50).map((item) => redactDeep(item, redact, depth - 1))
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [redact(name), redactDeep(item, redact, depth - 1)]),
  )
}
