import type { Request } from 'express'
import { defined } from '../lib/defined.js'
import { readRequestParameters } from '../request/parameters.js'
import { queryParameter } from '../request/url.js'

/** A login initiated by a third party: the provider, or a page that links to the application. Unverified. */
export interface ThirdPartyInitiation {
  /** The issuer to sign in at. Only configured ones are accepted. */
  readonly iss: string
  readonly loginHint: string | undefined
  /** The URL to return to after login. Only paths of this application are accepted. */
  readonly targetLinkUri: string | undefined
}

/** The longest hint that is passed on. In characters. */
const MAX_HINT = 512

/**
 * Reads the parameters of a third-party-initiated login from the query or a form POST. Returns `undefined` without `iss`.
 * Other parameters are ignored, so that third parties cannot choose scopes.
 *
 * @throws `ERR_AUTHORIZATION_RESPONSE_INVALID` if a parameter is repeated
 * @see [OpenID Connect Core §4](https://openid.net/specs/openid-connect-core-1_0.html#ThirdPartyInitiatedLogin)
 */
export async function readInitiation(req: Request): Promise<ThirdPartyInitiation | undefined> {
  const isForm = req.method === 'POST' && Boolean(req.is('application/x-www-form-urlencoded'))
  if (!isForm && queryParameter(req, 'iss') === undefined) return undefined
  const parameters = await readRequestParameters(req)
  const iss = parameters.get('iss')
  if (iss === undefined) return undefined
  const hint = parameters.get('login_hint')
  return {
    iss,
    loginHint: hint !== undefined && isShort(hint) ? hint : undefined,
    targetLinkUri: parameters.get('target_link_uri'),
  }
}

/** Returns an initiation as the parameters that {@link readInitiation} reads. */
export function initiationParameters(initiation: ThirdPartyInitiation | undefined): Readonly<Record<string, string>> {
  return defined({
    iss: initiation?.iss,
    login_hint: initiation?.loginHint,
    target_link_uri: initiation?.targetLinkUri,
  })
}

/** Checks the length of a hint. In a URL, one character may take several. */
function isShort(hint: string): boolean {
  return hint.length <= MAX_HINT && new URLSearchParams({ hint }).toString().length <= 2 * MAX_HINT
}
