import * as openid from 'openid-client'
import { RelyingPartyError } from '../errors.js'
import { JwtError } from '../jwt/jws.js'
import { toList } from '../lib/list.js'
import type { Provider } from '../provider/provider.js'
import { translateError } from '../provider/translate.js'
import { type RefusalOf, refusalOf } from './grantRefusal.js'
import { type HashExpectation, type IdTokenClaims, verifyIdToken } from './idToken.js'
import { type Transaction, transactionValues } from './transaction.js'

/** A token whose lifetime the provider does not tell is used for this long. In seconds. */
export const UNTOLD_LIFETIME = 300

/** The tokens of a login, judged. The implicit flow gives an ID token alone. */
export interface LoginTokens {
  readonly accessToken?: string
  /** In lower case, such as `bearer`. */
  readonly tokenType?: string
  readonly refreshToken?: string
  readonly idToken?: string
  /** The granted scopes: those of the response, or those asked for where it names none (RFC 6749 §5.1). */
  readonly scopes: readonly string[]
  /** In seconds from now, where the response says. */
  readonly expiresIn?: number
}

/** Tokens as the token endpoint gave them, judged. */
export interface TokenSet extends LoginTokens {
  readonly accessToken: string
  readonly tokenType: string
}

/**
 * Exchanges an authorization code for tokens and judges the response: form, ID token, then its signature.
 *
 * @throws `ERR_TOKEN_REQUEST_REFUSED`, `ERR_CLIENT_REFUSED`, `ERR_TOKEN_RESPONSE_INVALID`, `ERR_ID_TOKEN_INVALID`,
 *   `ERR_PROVIDER_UNAVAILABLE`
 * @see [RFC 6749 §4.1.3](https://www.rfc-editor.org/rfc/rfc6749#section-4.1.3)
 */
export async function exchangeCode(
  provider: Provider,
  transaction: Transaction,
  response: { code: string; iss?: string | undefined; redirectUri: string },
): Promise<{ tokens: TokenSet; claims: IdTokenClaims }> {
  const configuration = await provider.configuration()
  const { nonce, codeVerifier } = transactionValues(transaction)
  const url = new URL(response.redirectUri)
  url.search = new URLSearchParams({
    code: response.code,
    ...(response.iss === undefined ? {} : { iss: response.iss }),
  }).toString()
  try {
    const answer = await openid.authorizationCodeGrant(configuration, url, {
      expectedNonce: nonce,
      pkceCodeVerifier: codeVerifier,
      idTokenExpected: true,
      ...(transaction.maxAge === undefined ? {} : { maxAge: transaction.maxAge }),
    })
    const tokens = toTokenSet(answer, transaction.scope ?? provider.options.scope)
    const claims = await verifyIdToken(tokens.idToken as string, {
      ...(await expectations(provider)),
      nonce,
      maxAge: transaction.maxAge,
      acr: transaction.acr,
      hashes: [atHash(tokens)],
    })
    return { tokens, claims }
  } catch (error) {
    const code = error instanceof JwtError ? 'ERR_ID_TOKEN_INVALID' : 'ERR_TOKEN_RESPONSE_INVALID'
    throw translateError(
      error,
      code,
      error instanceof JwtError ? 'the check of the ID token' : 'the token request',
      provider.errorContext(response.code, codeVerifier),
    )
  }
}

/** What a token is asked for. */
export interface TokenScope {
  /** Separated by spaces; empty for the provider's default. */
  readonly scope: string
  /** The APIs, by their URIs (RFC 8707). */
  readonly resource: readonly string[]
}

/** Gives the parameters `scope` and `resource`, the latter once for each. */
export function scopeParameters({ scope, resource }: TokenScope): URLSearchParams {
  const parameters = new URLSearchParams(scope ? { scope } : {})
  for (const uri of resource) parameters.append('resource', uri)
  return parameters
}

/** What a refresh has to leave as it was. */
export interface RefreshedIdentity {
  readonly issuer: string
  readonly subject: string
}

/**
 * Gets the metadata, and the keys that a refreshed ID token is likely to need, into the caches.
 *
 * Between a provider's answer to a refresh and its storing nothing else should be waited for: what is lost then, the
 * provider does not give again.
 *
 * @throws `ERR_PROVIDER_UNAVAILABLE`, `ERR_METADATA_INVALID`
 */
export async function prepareRefresh(provider: Provider): Promise<void> {
  await provider.configuration()
  const { jwks_uri } = await provider.metadata()
  if (jwks_uri !== undefined) await provider.keySource({ alg: provider.options.idTokenSigningAlg })
}

