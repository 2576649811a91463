import { RelyingPartyError } from '../errors.js'
import { isLoopback } from '../lib/loopback.js'

/** How calls with an access token are made. */
export interface BearerFetchOptions {
  /** Whether `http` is allowed for a non-loopback host. */
  readonly allowInsecureHttp: boolean
  /** Replaces the global `fetch`. */
  readonly fetch?: typeof fetch | undefined
}

/**
 * Calls an API with an access token in the `Authorization` header, over https or on this machine only.
 *
 * @throws `ERR_CONFIGURATION` where the token would go over http, and what `fetch` throws
 * @see [RFC 6750 §2.1](https://www.rfc-editor.org/rfc/rfc6750#section-2.1)
 */
export async function bearerFetch(
  url: string | URL,
  init: RequestInit,
  getAccessToken: () => Promise<string>,
  options: BearerFetchOptions,
): Promise<Response> {
  const target = new URL(url)
  const plainHttp = target.protocol === 'http:' && (isLoopback(target) || options.allowInsecureHttp)
  if (target.protocol !== 'https:' && !plainHttp) {
    throw new RelyingPartyError('ERR_CONFIGURATION', 'fetch() sends the access token over https only')
  }
  const headers = new Headers(init.headers)
  headers.set('Authorization', `Bearer ${await getAccessToken()}`)
  const send = options.fetch ?? fetch
  return send(target, { ...init, headers })
}
