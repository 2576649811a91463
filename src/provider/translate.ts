import * as openid from 'openid-client'
import { type ErrorCode, RelyingPartyError } from '../errors.js'
import { algorithmHint, JwtError } from '../jwt/jws.js'
import { defined } from '../lib/defined.js'
import { quote } from '../lib/quote.js'
import { createRedactor } from '../lib/redact.js'
import { descriptionHint, errorParameters, redactDeep } from './errorText.js'

/** Claims whose values are not shown in errors. */
const SECRET_CLAIMS = new Set(['nonce', 'at_hash', 'c_hash', 's_hash'])

const TIME_CLAIMS = new Set(['exp', 'iat', 'nbf', 'auth_time'])

/** The fix for a token response without ID token. */
export const NO_ID_TOKEN =
  'the token response has no ID token: an OpenID Provider sends one if scope includes openid. For a server ' +
  'that supports only OAuth 2.0, use defineProvider()'

/** What is known beside an error itself. */
export interface ErrorContext {
  /** Secrets that were sent. They are removed from the error. */
  readonly secrets: readonly (string | undefined)[]
  /** How far the provider's clock is ahead of this host's, if known. In seconds. */
  readonly clockDifference: number | undefined
}

/**
 * Converts an error of openid-client or a JWT check to a {@link RelyingPartyError} that contains no token or body.
 *
 * @param code - the code for a malformed response
 * @param doing - what was in progress, such as `the token request`
 */
export function translateError(
  error: unknown,
  code: ErrorCode,
  doing: string,
  context: ErrorContext = { secrets: [], clockDifference: undefined },
): RelyingPartyError {
  const own = causes(error).find((cause) => cause instanceof RelyingPartyError)
  if (own) return own
  return withoutSecrets(translate(error, code, doing, context), context)
}

function translate(error: unknown, code: ErrorCode, doing: string, context: ErrorContext): RelyingPartyError {
  if (error instanceof JwtError) return fromJwtError(error, code, doing, context)
  if (error instanceof openid.ResponseBodyError) return fromErrorResponse(error, doing)
  if (error instanceof openid.WWWAuthenticateChallengeError) return clientRefused(doing, { status: error.status })
  return fromRefusal(error, code, doing, context)
}

function withoutSecrets(error: RelyingPartyError, { secrets }: ErrorContext): RelyingPartyError {
  const redact = createRedactor(secrets)
  if (redact.longest === 0) return error
  const { code, status, headers, hint } = error
  return new RelyingPartyError(code, redact(error.message), {
    status,
    headers: { ...headers },
    ...defined({
      cause: error.cause === undefined ? undefined : redactDeep(error.cause, redact),
      hint: hint === undefined ? undefined : redact(hint),
    }),
  })
}

function fromJwtError(error: JwtError, code: ErrorCode, doing: string, context: ErrorContext): RelyingPartyError {
  const { claim, expected, actual } = error
  const hint = claimHint(claim, expected, actual, context)
  // Whose clock is wrong is known only by comparison with the provider's.
  const isComparedTime = TIME_CLAIMS.has(claim) && expected !== undefined
  return new RelyingPartyError(code, `${doing} failed: ${error.message}`, {
    cause: SECRET_CLAIMS.has(claim) ? { claim } : { claim, expected, actual },
    ...defined({ hint: isComparedTime ? (hint ?? error.hint) : (error.hint ?? hint) }),
  })
}

/** Explains why a claim of an ID token is refused: its value, and the option to check. */
function claimHint(
  claim: string,
  expected: unknown,
  actual: unknown,
  { clockDifference }: ErrorContext,
): string | undefined {
  const shown = actual === undefined ? 'nothing' : quote(actual)
  switch (claim) {
    case 'aud':
    case 'azp':
      if (expected === undefined || actual === undefined) return AZP_MISSING
      return `${claim} is ${shown}, and clientId is ${quote(expected)}: set clientId to the identifier that the provider gave this application`
    case 'iss':
      return `iss is ${shown}, and the provider's metadata says ${quote(expected)}: set issuer to the one that signs the tokens`
    case 'exp':
    case 'iat':
    case 'nbf':
    case 'auth_time':
      return clockDifference === undefined ? undefined : clockHint(clockDifference)
    default:
      return undefined
  }
}

