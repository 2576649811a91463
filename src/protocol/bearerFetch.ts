import { RelyingPartyError } from '../errors.js'
import { isLoopback } from '../lib/loopback.js'

/** Options of {@link bearerFetch}. */
export interface BearerFetchOptions {
  /** Whether `http` is allowed for non-loopback hosts. */
  readonly allowInsecureHttp: boolean
  /** Replaces the global `fetch`. */
  readonly fetch?: typeof fetch | undefined
}

/** Where the access token of a call comes from. */
export interface BearerTokens {
  getAccessToken(): Promise<string>
  /** Returns another token after an API refused one, or `undefined` if there is none. */
  replaceAccessToken(refused: string): Promise<string | undefined>
}

/**
 * Calls an API with an access token in the `Authorization` header, over https or to a loopback host only. After a 401 the
 * call is repeated once with another token, unless its body is a stream, which can only be read once.
 *
 * @throws `ERR_CONFIGURATION` if the token would be sent over http; what `fetch` throws
 * @see [RFC 6750 §2.1](https://www.rfc-editor.org/rfc/rfc6750#section-2.1)
 */
export async function bearerFetch(
  url: string | URL,
  init: RequestInit,
  tokens: BearerTokens,
  options: BearerFetchOptions,
): Promise<Response> {
  const target = new URL(url)
  const plainHttp = target.protocol === 'http:' && (isLoopback(target) || options.allowInsecureHttp)
  if (target.protocol !== 'https:' && !plainHttp) {
    throw new RelyingPartyError('ERR_CONFIGURATION', 'fetch() sends the access token over https only', {
      hint: 'use an https URL; allowInsecureHttp also allows http for non-loopback hosts',
    })
  }
  const send = (token: string) => {
    const headers = new Headers(init.headers)
    headers.set('Authorization', `Bearer ${token}`)
    return (options.fetch ?? fetch)(target, { ...init, headers })
  }
  const token = await tokens.getAccessToken()
  const response = await send(token)
  if (response.status !== 401 || !isRepeatable(init.body) || isElsewhere(response, target)) return response
  const other = await tokens.replaceAccessToken(token)
  if (other === undefined || other === token) return response
  await response.body?.cancel()
  return send(other)
}

function isRepeatable(body: RequestInit['body']): boolean {
  if (body === undefined || body === null || typeof body === 'string') return true
  if (ArrayBuffer.isView(body)) return true
  return [URLSearchParams, FormData, Blob, ArrayBuffer].some((type) => body instanceof type)
}

/** A redirect to another origin drops the token: a 401 from there does not refuse it. */
function isElsewhere(response: Response, target: URL): boolean {
  return response.redirected && new URL(response.url).origin !== target.origin
}
