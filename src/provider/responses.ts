import type { CustomFetch } from 'openid-client'
import { isObject, parseObject } from '../lib/json.js'
import { createRedactor, secretsOf } from '../lib/redact.js'

type Fields = Readonly<Record<string, unknown>>

/**
 * Wraps a `fetch` so that responses to POST requests, those of the token endpoint among them, have the form of RFC 6749.
 *
 * - Errors become those of §5.2: some providers send them with status 200, others as an object of their own. Secrets of
 *   the request are removed from them.
 * - `scope` may be a JSON array: §5.1 defines a string of scopes separated by spaces.
 */
export function withStandardResponses(fetch: CustomFetch): CustomFetch {
  return async (url, init) => {
    const response = await fetch(url, init)
    if (init.method !== 'POST') return response
    const text = await response.text()
    const fields = parse(text, response)
    const error = fields && errorOf(fields, response)
    if (error) {
      // Only the start of a description is shown. It is shortened after redaction, so that no part of a secret remains.
      const redact = createRedactor(secretsOf(init))
      const clean = (value: string | undefined, limit: number) =>
        value === undefined ? undefined : redact(value.slice(0, limit + redact.longest)).slice(0, limit)
      const body = { error: clean(error.code, 1000), error_description: clean(error.description, 4000) }
      return toJson(body, response, response.ok ? 400 : response.status, 'application/json')
    }
    if (response.ok && fields && isList(fields.scope)) {
      const type = response.headers.get('content-type') ?? 'application/json'
      return toJson({ ...fields, scope: fields.scope.join(' ') }, response, response.status, type)
    }
    return new Response(text === '' ? null : text, response)
  }
}

function toJson(body: object, { headers }: Response, status: number, contentType: string): Response {
  const copy = new Headers(headers)
  copy.set('content-type', contentType)
  copy.delete('content-length')
  return new Response(JSON.stringify(body), { status, headers: copy })
}

/** Statuses that explain the error by themselves: the credentials are refused, or there is no endpoint at this URL. */
const CLEAR_STATUSES = new Set([401, 403, 404, 405])

/** What GitHub and Slack send instead of `invalid_client`. */
const CLIENT_ERRORS = new Set(['incorrect_client_credentials', 'bad_client_secret', 'invalid_client_id'])

function parse(text: string, response: Response): Fields | undefined {
  // openid-client parses successful responses; parsing them here as well is rarely needed.
  if (response.ok && !/"error|"ok"|"scope"\s*:\s*\[|^error|&error/.test(text.slice(0, 100_000))) return undefined
  if (response.headers.get('content-type')?.toLowerCase().startsWith('application/x-www-form-urlencoded')) {
    return Object.fromEntries(new URLSearchParams(text))
  }
  return parseObject(text)
}

/** Returns the error of a response; `undefined` if it is not an error response, or contains neither code nor text. */
function errorOf(fields: Fields, response: Response): { code: string; description: string | undefined } | undefined {
  const { error, errors, error_description, message, ok } = fields
  const isError = !response.ok || ok === false || Boolean(error) || Boolean(errors)
  if (!isError || ('access_token' in fields && response.ok)) return undefined
  const nested = [error, Array.isArray(errors) ? errors[0] : errors].find(isObject) ?? fields
  const code = [error, nested.error, nested.type, nested.code, nested.error_code, fields.code].find(isText)
  const description = [error_description, nested.message, nested.error_description, nested.detail, message].find(isText)
  if (code === undefined) {
    if (description === undefined || CLEAR_STATUSES.has(response.status)) return undefined
    return { code: `http_${response.status}`, description }
  }
  if (!CLIENT_ERRORS.has(code)) return { code, description }
  return { code: 'invalid_client', description: description === undefined ? code : `${code}: ${description}` }
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

function isList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}