const AZP_MISSING =
  'azp, or aud, is missing: if aud lists several clients, azp has to be clientId. The provider has to set both'

/** A `Date` header has whole seconds and takes time to arrive. In seconds. */
const CLOCK_NOISE = 5

function clockHint(difference: number): string {
  const seconds = Math.abs(Math.round(difference))
  if (seconds < CLOCK_NOISE)
    return 'the clocks of this host and the provider agree, so the times in the token are wrong'
  const order = difference > 0 ? 'behind' : 'ahead of'
  return (
    `the clock of this host is ${seconds} s ${order} that of the provider, according to the Date header of its response: ` +
    'synchronize it, or raise clockTolerance'
  )
}

/** An error response of the token endpoint (RFC 6749 §5.2). */
function fromErrorResponse(error: openid.ResponseBodyError, doing: string): RelyingPartyError {
  const cause = errorParameters(error.error, error.error_description)
  if (error.error === 'invalid_client' || error.error === 'unauthorized_client') return clientRefused(doing, cause)
  return new RelyingPartyError(
    'ERR_TOKEN_REQUEST_REFUSED',
    `the provider refused ${doing}${cause.error ? ` (${cause.error})` : ''}`,
    { cause, ...defined({ hint: descriptionHint(cause) }) },
  )
}

/** A response that openid-client refused for its status, form, or a claim. */
function fromRefusal(error: unknown, code: ErrorCode, doing: string, context: ErrorContext): RelyingPartyError {
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
      ...defined({ hint: claimHint(claim, expected, claims?.[claim], context) }),
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
  const shown = chain.findLast((cause): cause is Error => cause instanceof Error && !(cause instanceof SyntaxError))
  const message = shown?.message ?? 'the response cannot be parsed'
  if (isMetadataProblem(chain)) {
    return new RelyingPartyError('ERR_METADATA_INVALID', `${doing} failed: the provider's metadata cannot be used`, {
      hint: `${message}. If issuer is the right provider, set its endpoints in the option metadata`,
    })
  }
  return new RelyingPartyError(codeOf(message, code), `${doing} failed: the provider's response cannot be used`, {
    hint: LACKS_ID_TOKEN.test(message) ? NO_ID_TOKEN : `${message}${response ? ` (status ${response.status})` : ''}`,
  })
}

/** openid-client's message for a token response without ID token. */
const LACKS_ID_TOKEN = /body "id_token" property must be/

/** openid-client's codes for metadata that lacks a required endpoint, or has one with the wrong scheme. */
const METADATA_CODES = new Set<unknown>([
  'OAUTH_MISSING_SERVER_METADATA',
  'OAUTH_INVALID_SERVER_METADATA',
  'OAUTH_HTTP_REQUEST_FORBIDDEN',
  'OAUTH_REQUEST_PROTOCOL_FORBIDDEN',
])

function isMetadataProblem(chain: readonly unknown[]): boolean {
  return chain.some((cause) => cause instanceof Error && 'code' in cause && METADATA_CODES.has(cause.code))
}

function codeOf(message: string, code: ErrorCode): ErrorCode {
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

/** openid-client's cause for an ID token whose algorithm is not the registered one. */
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
    `the provider refused this application's credentials in ${doing}`,
    {
      cause,
      hint:
        'check clientId, clientSecret and clientAuth (a provider that does not decode HTTP Basic credentials needs ' +
        "clientAuth: 'client_secret_post')",
    },
  )
}

function causes(error: unknown): unknown[] {
  const chain: unknown[] = []
  for (let at = error; at !== undefined && at !== null && chain.length < 6; ) {
    chain.push(at)
    at = at instanceof Error ? at.cause : undefined
  }
  return chain
}
