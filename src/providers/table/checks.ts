import { type Check, string } from '../../lib/check.js'
import { isLoopback } from '../../lib/loopback.js'

/** Accepts the host name of a tenant, such as `example.eu.auth0.com`. */
export const host: Check = (value) => {
  const problem = string(value)
  if (problem) return problem
  const text = value as string
  if (URL.canParse(text) && /^https?:/.test(text)) {
    return `must be a host name, not a URL: write ${new URL(text).host}`
  }
  return /^[a-z\d](?:[a-z\d.-]{0,250}[a-z\d])?(?::\d{1,5})?$/i.test(text)
    ? undefined
    : 'must be a host name such as login.example.com'
}

/** Accepts the address of an instance: an https URL, or http on a loopback host, without a slash at the end. */
export const instanceUrl: Check = (value) => {
  const problem = string(value)
  if (problem) return problem
  const text = value as string
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url)))) {
    return `must be an https URL such as https://login.example.com`
  }
  if (url.search || url.hash || url.username || url.password) return 'must have no query, fragment or user name'
  return text.endsWith('/') ? `must not end with a slash: write ${text.slice(0, -1)}` : undefined
}

/** Accepts a URL. */
export const url: Check = (value) =>
  typeof value === 'string' && URL.canParse(value) ? undefined : 'must be a full URL, with https://'

/** Accepts one segment of a path, such as an identifier. */
export const segment: Check = (value) =>
  string(value) ??
  (/^[\w.~-]{1,200}$/.test(value as string) ? undefined : 'must consist of letters, digits, - _ . and ~')
