import type { Request } from 'express'
import { defined } from '../lib/defined.js'
import { readRequestParameters } from '../request/parameters.js'
import { queryParameter } from '../request/url.js'

/** A login that someone else began: the provider, or a page that links to the application. Unverified. */
export interface ThirdPartyInitiation {
  /** The issuer to sign in at. Only a configured one is taken. */
  readonly iss: string
  readonly loginHint: string | undefined
  /** Where the user is to go after login. Only a path of this application is taken. */
  readonly targetLinkUri: string | undefined
}

/** The longest hint that is passed on. In characters. */
const MAX_HINT = 512

/**
 * Reads the parameters of a third-party-initiated login, by GET or form POST; `undefined` where there is no `iss`. All
 * others are ignored: scopes and the like are not the caller's choice.
 *
 * @throws `ERR_AUTHORIZATION_RESPONSE_INVALID` where a parameter is repeated
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

/** Returns the parameters of an initiation by the names that {@link readInitiation} takes. */
export function initiationParameters(initiation: ThirdPartyInitiation | undefined): Readonly<Record<string, string>> {
  return defined({
    iss: initiation?.iss,
    login_hint: initiation?.loginHint,
    target_link_uri: initiation?.targetLinkUri,
  })
}

/** A hint of few characters may take many in a URL. */
function isShort(hint: string): boolean {
  return hint.length <= MAX_HINT && new URLSearchParams({ hint }).toString().length <= 2 * MAX_HINT
}
