import type { Request } from 'express'

/** Reads the cookies whose names begin with `prefix`; the first one counts where a name stands twice. */
export function readCookies(req: Request, prefix: string): Map<string, string> {
  const cookies = new Map<string, string>()
  for (const pair of (req.headers.cookie ?? '').split(';')) {
    const at = pair.indexOf('=')
    const name = pair.slice(0, at).trim()
    if (at > 0 && name.startsWith(prefix) && !cookies.has(name)) cookies.set(name, pair.slice(at + 1).trim())
  }
  return cookies
}

/** The `__Host-` prefix keeps other hosts and paths from setting the cookie; browsers honour it over https. */
export function prefixed({ secure }: { readonly secure: boolean }, name: string): string {
  return secure ? `__Host-${name}` : name
}
