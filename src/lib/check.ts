import { configurationError } from '../errors.js'
import { isObject } from './json.js'
import { toList } from './list.js'

/** Checks one option's value. Returns what is wrong with it and what to write instead, or `undefined`. */
export type Check = (value: unknown) => string | undefined

/** One {@link Check} for each option that exists. */
export type Shape<T> = { readonly [K in keyof Required<T>]: Check }

/**
 * Throws unless an options object fits its shape: unknown names first, then each value that is set.
 *
 * @throws `ERR_CONFIGURATION` with the option, the problem and the fix
 */
export function assertOptions<T extends object>(value: unknown, path: string, shape: Shape<T>): asserts value is T {
  assertNotMounted(path, value)
  if (!isObject(value)) throw configurationError(path, `must be an object, not ${describe(value)}`)
  for (const name of Object.keys(value)) {
    if (!Object.hasOwn(shape, name)) {
      const near = nearest(name, Object.keys(shape))
      throw configurationError(
        `${path}.${name}`,
        'is not an option',
        near ? `did you mean ${near}?` : `the options are ${Object.keys(shape).join(', ')}`,
      )
    }
  }
  for (const [name, check] of Object.entries<Check>(shape)) {
    const given = (value as Record<string, unknown>)[name]
    if (given === undefined) continue
    const problem = check(given)
    if (problem) throw configurationError(`${path}.${name}`, problem)
  }
}

/**
 * Throws if a middleware factory was called with a request: it was mounted without being called first.
 *
 * @param first - the first argument of the call
 */
export function assertNotMounted(name: string, first: unknown): void {
  if (!isObject(first) || !('headers' in first && 'method' in first && 'url' in first)) return
  throw configurationError(name, 'is mounted without its parentheses', `write ${name}() where the route is set up`)
}

/** Throws if an option is missing or `undefined`. */
export function requireOption(value: object, path: string, name: string, fix: string): void {
  const given = (value as Record<string, unknown>)[name]
  if (given !== undefined) return
  const problem = Object.hasOwn(value, name)
    ? 'is undefined (is the environment variable it comes from set?)'
    : 'is missing'
  throw configurationError(`${path}.${name}`, problem, fix)
}

/** Throws unless the `scope` option, if set, includes `openid`. */
export function assertOpenid(scope: string | readonly string[] | undefined, path: string): void {
  if (scope === undefined || toList(scope).includes('openid')) return
  throw configurationError(`${path}.scope`, 'lacks openid', "add it, as in 'openid profile email'")
}

export const string: Check = (value) =>
  typeof value === 'string' && value.length > 0 ? undefined : `must be a non-empty string, not ${describe(value)}`

export const boolean: Check = (value) =>
  typeof value === 'boolean' ? undefined : `must be true or false, not ${describe(value)}`

export const callable: Check = (value) =>
  typeof value === 'function' ? undefined : `must be a function, not ${describe(value)}`

export const object: Check = (value) => (isObject(value) ? undefined : `must be an object, not ${describe(value)}`)

export const stringOrStrings: Check = (value) =>
  string(value) === undefined || (Array.isArray(value) && value.length > 0 && value.every((v) => !string(v)))
    ? undefined
    : `must be a string or an array of strings, not ${describe(value)}`

export const strings: Check = (value) =>
  Array.isArray(value) && !stringOrStrings(value) ? undefined : `must be an array of strings, not ${describe(value)}`

/** The fewest characters of a secret, and the fewest distinct ones: a random secret has more, a placeholder may not. */
const SECRET_LENGTH = { min: 32, different: 8 }

/** Accepts the secrets that keys are derived from: one, or several to rotate. */
export const secrets: Check = (value) => {
  const problem = stringOrStrings(value)
  if (problem) return problem
  const all = [value].flat() as string[]
  if (!all.every((secret) => secret.length >= SECRET_LENGTH.min && isVaried(secret))) {
    return `must have at least ${SECRET_LENGTH.min} random characters: use the output of \`openssl rand -base64 32\``
  }
  if (!all.some(isPlaceholder)) return undefined
  return 'is a placeholder, which anyone can guess: use the output of `openssl rand -base64 32`'
}

