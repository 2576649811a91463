import { parseCookie } from 'cookie'
import type { CookieOptions, Request } from 'express'

/**
 * Reads the cookies whose names are `prefix` and a suffix that matches. If a name is repeated, the first one counts.
 *
 * Names are compared as the browser sent them, except for spaces and tabs, which browsers strip too. Stripping more, such
 * as U+00A0, would find the prefix `__Host-` in a name in which the browser saw none, and which it did not check.
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

/** Reads one cookie by the same rules. */
export function readCookie(req: Request, name: string): string | undefined {
  return req.headers.cookie?.includes(name) ? parse(req.headers.cookie)[name] : undefined
}

/** Adds the `__Host-` prefix over https, where browsers honour it: no other host or path can set such a cookie. */
export function prefixed({ secure }: { readonly secure: boolean }, name: string): string {
  return secure ? `__Host-${name}` : name
}

/**
 * Returns the attributes that all cookies of this package share. `SameSite=None` requires `Secure`, which browsers also
 * accept over http from a loopback host.
 *
 * @param crossSite - whether the cookie must be sent with a cross-site POST, such as a form_post response
 */
export function cookieAttributes({ secure }: { readonly secure: boolean }, crossSite = false): CookieOptions {
  return { path: '/', httpOnly: true, secure: secure || crossSite, sameSite: crossSite ? 'none' : 'lax' }
}

/** This package's values need no decoding. */
function parse(header: string) {
  return parseCookie(header, { decode: (value) => value })
}
