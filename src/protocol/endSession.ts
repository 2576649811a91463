import * as openid from 'openid-client'
import { defined } from '../lib/defined.js'
import type { Provider } from '../provider/provider.js'

/**
 * The longest logout URL with an `id_token_hint`. In characters. Servers commonly accept 8 KiB for the request line and all
 * headers; cookies need the other half.
 */
const MAX_URL = 4096

/** Checks whether an ID token is short enough for a hint. If not, the session's record need not store it. */
export function fitsAsHint(idToken: string): boolean {
  return idToken.length < MAX_URL
}

/** What one logout requests. */
interface EndSessionRequest {
  readonly idToken?: string | undefined
  readonly postLogoutRedirectUri: string
  readonly state: string
  readonly uiLocales?: string | undefined
}

/**
 * Builds the URL of an RP-initiated logout at a provider that has an `end_session_endpoint`.
 *
 * An ID token that would make the URL too long for servers is omitted: `client_id` identifies the application, and the
 * provider knows the user from its own session. It may ask the user to confirm.
 *
 * @see [OpenID Connect RP-Initiated Logout §2](https://openid.net/specs/openid-connect-rpinitiated-1_0.html#RPLogout)
 */
export async function endSessionUrl(provider: Provider, request: EndSessionRequest): Promise<URL> {
  const configuration = await provider.configuration()
  const parameters = {
    ...defined({ ui_locales: request.uiLocales }),
    ...provider.options.logoutParams,
    post_logout_redirect_uri: request.postLogoutRedirectUri,
    state: request.state,
  }
  if (request.idToken !== undefined) {
    const url = openid.buildEndSessionUrl(configuration, { ...parameters, id_token_hint: request.idToken })
    if (url.href.length <= MAX_URL) return url
  }
  return openid.buildEndSessionUrl(configuration, parameters)
}