/**
 * Refreshes tokens and judges the response. A refreshed ID token must keep `iss`, `sub` and `aud`.
 *
 * @param asked - asks for a token of fewer scopes, or for other APIs, than those of the grant
 * @throws as {@link exchangeCode}; `ERR_SESSION_ENDED` when the provider no longer accepts the refresh token
 * @see [RFC 6749 §6](https://www.rfc-editor.org/rfc/rfc6749#section-6)
 * @see [OpenID Connect Core §12.2](https://openid.net/specs/openid-connect-core-1_0.html#RefreshTokenResponse)
 */
export async function refreshTokens(
  provider: Provider,
  current: { refreshToken: string; scopes: readonly string[] },
  identity: RefreshedIdentity,
  asked: TokenScope = { scope: '', resource: [] },
): Promise<{ tokens: TokenSet; claims?: IdTokenClaims }> {
  try {
    const configuration = await provider.configuration()
    const answer = await openid.refreshTokenGrant(configuration, current.refreshToken, scopeParameters(asked))
    const tokens = toTokenSet(answer, asked.scope || current.scopes.join(' '))
    if (tokens.idToken === undefined) return { tokens }
    const claims = await verifyIdToken(tokens.idToken, {
      ...(await expectations(provider)),
      issuer: identity.issuer,
      hashes: [atHash(tokens)],
    })
    if (claims.sub !== identity.subject) {
      throw new JwtError('sub changed in a refresh', 'sub', { expected: identity.subject, actual: claims.sub })
    }
    return { tokens, claims }
  } catch (error) {
    const refusal = await refusalOf(error)
    if (isGrantGone(error, refusal, asked)) throw grantGone()
    if (refusal === 'outage') throw new RelyingPartyError('ERR_PROVIDER_UNAVAILABLE', 'the provider is unavailable')
    const code = error instanceof JwtError ? 'ERR_ID_TOKEN_INVALID' : 'ERR_TOKEN_RESPONSE_INVALID'
    throw translateError(error, code, 'the refresh', provider.errorContext(current.refreshToken))
  }
}

/**
 * A request for another API or fewer scopes may be refused for what it asks. Only `invalid_grant` is about the grant then;
 * the session's own refresh finds out the rest.
 */
function isGrantGone(error: unknown, refusal: RefusalOf | undefined, { scope, resource }: TokenScope): boolean {
  if (scope === '' && resource.length === 0) return refusal === 'grant'
  return error instanceof openid.ResponseBodyError && error.error === 'invalid_grant'
}

function grantGone(): RelyingPartyError {
  return new RelyingPartyError('ERR_SESSION_ENDED', 'the session has ended: sign in again', {
    hint: 'the provider no longer accepts the refresh token: it has expired, was revoked, or was used twice',
  })
}

/** `at_hash` is optional in an ID token of the token endpoint (OpenID Connect Core §3.1.3.6, §3.3.3.6). */
export function atHash({ accessToken }: TokenSet): HashExpectation {
  return { claim: 'at_hash', value: accessToken, required: false }
}

/** What the provider's options ask of the user's authentication, for flows without an authorization request. */
export function authenticationExpectations({ options }: Provider) {
  const { maxAge, acrEssential, acrValues } = options
  return { maxAge, acr: acrEssential ? acrValues : undefined }
}

/** What every ID token of a provider must hold up to. */
export async function expectations(provider: Provider) {
  const { issuer } = await provider.metadata()
  const { clientId, idTokenSigningAlg } = provider.options
  return {
    issuer,
    clientId,
    algorithm: idTokenSigningAlg,
    keys: provider.keySource,
    clockTolerance: provider.clockTolerance,
  }
}

/** Takes what is used of a token response. */
export function toTokenSet(response: openid.TokenEndpointResponse, requestedScope: string): TokenSet {
  requireLengths(response)
  return {
    accessToken: response.access_token,
    tokenType: response.token_type,
    scopes: Object.freeze(toList(response.scope ?? requestedScope)),
    ...(response.refresh_token === undefined ? {} : { refreshToken: response.refresh_token }),
    ...(response.id_token === undefined ? {} : { idToken: response.id_token }),
    ...(response.expires_in === undefined ? {} : { expiresIn: response.expires_in }),
  }
}

/** The longest token that is taken, in characters: what is longer fits no header and no session. */
const MAX_TOKEN = 65_536

function requireLengths({ access_token, refresh_token, id_token, token_type }: openid.TokenEndpointResponse): void {
  if ([access_token, refresh_token, id_token, token_type].some((value) => (value?.length ?? 0) > MAX_TOKEN)) {
    throw new RelyingPartyError('ERR_TOKEN_RESPONSE_INVALID', 'a token of the response is too long')
  }
}
