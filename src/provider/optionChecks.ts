import { callable, object, string, stringOrStrings } from '../lib/check.js'

/** Accepts a client secret, or a function that returns it. */
export function checkClientSecret(value: unknown): string | undefined {
  return typeof value === 'function' ? callable(value) : string(value)
}

/** Accepts a URL with `/.well-known/` in its path, which discovery uses as it is. */
export function checkMetadataUrl(value: unknown): string | undefined {
  const isUrl = typeof value === 'string' && URL.canParse(value)
  return isUrl && new URL(value).pathname.includes('/.well-known/')
    ? undefined
    : 'must be the full URL of the metadata, with /.well-known/ in its path'
}

/** The longest list of languages that is sent. In characters. */
const MAX_LOCALES = 200

/** Accepts `true`, or language tags. */
export function checkUiLocales(value: unknown): string | undefined {
  if (value === true) return undefined
  if (stringOrStrings(value)) return 'must be true, a language tag, or an array of language tags'
  const text = [value].flat().join(' ')
  return text.length <= MAX_LOCALES && /^[A-Za-z0-9 -]+$/.test(text)
    ? undefined
    : "must consist of language tags, as in 'de-CH de en'"
}

/** The parameters of a logout that this package sets. */
const OWN_LOGOUT_PARAMETERS = ['id_token_hint', 'post_logout_redirect_uri', 'state']

/** Accepts extra parameters of a logout. */
export function checkLogoutParams(value: unknown): string | undefined {
  if (object(value)) return object(value)
  const own = Object.keys(value as object).find((name) => OWN_LOGOUT_PARAMETERS.includes(name))
  if (own !== undefined) return `must not hold ${own}: this package sets it for every logout`
  return Object.values(value as object).every((given) => typeof given === 'string')
    ? undefined
    : 'must hold strings only'
}

/** The longest mark that is accepted. In characters. */
const MAX_MARK = 8192

/** Accepts a {@link ProviderBrand}: colors, and SVG path data, which becomes part of a page. */
export function checkBrand(value: unknown): string | undefined {
  if (object(value)) return object(value)
  for (const [name, given] of Object.entries(value as object)) {
    if (given === undefined) continue
    if (name === 'mark') {
      if (typeof given !== 'string' || given.length > MAX_MARK || !/^[\d\s.,MmZzLlHhVvCcSsQqTtAaEe+-]+$/.test(given)) {
        return `must hold mark as SVG path data of at most ${MAX_MARK} characters`
      }
    } else if (!['color', 'background', 'border'].includes(name)) return `must not hold ${name}`
    else if (typeof given !== 'string' || !/^#[\da-f]{6}$/i.test(given)) return `must hold ${name} as #rrggbb`
  }
  return undefined
}
