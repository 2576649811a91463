/** An access token as a request presents it. */
export interface Credentials {
  readonly scheme: 'Bearer' | 'DPoP'
  readonly place: 'header' | 'body'
  /** Unverified. */
  readonly token: string
}

/** In characters. Longer ones are malformed. */
const MAX_TOKEN = 16_384

const SCHEME = /^(?:bearer|dpop)(?![^\s,])/i
const CREDENTIALS = /^(?:(bearer)|dpop) +([\w\-.~+/]+=*)$/i
const TOKEN = /^[\w\-.~+/]+=*$/

/**
 * Reads an `Authorization` header: one token in the form of token68, after `Bearer` or `DPoP` in any case.
 *
 * @returns `undefined` for another scheme
 * @see [RFC 6750 §2.1](https://www.rfc-editor.org/rfc/rfc6750#section-2.1)
 * @see [RFC 9449 §7.1](https://www.rfc-editor.org/rfc/rfc9449#section-7.1)
 */
export function parseAuthorization(header: string): Credentials | 'malformed' | undefined {
  const match = CREDENTIALS.exec(header)
  if (!match) return SCHEME.test(header) ? 'malformed' : undefined
  const [, bearer, token = ''] = match
  return token.length > MAX_TOKEN ? 'malformed' : { scheme: bearer ? 'Bearer' : 'DPoP', place: 'header', token }
}

/**
 * Reads the `access_token` parameter of a form body.
 *
 * @see [RFC 6750 §2.2](https://www.rfc-editor.org/rfc/rfc6750#section-2.2)
 */
export function parseBodyToken(value: unknown): Credentials | 'malformed' {
  if (typeof value !== 'string' || value.length > MAX_TOKEN || !TOKEN.test(value)) return 'malformed'
  return { scheme: 'Bearer', place: 'body', token: value }
}
