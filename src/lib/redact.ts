import { formEncode } from './basicCredentials.js'
import { parseObject } from './json.js'

/** Replaces a secret. */
const REDACTED = '[…]'

/** A shorter secret is indistinguishable from ordinary text: any text that contains it is replaced as a whole. */
const MIN_LENGTH = 4

/** Removes secrets that were sent from text that came back. */
export interface Redactor {
  /** Replaces every encoding of the secrets in a text. */
  (text: string): string
  /** The length of the longest encoding, in characters: shortened text may end within it. */
  readonly longest: number
}

/**
 * Creates a {@link Redactor} for values that were sent, such as a password. It finds them in upper and lower case, plain,
 * percent-encoded, escaped for JSON or HTML, and in base64 or hex, also within other text.
 */
export function createRedactor(values: Iterable<string | undefined>): Redactor {
  const secrets = new Set([...values].filter((value) => value !== undefined && value !== ''))
  const forms = [...new Set([...secrets].flatMap((value) => formsOf(String(value))))]
  const needles = forms.map((form) => form.toLowerCase()).sort((a, b) => b.length - a.length)
  const short = needles.filter((needle) => needle.length < MIN_LENGTH)
  const long = needles.filter((needle) => needle.length >= MIN_LENGTH)
  return Object.assign((text: string) => redact(text, short, long), { longest: needles[0]?.length ?? 0 })
}

function redact(text: string, short: readonly string[], long: readonly string[]): string {
  let result = text
  for (const needle of long) result = replaceAll(result, needle)
  const lower = result.toLowerCase()
  return short.some((needle) => lower.includes(needle)) ? REDACTED : result
}

/** A few characters change length in lower case. Text that contains one is replaced as a whole. */
function replaceAll(text: string, needle: string): string {
  const lower = text.toLowerCase()
  if (!lower.includes(needle)) return text
  if (lower.length !== text.length) return REDACTED
  let result = ''
  let from = 0
  for (let at = lower.indexOf(needle); at >= 0; at = lower.indexOf(needle, from)) {
    result += text.slice(from, at) + REDACTED
    from = at + needle.length
  }
  return result + text.slice(from)
}

function formsOf(value: string): string[] {
  const form = formEncode(value)
  const percent = percentEncoded(value)
  const html = value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
  const escaped = [html.replaceAll("'", '&#39;'), html.replaceAll("'", '&#x27;'), JSON.stringify(value).slice(1, -1)]
  const hex = Buffer.from(value).toString('hex')
  const encodings = value.length < MIN_LENGTH ? [] : [hex, ...base64(value), ...base64(form)]
  return [value, form, percent, percentEncoded(percent), percentEncoded(form), ...escaped, ...encodings]
}

/** A lone surrogate cannot be encoded: it is sent as U+FFFD. */
function percentEncoded(value: string): string {
  return encodeURIComponent(Buffer.from(value).toString())
}

/** Returns the base64 of a value at each of the three offsets within a longer text, without the bytes that text affects. */
function base64(value: string): string[] {
  const bytes = Buffer.from(value)
  return [0, 1, 2].flatMap((shift) => {
    const encoded = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64url')
    const core = encoded.slice(Math.ceil((shift * 4) / 3), Math.floor(((shift + bytes.length) * 4) / 3))
    if (core.length < MIN_LENGTH) return []
    return [core, core.replaceAll('-', '+').replaceAll('_', '/')]
  })
}

/** Parameters of requests to a provider that are not secret. Any other may be. */
const HARMLESS = new Set([
  'grant_type',
  'client_id',
  'redirect_uri',
  'scope',
  'resource',
  'audience',
  'token_type_hint',
  'subject_token_type',
  'requested_token_type',
  'client_assertion_type',
  'max_age',
  'acr_values',
])

/** Returns the parameters of a form or of a JSON object. */
function parametersOf(body: unknown): Iterable<readonly [string, unknown]> {
  if (body instanceof URLSearchParams) return body
  return Object.entries((typeof body === 'string' && parseObject(body)) || {})
}

/** Returns the secrets in a request: the credentials of its `Authorization` header and the parameters of its body. */
export function secretsOf(request: { headers: Readonly<Record<string, string>>; body?: unknown }): string[] {
  const secrets: string[] = []
  for (const [name, value] of Object.entries(request.headers)) {
    if (name.toLowerCase() !== 'authorization') continue
    const [scheme = '', credentials = ''] = value.split(' ', 2)
    secrets.push(credentials)
    if (scheme.toLowerCase() !== 'basic') continue
    const decoded = Buffer.from(credentials, 'base64').toString()
    const secret = decoded.slice(decoded.indexOf(':') + 1)
    secrets.push(secret, new URLSearchParams(`=${secret}`).get('') ?? '')
  }
  for (const [name, value] of parametersOf(request.body)) {
    if (!HARMLESS.has(name) && typeof value === 'string') secrets.push(value)
  }
  return secrets
}
