import * as openid from 'openid-client'
import { type ErrorCode, RelyingPartyError } from '../errors.js'
import { algorithmHint, JwtError } from '../jwt/jws.js'
import { defined } from '../lib/defined.js'

/** Claims whose values stay out of errors. */
const SECRET_CLAIMS = new Set(['nonce', 'at_hash', 'c_hash', 's_hash'])

/**
 * Turns what openid-client or a JWT check threw into a {@link RelyingPartyError} without tokens or bodies in it.
 *
 * @param code - the code for a response that is malformed
 * @param doing - what was going on, such as `the token request`
 */
export function translateError(error: unknown, code: ErrorCode, doing: string): RelyingPartyError {
  const own = causes(error).find((cause) => cause instanceof RelyingPartyError)
  if (own) return own
  if (error instanceof JwtError) return fromJwtError(error, code, doing)
  if (error instanceof openid.ResponseBodyError) return fromErrorResponse(error, doing)
  if (error instanceof openid.WWWAuthenticateChallengeError) return clientRefused(doing, { status: error.status })
  return fromRefusal(error, code, doing)
}

function fromJwtError(error: JwtError, code: ErrorCode, doing: string): RelyingPartyError {
  const { claim, expected, actual, hint } = error
  return new RelyingPartyError(code, `${doing} failed: ${error.message}`, {
    cause: SECRET_CLAIMS.has(claim) ? { claim } : { claim, expected, actual },
    ...defined({ hint }),
  })
}

/** An error response of the token endpoint (RFC 6749 §5.2). */
function fromErrorResponse(error: openid.ResponseBodyError, doing: string): RelyingPartyError {
  const cause = errorParameters(error.error, error.error_description)
  if (error.error === 'invalid_client' || error.error === 'unauthorized_client') return clientRefused(doing, cause)
  return new RelyingPartyError(
    'ERR_TOKEN_REQUEST_REFUSED',
    `the provider refused ${doing}${cause.error ? ` (${cause.error})` : ''}; see \`cause\``,
    { cause },
  )
}

/** A response that openid-client found wrong: its status, form, or a claim. */
function fromRefusal(error: unknown, code: ErrorCode, doing: string): RelyingPartyError {
  const chain = causes(error)
  const response = chain.find((cause) => cause instanceof Response)
  const atTokenEndpoint = code === 'ERR_TOKEN_RESPONSE_INVALID'
  if (atTokenEndpoint && (response?.status === 401 || response?.status === 403)) {
    return clientRefused(doing, { status: response.status })
  }
  const comparison = chain.find((cause): cause is Comparison => isComparison(cause))
  if (comparison) {
    const { claim, expected, claims } = comparison
    return new RelyingPartyError('ERR_ID_TOKEN_INVALID', `${doing} failed: the claim ${claim} is not as expected`, {
      cause: SECRET_CLAIMS.has(claim) ? { claim } : { claim, expected, actual: claims?.[claim] },
    })
  }
  const refused = chain.find((cause): cause is AlgorithmRefusal => isAlgorithmRefusal(cause))
  if (refused) {
    const { header, expected } = refused
    return new RelyingPartyError(
      'ERR_ID_TOKEN_INVALID',
      `${doing} failed: the token is signed with an algorithm that is not accepted`,
      {
        cause: { claim: 'alg', expected, actual: header.alg },
        hint: algorithmHint(header.alg, [expected].flat(), 'idTokenSigningAlg'),
      },
    )
  }
  // A SyntaxError quotes what it could not parse, which may be a token.
  const told = chain.findLast((cause): cause is Error => cause instanceof Error && !(cause instanceof SyntaxError))
  const message = told?.message ?? 'the response cannot be parsed'
  return new RelyingPartyError(
    codeOf(chain, message, code),
    `${doing} failed: ${message}${response ? ` (status ${response.status})` : ''}`,
  )
}

/** The codes of openid-client for metadata without an endpoint that is needed, or with one of the wrong scheme. */
const METADATA_CODES = new Set<unknown>([
  'OAUTH_MISSING_SERVER_METADATA',
  'OAUTH_INVALID_SERVER_METADATA',
  'OAUTH_HTTP_REQUEST_FORBIDDEN',
  'OAUTH_REQUEST_PROTOCOL_FORBIDDEN',
])

function codeOf(chain: readonly unknown[], message: string, code: ErrorCode): ErrorCode {
  if (chain.some((cause) => cause instanceof Error && 'code' in cause && METADATA_CODES.has(cause.code))) {
    return 'ERR_METADATA_INVALID'
  }
  return code === 'ERR_TOKEN_RESPONSE_INVALID' && /JWT|JWS|ID Token/.test(message) ? 'ERR_ID_TOKEN_INVALID' : code
}

interface Comparison {
  claim: string
  expected?: unknown
  claims?: Record<string, unknown>
}

function isComparison(value: unknown): value is Comparison {
  return typeof value === 'object' && value !== null && 'claim' in value && typeof value.claim === 'string'
}

/** What openid-client says of an ID token that is signed with another algorithm than the registered one. */
interface AlgorithmRefusal {
  header: { alg: unknown }
  expected: string | string[]
}

function isAlgorithmRefusal(value: unknown): value is AlgorithmRefusal {
  if (typeof value !== 'object' || value === null || !('header' in value) || !('expected' in value)) return false
  return typeof value.header === 'object' && value.header !== null && 'alg' in value.header
}

function clientRefused(doing: string, cause: object): RelyingPartyError {
  return new RelyingPartyError(
    'ERR_CLIENT_REFUSED',
    `the provider refused this application's credentials in ${doing}: check clientId, clientSecret and clientAuth ` +
      "(a provider that does not decode HTTP Basic credentials needs clientAuth: 'client_secret_post')",
    { cause },
  )
}

/** How much of a description is read: what is shown of it is shorter. In characters. */
const MAX_READ = 1000

/** The longest description that is shown. In characters. */
const MAX_SHOWN = 200

/**
 * Takes an error code and description from outside: the code only in its RFC 6749 form, the description shortened and
 * without what may be a token, since some providers repeat the request.
 */
export function errorParameters(error: unknown, description: unknown): { error?: string; error_description?: string } {
  return defined({
    error: typeof error === 'string' && /^[\w.-]{1,64}$/.test(error) ? error : undefined,
    error_description: typeof description === 'string' && description !== '' ? plainText(description) : undefined,
  })
}

/** It is cut before anything looks for a token in it. A last word that the cut may have split goes too. */
function plainText(description: string): string {
  const isCut = description.length > MAX_READ
  const text = description.slice(0, MAX_READ).replace(/[^\x20-\x7e]/g, ' ')
  const words = text.split(/([^\w~+=-])/)
  if (isCut) words.pop()
  return words
    .map((word) => (isTokenLike(word) ? '[…]' : word))
    .join('')
    .slice(0, MAX_SHOWN)
}

/** What may be a token or a code in the text of a provider: a long run of its characters with a digit in it. */
function isTokenLike(word: string): boolean {
  return word.length >= 20 && /\d/.test(word)
}

function causes(error: unknown): unknown[] {
  const chain: unknown[] = []
  for (let at = error; at !== undefined && at !== null && chain.length < 6; ) {
    chain.push(at)
    at = at instanceof Error ? at.cause : undefined
  }
  return chain
}
