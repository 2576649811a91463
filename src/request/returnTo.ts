import { type Check, string } from '../lib/check.js'

/** The longest path that is carried through a login, as given and percent-encoded. In characters. */
const MAX_LENGTH = 1024

/**
 * Judges where to send the user after login or logout: only a path of this application's own origin comes through.
 *
 * Refused are other origins, `//` and `\` that a browser would read as a host, control characters, other schemes, and
 * what is too long. An absolute URL of the own origin is accepted.
 *
 * @param value - from the browser, unverified
 * @param origin - the application's origin
 * @returns path, query and fragment, or `undefined` if it is refused
 */
export function safeReturnTo(value: unknown, origin: string): string | undefined {
  if (typeof value !== 'string' || value.length === 0 || value.length > MAX_LENGTH) return undefined
  // A browser drops tabs and newlines from a URL and reads a backslash as a slash.
  if (/[\p{Cc}\s\\]/u.test(value)) return undefined
  if (!value.startsWith('/') && !value.startsWith(`${origin}/`) && value !== origin) return undefined
  if (!URL.canParse(value, origin)) return undefined
  const url = new URL(value, origin)
  if (url.origin !== origin || url.username || url.password) return undefined
  // A path that begins with an empty segment, also an encoded one, may become a host in a later redirect.
  if (/^\/(?:\/|%2f|%5c)/i.test(url.pathname)) return undefined
  const path = url.pathname + url.search + url.hash
  return path.length > MAX_LENGTH ? undefined : path
}

/** Accepts a `returnTo` of a route, which is the same for every origin: a path of the application. */
export const returnToOption: Check = (value) => {
  const problem = string(value)
  if (problem) return problem
  if (safeReturnTo(value, ANY_ORIGIN) !== undefined && String(value).startsWith('/')) return undefined
  const isUrl = typeof value === 'string' && /^https?:/i.test(value) && URL.canParse(value)
  if (!isUrl) return 'must be a path of this application, as in /profile'
  const { pathname, search, hash } = new URL(value)
  return `must be a path of this application, not a full URL: write ${pathname}${search}${hash}`
}

const ANY_ORIGIN = 'https://origin.invalid'
