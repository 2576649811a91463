import { type Check, string } from '../lib/check.js'

/** The maximum length of a path, before and after percent-encoding. In characters. */
const MAX_LENGTH = 2048

/**
 * Returns where to send the user after login or logout, if it is a path or absolute URL of this application's origin.
 *
 * Refuses other origins and schemes, `//` and `\` where a browser would read a host, control characters, and paths of
 * more than 2,048 characters.
 *
 * @param value - from the browser, unverified
 * @param origin - the application's origin
 * @returns path, query and fragment, or `undefined` if the value is refused
 */
export function safeReturnTo(value: unknown, origin: string): string | undefined {
  if (typeof value !== 'string' || value.length === 0 || value.length > MAX_LENGTH) return undefined
  // A browser drops tabs and newlines from a URL and reads a backslash as a slash.
  if (/[\p{Cc}\s\\]/u.test(value)) return undefined
  if (!value.startsWith('/') && !value.startsWith(`${origin}/`) && value !== origin) return undefined
  if (!URL.canParse(value, origin)) return undefined
  const url = new URL(value, origin)
  if (url.origin !== origin || url.username || url.password) return undefined
  // A path that begins with an empty segment, even an encoded one, may become a host in a later redirect.
  if (/^\/(?:\/|%2f|%5c)/i.test(url.pathname)) return undefined
  const path = url.pathname + url.search + url.hash
  return path.length > MAX_LENGTH ? undefined : path
}

/** Accepts the option `returnTo` of a route: a path, whatever the origin. */
export const returnToOption: Check = (value) => {
  const problem = string(value)
  if (problem) return problem
  if (safeReturnTo(value, ANY_ORIGIN) !== undefined && String(value).startsWith('/')) return undefined
  const isUrl = typeof value === 'string' && /^https?:/i.test(value) && URL.canParse(value)
  if (!isUrl) return 'must be a path of this application, such as /profile'
  const { pathname, search, hash } = new URL(value)
  return `must be a path of this application, not a full URL: write ${pathname}${search}${hash}`
}

const ANY_ORIGIN = 'https://origin.invalid'
