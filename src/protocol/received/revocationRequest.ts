import { JwtError } from '../../jwt/jws.js'
import { isObject } from '../../lib/json.js'
import type { Provider } from '../../provider/provider.js'
import { translateError } from '../../provider/translate.js'
import { type ReceivedToken, verifyReceived } from './receivedToken.js'
import { subjectOf } from './securityEvent.js'

/** How old a request may be. In seconds. */
const MAX_AGE = 600

/** The longest e-mail address (RFC 5321 §4.5.3.1.3). In characters. */
const MAX_EMAIL = 254

/** Whom a revocation request names. The request is not signed, only its token is. */
export type RevokedUser = { readonly sub: string } | { readonly email: string }

/**
 * Verifies the token that authenticates a revocation request: all that {@link verifyReceived} checks, and `exp`.
 *
 * @param audience - the URL of the request
 * @throws `ERR_SECURITY_EVENT_INVALID`, `ERR_PROVIDER_UNAVAILABLE`, `ERR_METADATA_INVALID`
 */
export async function verifyRevocationToken(
  provider: Provider,
  token: string,
  audience: string,
): Promise<ReceivedToken> {
  try {
    return await verifyReceived(provider, token, {
      types: ['global-token-revocation+jwt'],
      audiences: [audience],
      audienceHint:
        'set globalTokenRevocation({ audience }) to the URL that the identity provider sends its requests to',
      maxAge: MAX_AGE,
      required: ['exp'],
    })
  } catch (error) {
    const doing = 'the check of the revocation request'
    throw translateError(error, 'ERR_SECURITY_EVENT_INVALID', doing, provider.errorContext())
  }
}

/**
 * Reads whom a revocation request names.
 *
 * @param issuers - of which the user must be: that of the request's token, and that of the provider
 * @throws `ERR_SECURITY_EVENT_INVALID`
 */
export function readRevokedUser(body: unknown, issuers: readonly string[], provider: Provider): RevokedUser {
  const given = isObject(body) ? body.sub_id : undefined
  try {
    if (isObject(given) && given.format === 'email') return { email: emailOf(given) }
    return { sub: subjectOf(given, issuers) }
  } catch (error) {
    throw translateError(error, 'ERR_SECURITY_EVENT_INVALID', 'reading the revocation request', provider.errorContext())
  }
}

function emailOf({ email }: Readonly<Record<string, unknown>>): string {
  if (typeof email === 'string' && email.includes('@') && email.length <= MAX_EMAIL) return email
  throw new JwtError('the subject is not an e-mail address', 'sub_id')
}
