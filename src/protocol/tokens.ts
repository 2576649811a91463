import * as openid from 'openid-client'
import { RelyingPartyError } from '../errors.js'
import { JwtError } from '../jwt/jws.js'
import { defined } from '../lib/defined.js'
import type { SendOptions } from '../lib/http/httpOptions.js'
import { toList } from '../lib/list.js'
import type { Provider } from '../provider/provider.js'
import { ID_TOKEN } from '../provider/responses.js'
import { NO_ID_TOKEN, translateError } from '../provider/translate.js'
import { type RefusalOf, refusalOf } from './grantRefusal.js'
import { type HashExpectation, type IdTokenClaims, type IdTokenExpectations, verifyIdToken } from './idToken.js'
import { type Transaction, transactionValues } from './transaction.js'

/** How long a token is used if the response has no `expires_in`. In seconds. */
export const DEFAULT_LIFETIME = 300

/** The tokens of a login, checked. In the implicit flow there is only an ID token. */
export interface LoginTokens {
  readonly accessToken?: string
  /** In lower case, such as `bearer`. */
  readonly tokenType?: string
  readonly refreshToken?: string
  readonly idToken?: string
  /** The granted scopes: those of the response, or those requested if it has none (RFC 6749 §5.1). */
  readonly scopes: readonly string[]
  /** From `expires_in`. In seconds. */
  readonly expiresIn?: number
  /** The members of the token response, without its tokens. Absent in the implicit flow. */
  readonly response?: Readonly<Record<string, unknown>>
}

/** The tokens of a token response, checked. */
export interface TokenSet extends LoginTokens {
  readonly accessToken: string
  readonly tokenType: string
}

/**
 * Exchanges an authorization code for tokens and checks the response, then verifies its ID token. An OAuth 2.0 provider
 * sends none.
 *
 * @throws `ERR_TOKEN_REQUEST_REFUSED`, `ERR_CLIENT_REFUSED`, `ERR_TOKEN_RESPONSE_INVALID`, `ERR_ID_TOKEN_INVALID`,
 *   `ERR_PROVIDER_UNAVAILABLE`
 * @see [RFC 6749 §4.1.3](https://www.rfc-editor.org/rfc/rfc6749#section-4.1.3)
 */
export async function exchangeCode(
  provider: Provider,
  transaction: Transaction,
  response: { code: string; redirectUri: string },
): Promise<{ tokens: TokenSet; claims: IdTokenClaims | undefined }> {
  const { nonce, codeVerifier } = transactionValues(transaction)
  const { pkce, nonce: sendsNonce, scope } = provider.options
  try {
    const configuration = await provider.configuration()
    const { issuer } = await provider.metadata()
    const url = new URL(response.redirectUri)
    // The iss of the response has been checked; openid-client knows one issuer only.
    url.search = new URLSearchParams({ code: response.code, iss: issuer }).toString()
    const checks = pkce === 'refused' ? {} : { pkceCodeVerifier: codeVerifier }
    const tokens = toTokenSet(
      await openid.authorizationCodeGrant(configuration, url, checks),
      transaction.scope ?? scope,
    )
    if (!provider.hasIdTokens) return { tokens, claims: undefined }
    const claims = await verifyProviderIdToken(provider, requireIdToken(tokens), {
      nonce: sendsNonce ? nonce : null,
      maxAge: transaction.maxAge,
      acr: transaction.acr,
      hashes: [atHash(tokens)],
    })
    return { tokens, claims }
  } catch (error) {
    throw tokenError(provider, error, 'the token request', response.code, codeVerifier)
  }
}

/**
 * Explains why a token request failed.
 *
 * @param doing - what was in progress, such as `the token request`
 * @param sent - the secrets of the request
 */
export function tokenError(
  provider: Provider,
  error: unknown,
  doing: string,
  ...sent: readonly string[]
): RelyingPartyError {
  const context = provider.errorContext(...sent)
  if (error instanceof JwtError) {
    return translateError(error, 'ERR_ID_TOKEN_INVALID', 'the check of the ID token', context)
  }
  return translateError(error, 'ERR_TOKEN_RESPONSE_INVALID', doing, context)
}

/**
 * Verifies the ID token of a flow without an authorization request, against the provider's options. An OAuth 2.0 provider
 * sends none.
 *
 * @throws `ERR_TOKEN_RESPONSE_INVALID` if there is none
 * @throws {JwtError}
 */
export async function verifyDirectIdToken(provider: Provider, tokens: TokenSet): Promise<IdTokenClaims | undefined> {
  if (!provider.hasIdTokens) return undefined
  const { maxAge, acrEssential, acrValues } = provider.options
  return verifyProviderIdToken(provider, requireIdToken(tokens), {
    maxAge,
    acr: acrEssential ? acrValues : undefined,
    hashes: [atHash(tokens)],
  })
}

function requireIdToken({ idToken }: TokenSet): string {
  if (idToken !== undefined) return idToken
  throw new RelyingPartyError('ERR_TOKEN_RESPONSE_INVALID', 'the token response has no ID token', {
    hint: NO_ID_TOKEN,
  })
}

/** What a token is requested for. */
export interface TokenScope {
  /** Separated by spaces; empty for the provider's default. */
  readonly scope: string
  /** The APIs, by their URIs (RFC 8707). */
  readonly resource: readonly string[]
}

/** Returns the parameters `scope` and `resource`, the latter once for each API. */
export function scopeParameters({ scope, resource }: TokenScope): URLSearchParams {
  const parameters = new URLSearchParams(scope ? { scope } : {})
  for (const uri of resource) parameters.append('resource', uri)
  return parameters
}

