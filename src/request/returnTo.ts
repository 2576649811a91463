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
