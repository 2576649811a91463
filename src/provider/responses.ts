import type { CustomFetch } from 'openid-client'
import { isObject, parseObject } from '../lib/json.js'
import { createRedactor, secretsOf } from '../lib/redact.js'
import { type Adapters, adaptRequest, adaptResponse } from './adaptTokens.js'
import type { ProviderOptions } from './providerOptions.js'

type Fields = Readonly<Record<string, unknown>>

/** How one provider's requests and responses differ from the standard. */
export type Oddities = Adapters & Partial<Pick<ProviderOptions, 'protocol'>> & { readonly token_endpoint?: string }

/**
 * The member under which the ID token of a token response reaches its caller, who verifies it. openid-client would check it
 * too, but knows neither several issuers nor trusted audiences.
 */
export const ID_TOKEN = 'unverified_id_token'

/**
 * Wraps a `fetch` so that responses to POST requests, those of the token endpoint among them, have the form of RFC 6749.
 *
 * - The ID token is renamed to {@link ID_TOKEN}. From an OAuth 2.0 provider, it is removed.
 * - Errors become those of §5.2: some providers send them with status 200, others as an object of their own. Secrets of
 *   the request are removed from them.
 * - `scope` may be a JSON array: §5.1 defines a string of scopes separated by spaces.
 * - A parameter that is `null` is absent.
 * - From an OAuth 2.0 provider, scopes may be separated by commas, and `token_type` may be absent.
 * - At the token endpoint, `adaptTokenRequest` and `adaptTokenResponse` come first.
 */
export function withStandardResponses(fetch: CustomFetch, oddities: Oddities = {}): CustomFetch {
  const { protocol, token_endpoint: endpoint } = oddities
  // Metadata comes from the provider: anything may be in it.
  const tokenEndpoint = typeof endpoint === 'string' && URL.canParse(endpoint) ? new URL(endpoint).href : undefined
  return async (url, init) => {
    if (init.method !== 'POST') return fetch(url, init)
    const adapters: Adapters = url === tokenEndpoint ? oddities : {}
    const sent = await adaptRequest(adapters, url, init)
    const response = await fetch(sent.url, sent.init)
    const text = await response.text()
    const parsed = parse(text, response, adapters.adaptTokenResponse !== undefined || protocol === 'oauth2')
    const secrets = [...secretsOf(init), ...(sent.init === init ? [] : secretsOf(sent.init))]
    const fields = parsed && (await adaptResponse(adapters, parsed, secrets))
    const error = fields ? errorOf(fields, response) : errorInText(text, response)
    if (error) {
      // Only the start of a description is shown. It is shortened after redaction, so that no part of a secret remains.
      const redact = createRedactor(secrets)
      const clean = (value: string | undefined, limit: number) =>
        value === undefined ? undefined : redact(value.slice(0, limit + redact.longest)).slice(0, limit)
      const body = { error: clean(error.code, 1000), error_description: clean(error.description, 4000) }
      return toJson(body, response, response.ok ? 400 : response.status, 'application/json')
    }
    if (response.ok && fields) {
      const isForm = typeOf(response) === FORM || protocol === 'oauth2'
      const type = (isForm ? undefined : response.headers.get('content-type')) ?? 'application/json'
      return toJson(standard(fields, oddities), response, response.status, type)
    }
    return new Response(text === '' ? null : text, response)
  }
}

/** Returns the fields of a successful response in the form of RFC 6749 §5.1. */
function standard({ id_token, [ID_TOKEN]: _forged, ...fields }: Fields, { protocol }: Oddities): Fields {
  const { scope } = fields
  const text = isList(scope) ? scope.join(' ') : scope
  if (protocol !== 'oauth2') {
    const named = id_token === undefined ? {} : { [ID_TOKEN]: id_token }
    return text === undefined ? { ...fields, ...named } : { ...fields, ...named, scope: text }
  }
  const separated = typeof text === 'string' ? text.replaceAll(',', ' ') : text
  return { token_type: 'bearer', ...fields, ...(separated === undefined ? {} : { scope: separated }) }
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

function parse(text: string, response: Response, always: boolean): Fields | undefined {
  // openid-client parses successful responses; parsing them here as well is often not needed.
  const isPlain = !always && response.ok && text.includes('"access_token"') && !text.includes('id_token')
  if (isPlain && !/"scope"\s*:\s*\[|:\s*null/.test(text.slice(0, 100_000))) return undefined
  if (typeOf(response) === FORM) return Object.fromEntries(new URLSearchParams(text))
  const fields = parseObject(text)
  return fields && Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null))
}

const FORM = 'application/x-www-form-urlencoded'

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