/** The user of a session, whom a refresh must not change. */
interface RefreshedIdentity {
  readonly issuer: string
  readonly subject: string
}

/**
 * Caches the metadata, and the keys that a refreshed ID token is likely to need.
 *
 * Nothing else should take time between the response to a refresh and storing it: the provider does not send lost tokens
 * again.
 *
 * @throws `ERR_PROVIDER_UNAVAILABLE`, `ERR_METADATA_INVALID`
 */
export async function prepareRefresh(provider: Provider): Promise<void> {
  await provider.configuration()
  const { jwks_uri } = await provider.metadata()
  if (jwks_uri !== undefined) await provider.keySource({ alg: provider.options.idTokenSigningAlg })
}

/**
 * Refreshes tokens and checks the response. A refreshed ID token must keep `iss`, `sub` and `aud`.
 *
 * @param requested - requests a token with fewer scopes or other APIs than those of the grant
 * @param sending - how long the provider may take, and a last check before the refresh token is sent
 * @throws as {@link exchangeCode}; `ERR_SESSION_ENDED` when the provider no longer accepts the refresh token
 * @see [RFC 6749 §6](https://www.rfc-editor.org/rfc/rfc6749#section-6)
 * @see [OpenID Connect Core §12.2](https://openid.net/specs/openid-connect-core-1_0.html#RefreshTokenResponse)
 */
export async function refreshTokens(
  provider: Provider,
  current: { refreshToken: string; scopes: readonly string[] },
  identity: RefreshedIdentity,
  requested: TokenScope = { scope: '', resource: [] },
  sending?: SendOptions,
): Promise<{ tokens: TokenSet; claims?: IdTokenClaims }> {
  try {
    const configuration = await provider.configuration(sending)
    const response = await openid.refreshTokenGrant(configuration, current.refreshToken, scopeParameters(requested))
    const tokens = toTokenSet(response, requested.scope || current.scopes.join(' '))
    if (tokens.idToken === undefined) return { tokens }
    const claims = await verifyProviderIdToken(provider, tokens.idToken, { hashes: [atHash(tokens)] })
    if (claims.iss !== identity.issuer) {
      const { issuer: expected } = identity
      throw new JwtError('iss changed in a refresh', 'iss', { expected, actual: claims.iss })
    }
    if (claims.sub !== identity.subject) {
      throw new JwtError('sub changed in a refresh', 'sub', { expected: identity.subject, actual: claims.sub })
    }
    return { tokens, claims }
  } catch (error) {
    const refusal = await refusalOf(error)
    if (isGrantGone(error, refusal, requested)) throw grantGone()
    if (refusal === 'outage') throw new RelyingPartyError('ERR_PROVIDER_UNAVAILABLE', 'the provider is unavailable')
    throw tokenError(provider, error, 'the refresh', current.refreshToken)
  }
}

/**
 * A request for another API or fewer scopes may be refused for what it requests. Only `invalid_grant` is about the grant
 * then; the session's own refresh detects the rest.
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
function atHash({ accessToken }: TokenSet): HashExpectation {
  return { claim: 'at_hash', value: accessToken, required: false }
}

/**
 * Verifies an ID token against what every ID token of a provider must have, and what this one must have besides. The `iss`
 * of the result is never an alias.
 *
 * @throws {JwtError}
 */
export async function verifyProviderIdToken(
  provider: Provider,
  token: string,
  more: Pick<IdTokenExpectations, 'nonce' | 'maxAge' | 'acr' | 'hashes'>,
): Promise<IdTokenClaims> {
  const { clientId, idTokenSigningAlg, trustedAudiences } = provider.options
  const { issuer, canonical } = await provider.issuers()
  const claims = await verifyIdToken(token, {
    issuer,
    clientId,
    trustedAudiences,
    algorithm: idTokenSigningAlg,
    keys: provider.keySource,
    clockTolerance: provider.clockTolerance,
    ...more,
  })
  const iss = canonical(claims.iss)
  return iss === claims.iss ? claims : { ...claims, iss }
}

/** Converts a token response, without what is not used. */
export function toTokenSet(response: openid.TokenEndpointResponse, requestedScope: string): TokenSet {
  assertLengths(response)
  const { access_token, refresh_token, id_token: _checked, [ID_TOKEN]: idToken, ...others } = response
  if (idToken !== undefined && (typeof idToken !== 'string' || idToken === '')) {
    throw new RelyingPartyError('ERR_TOKEN_RESPONSE_INVALID', 'the ID token of the response is not a string', {
      hint: NO_ID_TOKEN,
    })
  }
  return {
    accessToken: access_token,
    tokenType: response.token_type,
    scopes: Object.freeze(toList(response.scope ?? requestedScope)),
    response: others,
    ...defined({ refreshToken: refresh_token, idToken, expiresIn: response.expires_in }),
  }
}

/** The longest accepted token: a longer one fits neither a header nor a session. In characters. `verifyIdToken` limits ID tokens. */
const MAX_TOKEN = 65_536

function assertLengths({ access_token, refresh_token, token_type }: openid.TokenEndpointResponse): void {
  if ([access_token, refresh_token, token_type].some((value) => (value?.length ?? 0) > MAX_TOKEN)) {
    throw new RelyingPartyError('ERR_TOKEN_RESPONSE_INVALID', 'a token of the response is too long', {
      hint: `a token may have ${MAX_TOKEN} characters: configure the provider to issue shorter ones, with fewer claims`,
    })
  }
}
