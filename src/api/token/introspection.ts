import type { CustomFetch } from 'openid-client'
import { RelyingPartyError } from '../../errors.js'
import { JwtError, type KeySource, verifySignature } from '../../jwt/jws.js'
import { basicCredentials } from '../../lib/basicCredentials.js'
import { parseObject } from '../../lib/json.js'
import { quote } from '../../lib/quote.js'
import {
  type AccessTokenExpectations,
  checkAudience,
  checkSubject,
  checkTimes,
  isAccessTokenUse,
  type Refusal,
} from './claims.js'
import type { TrustedIssuer } from './issuers.js'
import { type Verdict, verified } from './verify.js'

type Claims = Readonly<Record<string, unknown>>

/** How this resource server introspects tokens. */
export interface Introspection {
  readonly clientId: string
  readonly clientSecret: string
  readonly clientAuth: 'client_secret_basic' | 'client_secret_post'
  /** The URL of the endpoint. Default is that in the issuer's metadata. */
  readonly endpoint: string | undefined
  /** Whether the response must be signed (RFC 9701). */
  readonly signedResponse: boolean
  readonly allowMissingAudience: boolean
}

/** The longest accepted response. In bytes. */
const MAX_RESPONSE = 65_536

const SIGNED = 'application/token-introspection+jwt'

/**
 * Asks the issuer about a token, and checks the response like the claims of a JWT.
 *
 * @throws `ERR_INTROSPECTION_INVALID`, `ERR_CLIENT_REFUSED`, `ERR_PROVIDER_UNAVAILABLE`, `ERR_METADATA_INVALID`
 * @see [RFC 7662](https://www.rfc-editor.org/rfc/rfc7662)
 */
export async function introspect(
  fetch: CustomFetch,
  issuer: TrustedIssuer,
  options: Introspection,
  token: string,
  expected: AccessTokenExpectations,
): Promise<Verdict> {
  const endpoint = options.endpoint ?? (await issuer.server.endpoint('introspection_endpoint'))
  const response = await request(fetch, endpoint, options, token)
  const claims = options.signedResponse ? await readSigned(response, issuer, options) : readPlain(response)
  const { active, ...rest } = claims
  const refusal = active === true ? checkClaims(rest, issuer, options, expected) : INACTIVE
  return refusal ?? verified({ ...rest, iss: issuer.server.issuer }, expected)
}

const INACTIVE: Refusal = { message: 'it has expired, was revoked, or is unknown to its issuer', claim: 'active' }

/** Checks whether a token was refused because it is inactive, rather than not for this API. */
export function isInactive(verdict: Verdict): boolean {
  return verdict === INACTIVE
}

async function request(
  fetch: CustomFetch,
  endpoint: string,
  { clientId, clientSecret, clientAuth, signedResponse }: Introspection,
  token: string,
): Promise<{ contentType: string; body: string }> {
  const parameters = new URLSearchParams({ token, token_type_hint: 'access_token' })
  const headers: Record<string, string> = {
    accept: signedResponse ? SIGNED : 'application/json',
    'content-type': 'application/x-www-form-urlencoded',
  }
  if (clientAuth === 'client_secret_post') {
    parameters.set('client_id', clientId)
    parameters.set('client_secret', clientSecret)
  } else {
    headers.authorization = basicCredentials(clientId, clientSecret)
  }
  const response = await fetch(endpoint, { method: 'POST', headers, body: parameters, redirect: 'manual' })
  if (response.status === 401 || response.status === 403) {
    throw new RelyingPartyError(
      'ERR_CLIENT_REFUSED',
      "the introspection endpoint refused this application's credentials",
      {
        cause: { status: response.status },
        hint: 'check clientId, clientSecret and clientAuth of resourceServer.introspection',
      },
    )
  }
  if (response.status !== 200) throw invalid(`the endpoint responded with status ${response.status}`)
  const body = await response.text()
  if (Buffer.byteLength(body) > MAX_RESPONSE) throw invalid('the response is longer than 64 KiB')
  const [contentType = ''] = (response.headers.get('content-type') ?? '').toLowerCase().split(';')
  return { contentType: contentType.trim(), body }
}

function readPlain({ body }: { body: string }): Claims {
  const claims = parseObject(body)
  if (!claims) throw invalid('the answer is not a JSON object')
  return claims
}

/** @see [RFC 9701 §5](https://www.rfc-editor.org/rfc/rfc9701#section-5) */
async function readSigned(
  { contentType, body }: { contentType: string; body: string },
  issuer: TrustedIssuer,
  { clientId }: Introspection,
): Promise<Claims> {
  if (contentType !== SIGNED) throw invalid('the response is not signed')
  const keys: KeySource = async (header, tried) => (await issuer.keysFor(header, tried)).map(({ key }) => key)
  try {
    const { header, payload } = await verifySignature(body, { algorithms: issuer.algorithms, keys })
    if (header.typ !== 'token-introspection+jwt') throw new JwtError('typ is not that of an introspection', 'typ')
    if (payload.iss !== issuer.server.issuer) throw new JwtError('iss is another issuer', 'iss')
    if (![payload.aud].flat().includes(clientId)) throw new JwtError('aud is not this client', 'aud')
    const claims = payload.token_introspection
    if (typeof claims === 'object' && claims !== null && !Array.isArray(claims)) return claims as Claims
    throw new JwtError('token_introspection is not an object', 'token_introspection')
  } catch (error) {
    if (error instanceof JwtError) throw invalid(error.message, { claim: error.claim })
    throw error
  }
}

function checkClaims(
  claims: Claims,
  issuer: TrustedIssuer,
  { allowMissingAudience }: Introspection,
  expected: AccessTokenExpectations,
): Refusal | undefined {
  const { iss, aud, token_type, token_use, typ } = claims
  const { issuer: trusted } = issuer.server
  if (iss !== undefined && iss !== trusted) {
    const hint = `iss is ${quote(iss)}, the introspected issuer is ${quote(trusted)}`
    return {
      message: 'the issuer of the token is not trusted here',
      hint,
      claim: 'iss',
      expected: trusted,
      actual: iss,
    }
  }
  if (token_type !== undefined && !isAccessTokenType(token_type)) {
    return { message: 'it is not an access token', hint: `token_type is ${quote(token_type)}`, claim: 'token_type' }
  }
  if (!isAccessTokenUse(token_use)) {
    return { message: 'it is not an access token', hint: `token_use is ${quote(token_use)}`, claim: 'token_use' }
  }
  // Keycloak introspects its ID and refresh tokens too, and calls them active.
  if (typeof typ === 'string' && /^(?:id|refresh|offline|logout)$/i.test(typ)) {
    return { message: 'it is not an access token', hint: `typ is ${quote(typ)}`, claim: 'typ' }
  }
  const audience = aud === undefined && allowMissingAudience ? undefined : checkAudience(claims, expected)
  return checkSubject(claims) ?? audience ?? checkTimes(claims, expected, { expRequired: false })
}

/** Case-insensitive (RFC 6749 §5.1). */
function isAccessTokenType(type: unknown): boolean {
  return typeof type === 'string' && /^(bearer|dpop)$/i.test(type)
}

function invalid(problem: string, cause?: unknown): RelyingPartyError {
  return new RelyingPartyError('ERR_INTROSPECTION_INVALID', `the introspection failed: ${problem}`, {
    cause,
    hint: 'check resourceServer.introspection: its endpoint must respond as in RFC 7662, or with signedResponse as in RFC 9701',
  })
}
