import * as openid from 'openid-client'
import type { Provider } from '../provider/provider.js'

/**
 * Builds the URL of an RP-initiated logout at a provider that has an `end_session_endpoint`.
 *
 * @see [OpenID Connect RP-Initiated Logout §2](https://openid.net/specs/openid-connect-rpinitiated-1_0.html#RPLogout)
 */
export async function endSessionUrl(
  provider: Provider,
  request: { idToken?: string | undefined; postLogoutRedirectUri: string; state: string },
): Promise<URL> {
  return openid.buildEndSessionUrl(await provider.configuration(), {
    post_logout_redirect_uri: request.postLogoutRedirectUri,
    state: request.state,
    ...(request.idToken === undefined ? {} : { id_token_hint: request.idToken }),
  })
}
