import { RelyingPartyError } from '../errors.js'
import { errorParameters } from '../provider/errorText.js'
import type { ProfileContext } from '../provider/profile.js'
import type { Provider } from '../provider/provider.js'

/**
 * Returns the functions with which `profile` asks the provider's API, with the access token unless a request has an
 * `Authorization` header of its own.
 */
export function profileFetch(
  provider: Provider,
  accessToken: string | undefined,
): Pick<ProfileContext, 'fetch' | 'fetchJson'> {
  const send: ProfileContext['fetch'] = async (url, init = {}) => {
    const headers = new Headers(init.headers)
    if (!headers.has('accept')) headers.set('accept', 'application/json')
    // GitHub's API refuses requests without one.
    if (!headers.has('user-agent')) headers.set('user-agent', 'express-relying-party')
    if (!headers.has('authorization') && accessToken !== undefined) {
      headers.set('authorization', `Bearer ${accessToken}`)
    }
    return provider.request(String(url), { method: init.method ?? 'GET', headers, body: init.body })
  }
  return {
    fetch: send,
    async fetchJson<T>(url: string | URL, init?: RequestInit): Promise<T> {
      const response = await send(url, init)
      const body: unknown = await response.json().catch(() => undefined)
      if (response.ok && body !== undefined) return body as T
      throw new RelyingPartyError(
        'ERR_USERINFO_INVALID',
        response.ok ? 'the profile is not JSON' : `the profile request was refused (${response.status})`,
        { cause: { status: response.status, ...errorOf(body) } },
      )
    },
  }
}

function errorOf(body: unknown): object {
  const { error, message } = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>
  const text = (value: unknown) => (typeof value === 'string' ? value : undefined)
  return errorParameters(text(error), text(message))
}
