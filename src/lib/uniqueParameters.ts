import { type ErrorCode, RelyingPartyError } from '../errors.js'
import { quote } from './quote.js'

/** Parameters of one request, each given once. */
export type Parameters = ReadonlyMap<string, string>

/** The most parameters of one message. */
const MAX_COUNT = 100

/** The longest accepted value of each parameter. In characters. */
const MAX_LENGTH: ReadonlyMap<string, number> = new Map([
  ['code', 8192],
  ['iss', 2048],
  ['sid', 2048],
  ['id_token', 65_536],
  ['access_token', 65_536],
  ['logout_token', 65_536],
  ['login_hint', 8192],
  ['target_link_uri', 8192],
  ['returnTo', 8192],
  ['username', 8192],
  ['password', 8192],
])

/** Parameters that are only shown or looked up are truncated instead: an error still counts, and such a state is unknown. */
const CUT_LENGTH: ReadonlyMap<string, number> = new Map([
  ['state', 8192],
  ['error', 256],
  ['error_description', 4096],
  ['error_uri', 2048],
])

/**
 * Reads the parameters of a message from a query or form body. Each must be a string within its limit, and given once.
 *
 * @param code - the error code for a malformed message. Default is `'ERR_AUTHORIZATION_RESPONSE_INVALID'`.
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
      throw new RelyingPartyError(code, 'a parameter of the message is repeated or not a string', {
        hint: `the parameter is ${quote(name)}`,
      })
    }
    if (value.length > (MAX_LENGTH.get(name) ?? Number.POSITIVE_INFINITY)) {
      throw new RelyingPartyError(code, 'a parameter of the message is too long', {
        hint: `the parameter is ${quote(name)}, which may have ${MAX_LENGTH.get(name)} characters`,
      })
    }
    if (parameters.size >= MAX_COUNT) throw new RelyingPartyError(code, 'the message has too many parameters')
    parameters.set(name, value.slice(0, CUT_LENGTH.get(name)))
  }
  return parameters
}
