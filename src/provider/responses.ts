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
 * - A parameter that is `null` is absent.
 */
export function withStandardResponses(fetch: CustomFetch): CustomFetch {
  return async (url, init) => {
    const response = await fetch(url, init)
    if (init.method !== 'POST') return response
    const text = await response.text()
    const fields = parse(text, response)
    const error = fields ? errorOf(fields, response) : errorInText(text, response)
    if (error) {
      // Only the start of a description is shown. It is shortened after redaction, so that no part of a secret remains.
      const redact = createRedactor(secretsOf(init))
      const clean = (value: string | undefined, limit: number) =>
        value === undefined ? undefined : redact(value.slice(0, limit + redact.longest)).slice(0, limit)
      const body = { error: clean(error.code, 1000), error_description: clean(error.description, 4000) }
      return toJson(body, response, response.ok ? 400 : response.status, 'application/json')
    }
    if (response.ok && fields) {
      const type = response.headers.get('content-type') ?? 'application/json'
      const { scope } = fields
      return toJson(
        { ...fields, ...(isList(scope) ? { scope: scope.join(' ') } : {}) },
        response,
        response.status,
        type,
      )
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
  const head = text.slice(0, 100_000)
  if (response.ok && head.includes('"access_token"') && !/"scope"\s*:\s*\[|:\s*null/.test(head)) return undefined
  if (typeOf(response) === 'application/x-www-form-urlencoded') return Object.fromEntries(new URLSearchParams(text))
  const fields = parseObject(text)
  return fields && Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null))
}

function typeOf({ headers }: Response): string | undefined {
  return headers.get('content-type')?.split(';', 1)[0]?.trim().toLowerCase()
}

interface ProviderError {
  readonly code: string
  readonly description: string | undefined
}

/** Returns the error of a response; `undefined` if it is not an error response, or contains neither code nor text. */
function errorOf(fields: Fields, response: Response): ProviderError | undefined {
  const { error, errors, errcode, message } = fields
  const isError =
    !response.ok || fields.ok === false || fields.success === false || [error, errors, errcode].some(Boolean)
  if (!isError || ('access_token' in fields && response.ok)) return undefined
  const nested = [error, Array.isArray(errors) ? errors[0] : errors].find(isObject) ?? fields
  const codes = [error, nested.error, nested.type, nested.code, nested.error_code, fields.code, fields.errorCode]
  const code = [...codes, errcode && String(errcode)].find(isText)
  const { error_description, errmsg, errorSummary } = fields
  const nestedTexts = [nested.message, nested.error_description, nested.detail, nested.title]
  const description = [error_description, ...nestedTexts, message, errmsg, errorSummary].find(isText)
  if (code === undefined) return describedOnly(description, response)
  if (!CLIENT_ERRORS.has(code)) return { code, description }
  return { code: 'invalid_client', description: description === undefined ? code : `${code}: ${description}` }
}

/** Returns the error of a response in plain text, such as `Bad Request`. */
function errorInText(text: string, response: Response): ProviderError | undefined {
  if (response.ok || typeOf(response) !== 'text/plain') return undefined
  return describedOnly(text.trim() || undefined, response)
}

function describedOnly(description: string | undefined, { status }: Response): ProviderError | undefined {
  if (description === undefined || CLEAR_STATUSES.has(status)) return undefined
  return { code: `http_${status}`, description }
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

function isList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}
