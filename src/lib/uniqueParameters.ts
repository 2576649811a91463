import { type ErrorCode, RelyingPartyError } from '../errors.js'

/** Parameters of one request, each given once. */
export type Parameters = ReadonlyMap<string, string>

/**
 * Reads the parameters of a message from a query or form body. None may be repeated or be anything but a string.
 *
 * @param code - the code for a message that is malformed. Default is `'ERR_AUTHORIZATION_RESPONSE_INVALID'`.
 * @throws `code`
 * @see [RFC 6749 §3.1](https://www.rfc-editor.org/rfc/rfc6749#section-3.1)
 */
export function readParameters(
  source: URLSearchParams | Readonly<Record<string, unknown>>,
  code: ErrorCode = 'ERR_AUTHORIZATION_RESPONSE_INVALID',
): Parameters {
  const parameters = new Map<string, string>()
  const entries: Iterable<[string, unknown]> = source instanceof URLSearchParams ? source : Object.entries(source)
  for (const [name, value] of entries) {
    if (typeof value !== 'string' || parameters.has(name)) {
      throw new RelyingPartyError(code, 'a parameter of the message is repeated or not a string')
    }
    parameters.set(name, value)
  }
  return parameters
}
