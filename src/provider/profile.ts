import type { Claims } from '../auth.js'

/** What {@link ProviderOptions.profile} works with. */
export interface ProfileContext {
  /** The access token of the login. `undefined` with `responseType: 'id_token'`. */
  readonly accessToken: string | undefined
  /** The claims of the ID token, and of UserInfo if `userInfo` is set. Verified. `{}` for an OAuth 2.0 provider. */
  readonly claims: Claims
  /** The members of the token response except its tokens. Empty when `fetchUserInfo()` asks again. */
  readonly tokenResponse: Readonly<Record<string, unknown>>
  /** The parameters of the authorization response. From the browser, unverified. Empty in all other cases. */
  readonly parameters: Readonly<Record<string, string>>
  /**
   * Sends a request with the access token in the `Authorization` header, unless `init` has that header: over https or to a
   * loopback host only, without following redirects, within `http.timeout` and its size limit.
   */
  fetch(url: string | URL, init?: RequestInit): Promise<Response>
  /**
   * Fetches JSON, as `fetch` does.
   *
   * @throws `ERR_PROVIDER_UNAVAILABLE` at a status of 500 or above; `ERR_USERINFO_INVALID` at any other error, or if the
   *   response is not JSON
   */
  fetchJson<T = unknown>(url: string | URL, init?: RequestInit): Promise<T>
}

/** The claims that {@link ProviderOptions.profile} found. */
export interface Profile {
  /**
   * Standard claims, at most 64 KiB as JSON. `sub` is required of an OAuth 2.0 provider, and ignored from an OpenID
   * Provider; `iss` is always ignored. Set `email_verified` to `true` only if the provider says so.
   */
  readonly claims: Claims
  /** The provider's answer, for `onLogin`. Not stored. */
  readonly raw?: unknown
}
