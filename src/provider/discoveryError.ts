import { RelyingPartyError } from '../errors.js'
import { defined } from '../lib/defined.js'
import { quote } from '../lib/quote.js'
import { translateError } from './translate.js'

/** Explains why the metadata of an issuer cannot be used: what was found, where, and which option to look at. */
export function discoveryError(error: unknown, issuer: string): RelyingPartyError {
  const url = `${issuer.endsWith('/') ? issuer.slice(0, -1) : issuer}/.well-known/openid-configuration`
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
    hint: `${hint ? `${hint}. ` : ''}The metadata is fetched from ${url}: is issuer right? An OpenID Provider answers there with JSON; the endpoints of another server go into the option metadata`,
  })
}

/** Finds the issuer that metadata names, where openid-client refused it for that. It comes from outside. */
function namedIssuer(error: unknown): string | undefined {
  for (let at = error, i = 0; at instanceof Error && i < 6; at = at.cause, i++) {
    const cause = at.cause as { attribute?: unknown; body?: { issuer?: unknown } } | undefined
    if (cause?.attribute === 'issuer' && typeof cause.body?.issuer === 'string') return cause.body.issuer.slice(0, 500)
  }
  return undefined
}
