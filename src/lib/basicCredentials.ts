/** Encodes a text as `application/x-www-form-urlencoded`. */
export function formEncode(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1)
}

/**
 * Returns the `Authorization` header of a client, whose parts are form-encoded first. Unlike openid-client, it leaves `-`, `_`
 * and `.` as they are: they decode to the same, and are part of many identifiers and secrets at providers that do not decode
 * them.
 *
 * @see [RFC 6749 §2.3.1](https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1)
 */
export function basicCredentials(clientId: string, clientSecret: string): string {
  const credentials = `${formEncode(clientId)}:${formEncode(clientSecret)}`
  return `Basic ${Buffer.from(credentials).toString('base64')}`
}
