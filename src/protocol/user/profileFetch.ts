import { RelyingPartyError } from '../../errors.js'
import { isObject } from '../../lib/json.js'
import { createRedactor, type Redactor, secretsOf } from '../../lib/redact.js'
import { errorParameters } from '../../provider/errorText.js'
import type { ProfileContext } from '../../provider/profile.js'
import type { Provider } from '../../provider/provider.js'

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
        { cause: { status: response.status, ...errorOf(body, redactor(accessToken, init)) } },
      )
    },
  }
}

/** The longest text of an error that is kept. In characters. */
const MAX_TEXT = 4000

/** Returns the error in a response: `error` may be a code, or an object as in Facebook's Graph API. */
function errorOf(body: unknown, redact: Redactor): object {
  const { error, error_description, message } = isObject(body) ? body : {}
  const { type, code, message: inner } = isObject(error) ? error : {}
  // Shortened after redaction, so that no part of a secret remains.
  const [name, description] = [
    [error, type, code],
    [error_description, message, inner],
  ].map((texts) => {
    const text = texts.find((one) => typeof one === 'string')
    return text === undefined ? undefined : redact(text.slice(0, MAX_TEXT + redact.longest)).slice(0, MAX_TEXT)
  })
  return errorParameters(name, description)
}

function redactor(accessToken: string | undefined, { headers, body }: RequestInit = {}): Redactor {
  return createRedactor([accessToken, ...secretsOf({ headers: Object.fromEntries(new Headers(headers)), body })])
}