/** Checks that a secret neither repeats itself nor runs through the alphabet, as random text does not. */
function isVaried(secret: string): boolean {
  if (new Set(secret).size < SECRET_LENGTH.different) return false
  const period = periodOf(secret)
  if (period < 16 && period <= secret.length / 2) return false
  let steps = 0
  for (let i = 1; i < secret.length; i++) {
    if (Math.abs(secret.charCodeAt(i) - secret.charCodeAt(i - 1)) <= 1) steps += 1
  }
  return steps < 0.6 * (secret.length - 1)
}

/** Returns the length of the shortest piece that a text consists of repetitions of. */
function periodOf(text: string): number {
  // The failure function of Knuth, Morris and Pratt: linear.
  const border = [0]
  for (let i = 1, length = 0; i < text.length; i++) {
    while (length > 0 && text[i] !== text[length]) length = border[length - 1] ?? 0
    if (text[i] === text[length]) length += 1
    border.push(length)
  }
  return text.length - (border.at(-1) ?? 0)
}

/** Fragments of placeholder secrets in examples and templates, in lower case and without punctuation. */
const PLACEHOLDERS = [
  'changeme',
  'changethis',
  'changeit',
  'replaceme',
  'replacethis',
  'replacewith',
  'yoursecret',
  'yoursession',
  'yourownsecret',
  'mysecret',
  'supersecret',
  'topsecret',
  'secrethere',
  'secretkey',
  'keyboardcat',
  'placeholder',
  'pleasechange',
  'insertyour',
  'enteryour',
  'putyour',
  'donotuse',
  'notforproduction',
  'insecure',
  'loremipsum',
  'correcthorsebattery',
  'qwertyuiop',
  'passwordpassword',
]

function isPlaceholder(secret: string): boolean {
  const letters = secret.toLowerCase().replace(/[^a-z]/g, '')
  return PLACEHOLDERS.some((part) => letters.includes(part))
}

/** Accepts a number within bounds. */
export function number(unit: string, min: number, max: number): Check {
  return (value) =>
    typeof value === 'number' && value >= min && value <= max
      ? undefined
      : `must be a number of ${unit} from ${min} to ${max}, not ${describe(value)}`
}

/** Accepts a whole number within bounds. */
export function whole(unit: string, min: number, max: number): Check {
  return (value) => (Number.isInteger(value) ? number(unit, min, max)(value) : `must be a whole number of ${unit}`)
}

/** Accepts one of a few strings. */
export function oneOf(...allowed: readonly string[]): Check {
  return (value) =>
    allowed.includes(value as string) ? undefined : `must be one of ${allowed.join(', ')}, not ${describe(value)}`
}

/** Accepts a path, such as `/callback`. */
export const path: Check = (value) => {
  if (typeof value === 'string' && /^\/(?!\/)[\w\-.~!$&'()*+,;=:@%/]*$/.test(value)) return undefined
  if (typeof value === 'string' && /^https?:/.test(value) && URL.canParse(value)) {
    return `must be a path, not a full URL: write ${new URL(value).pathname}`
  }
  if (typeof value === 'string' && /^\w[^:]*$/.test(value)) return `must begin with a slash: write /${value}`
  return `must be a path such as /callback, without query or fragment, not ${describe(value)}`
}

/**
 * Accepts the `resource` parameter of a token request: an absolute URI, or a list of them.
 *
 * @see [RFC 8707 §2](https://www.rfc-editor.org/rfc/rfc8707#section-2)
 */
export const resourceIndicators: Check = (value) => {
  const problem = stringOrStrings(value)
  if (problem) return problem
  const uris = [value].flat() as string[]
  return uris.every((uri) => URL.canParse(uri) && !/[\s#]/.test(uri))
    ? undefined
    : 'must be an absolute URI without a fragment, such as https://api.example.com/'
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'string') return value === '' ? 'an empty string' : 'a string like that'
  if (typeof value === 'number') return String(value)
  return value === null ? 'null' : typeof value
}

/** Finds the option that a misspelled name stands for: the same letters in another case, or at most two edits away. */
function nearest(name: string, known: readonly string[]): string | undefined {
  return known.find((k) => k.toLowerCase() === name.toLowerCase()) ?? known.find((k) => distance(k, name) <= 2)
}

function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1
      next.push(Math.min((next[j - 1] ?? 0) + 1, (row[j] ?? 0) + 1, (row[j - 1] ?? 0) + cost))
    }
    row = next
  }
  return row[b.length] ?? 0
}
