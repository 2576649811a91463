import { JwtError } from '../jwt/jws.js'
import type { Provider } from '../provider/provider.js'
import { translateError } from '../provider/translate.js'
import type { AuthorizationResponse } from './authorizationResponse.js'
import type { IdTokenClaims } from './idToken.js'
import { withEarlierExpiry } from './sessionExpiry.js'
import { exchangeCode, type LoginTokens, verifyProviderIdToken } from './tokens.js'
import { type Transaction, transactionValues } from './transaction.js'

/** An authentication: the tokens of a login, and the verified claims of their ID token. */
export interface Authentication {
  /** `undefined` for an OAuth 2.0 provider: `identify` finds out who the user is. */
  readonly claims: IdTokenClaims | undefined
  readonly tokens: LoginTokens
}

/**
 * Authenticates the user of an authorization response: verifies its ID token, exchanges its code, and checks that both are
 * about the same user.
 *
 * @throws as `exchangeCode`
 * @see [OpenID Connect Core §3.2.2.11](https://openid.net/specs/openid-connect-core-1_0.html#ImplicitIDTValidation)
 * @see [OpenID Connect Core §3.3.2.10](https://openid.net/specs/openid-connect-core-1_0.html#CodeValidation)
 */
export async function authenticate(
  provider: Provider,
  transaction: Transaction,
  response: AuthorizationResponse,
  redirectUri: string,
): Promise<Authentication> {
  const { code, idToken } = response
  const front = idToken === undefined ? undefined : await verifyFrontChannel(provider, transaction, idToken, response)
  if (code === undefined) return withoutAccessToken(front as IdTokenClaims, idToken as string)
  const { tokens, claims } = await exchangeCode(provider, transaction, { code, redirectUri })
  if (!front || !claims) return { tokens, claims }
  assertAgreement(front, claims, transaction)
  return { tokens, claims: withEarlierExpiry(claims, front) }
}

/**
 * Verifies an ID token from the browser. Next to a code it must contain `c_hash`. `s_hash` is checked if present; OpenID
 * Connect Core does not require it.
 */
async function verifyFrontChannel(
  provider: Provider,
  transaction: Transaction,
  idToken: string,
  { code, state }: AuthorizationResponse,
): Promise<IdTokenClaims> {
  const { nonce } = transactionValues(transaction)
  try {
    return await verifyProviderIdToken(provider, idToken, {
      nonce: provider.options.nonce ? nonce : null,
      maxAge: transaction.maxAge,
      acr: transaction.acr,
      hashes: [
        { claim: 's_hash', value: state, required: false },
        ...(code === undefined ? [] : [{ claim: 'c_hash' as const, value: code, required: true }]),
      ],
    })
  } catch (error) {
    throw translateError(
      error,
      'ERR_ID_TOKEN_INVALID',
      'the check of the ID token from the authorization endpoint',
      provider.errorContext(code),
    )
  }
}

/** Scopes in a response from the browser are unverified. Only `openid` counts, which the ID token proves. */
function withoutAccessToken(claims: IdTokenClaims, idToken: string): Authentication {
  return { claims, tokens: { idToken, scopes: Object.freeze(['openid']) } }
}

/**
 * Throws unless two ID tokens of one login are about the same user. Other claims may differ, except those that this login
 * requested.
 *
 * @see [OpenID Connect Core §3.3.3.6](https://openid.net/specs/openid-connect-core-1_0.html#HybridIDToken2)
 */
function assertAgreement(front: IdTokenClaims, back: IdTokenClaims, { maxAge, acr }: Transaction): void {
  const claims = ['iss', 'sub', ...(maxAge === undefined ? [] : ['auth_time']), ...(acr === undefined ? [] : ['acr'])]
  for (const claim of claims) {
    const [expected, actual] = [front[claim], back[claim]]
    if (expected === actual) continue
    const error = new JwtError(`the two ID tokens differ in ${claim}`, claim, { expected, actual })
    throw translateError(error, 'ERR_ID_TOKEN_INVALID', 'the check of the ID token')
  }
}
