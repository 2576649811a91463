import type { CustomFetch } from 'openid-client'
import { createRedactor, secretsOf } from '../lib/redact.js'

type Fields = Readonly<Record<string, unknown>>

/**
 * Makes error responses those of RFC 6749 §5.2, whatever form a provider gives them: some answer with status 200, others
 * with an object of their own. What the request sent as a secret does not come back in them.
 *
 * Only requests by POST are looked at: those of the token endpoint and of others that answer like it.
 */
export function withErrorResponses(fetch: CustomFetch): CustomFetch {
  return async (url, init) => {
    const response = await fetch(url, init)
    if (init.method !== 'POST') return response
    const text = await response.text()
    const fields = parse(text, response)
    const error = fields && errorOf(fields, response)
    if (!error) return new Response(text === '' ? null : text, response)
    const redact = createRedactor(secretsOf(init))
    // Only the first part of a description is shown: what is cut off here may end in a part of a secret.
    const clean = (value: string | undefined, limit: number) =>
      value === undefined ? undefined : redact(value.slice(0, limit + redact.longest)).slice(0, limit)
    const body = { error: clean(error.code, 1000), error_description: clean(error.description, 4000) }
    const headers = new Headers(response.headers)
    headers.set('content-type', 'application/json')
    return new Response(JSON.stringify(body), { status: response.ok ? 400 : response.status, headers })
  }
}

/** Status codes that need no text: the credentials of the client are refused, or the URL is that of no endpoint. */
const TELLING = new Set([401, 403, 404, 405])

/** What GitHub and Slack say instead of `invalid_client`. */
const CLIENT_ERRORS = new Set(['incorrect_client_credentials', 'bad_client_secret', 'invalid_client_id'])

function parse(text: string, response: Response): Fields | undefined {
  // A success is not parsed twice.
  if (response.ok && !/"error|"ok"|^error|&error/.test(text.slice(0, 100_000))) return undefined
  if (response.headers.get('content-type')?.toLowerCase().startsWith('application/x-www-form-urlencoded')) {
    return Object.fromEntries(new URLSearchParams(text))
  }
  try {
    return asObject(JSON.parse(text))
  } catch {
    return undefined
  }
}

/** Returns what an error response says; `undefined` where the response is none, or says nothing. */
function errorOf(fields: Fields, response: Response): { code: string; description: string | undefined } | undefined {
  const { error, errors, error_description, message, ok } = fields
  const isError = !response.ok || ok === false || Boolean(error) || Boolean(errors)
  if (!isError || ('access_token' in fields && response.ok)) return undefined
  const nested = asObject(error) ?? asObject(Array.isArray(errors) ? errors[0] : errors) ?? fields
  const code = [error, nested.error, nested.type, nested.code, nested.error_code, fields.code].find(isText)
  const description = [error_description, nested.message, nested.error_description, nested.detail, message].find(isText)
  if (code === undefined) {
    if (description === undefined || TELLING.has(response.status)) return undefined
    return { code: `http_${response.status}`, description }
  }
  if (!CLIENT_ERRORS.has(code)) return { code, description }
  return { code: 'invalid_client', description: description === undefined ? code : `${code}: ${description}` }
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

function asObject(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined
}
