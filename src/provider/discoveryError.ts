import { RelyingPartyError } from '../errors.js'
import { defined } from '../lib/defined.js'
import { quote } from '../lib/quote.js'
import { translateError } from './translate.js'

/** Explains why the metadata of an issuer cannot be used: what was found at which URL, and the option to check. */
export function discoveryError(error: unknown, issuer: string, metadataUrl?: string): RelyingPartyError {
  const url = metadataUrl ?? `${issuer.endsWith('/') ? issuer.slice(0, -1) : issuer}/.well-known/openid-configuration`
  const named = namedIssuer(error)
  if (named !== undefined) {
    return new RelyingPartyError(
      'ERR_METADATA_INVALID',
      `the discovery of ${issuer} failed: its metadata names another issuer`,
      {
        cause: { claim: 'issuer', expected: issuer, actual: named },
        hint: `${url} names ${quote(named)}, and issuer is ${quote(issuer)}: if that is the right provider, write issuer as its metadata does`,
      },
    )
  }
  const translated = translateError(error, 'ERR_METADATA_INVALID', `the discovery of ${issuer}`)
  const { code, message, status, headers, cause, hint } = translated
  return new RelyingPartyError(code, message, {
    status,
    headers: { ...headers },
    ...defined({ cause }),
    hint: `${hint ? `${hint}. ` : ''}The metadata is fetched from ${url}: check issuer. An OpenID Provider answers there with JSON; for another server, set its endpoints in the option metadata`,
  })
}

/** Builds the error for metadata at `metadataUrl` that names another issuer than the option, for {@link discoveryError}. */
export function otherIssuer(issuer: string, expected: string): Error {
  return new Error('the metadata names another issuer', {
    cause: { attribute: 'issuer', expected, body: { issuer } },
  })
}

/** Returns the issuer in metadata that openid-client refused for it. Untrusted. */
function namedIssuer(error: unknown): string | undefined {
  for (let at = error, i = 0; at instanceof Error && i < 6; at = at.cause, i++) {
    const cause = at.cause as { attribute?: unknown; body?: { issuer?: unknown } } | undefined
    if (cause?.attribute === 'issuer' && typeof cause.body?.issuer === 'string') return cause.body.issuer.slice(0, 500)
  }
  return undefined
}
