import { parseCookie } from 'cookie'
import type { Request } from 'express'

/**
 * Reads the cookies whose names are `prefix` and a suffix of the form given; the first one counts if a name is repeated.
 *
 * Names are compared as the browser sent them but for spaces and tabs, which it strips itself. Whoever strips more, such
 * as U+00A0, reads a name with the prefix `__Host-` where the browser saw, and checked, none.
 *
 * @see [Cookies: HTTP State Management Mechanism §4.1.3](https://www.ietf.org/archive/id/draft-ietf-httpbis-rfc6265bis-22.html#section-4.1.3)
 */
export function readCookies(req: Request, prefix: string, suffix: RegExp): Map<string, string> {
  const cookies = new Map<string, string>()
  if (!req.headers.cookie?.includes(prefix)) return cookies
  for (const [name, value] of Object.entries(parse(req.headers.cookie))) {
    if (value !== undefined && name.startsWith(prefix) && suffix.test(name.slice(prefix.length))) {
      cookies.set(name, value)
    }
  }
  return cookies
}

/** Reads one cookie, by the same rules. */
export function readCookie(req: Request, name: string): string | undefined {
  return req.headers.cookie?.includes(name) ? parse(req.headers.cookie)[name] : undefined
}

/** The `__Host-` prefix keeps other hosts and paths from setting the cookie; browsers honour it over https. */
export function prefixed({ secure }: { readonly secure: boolean }, name: string): string {
  return secure ? `__Host-${name}` : name
}

/** The values of this package need no decoding. */
function parse(header: string) {
  return parseCookie(header, { decode: (value) => value })
}
