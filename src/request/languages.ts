import type { Request } from 'express'

/** How much of `Accept-Language` is read. In characters and in languages; browsers send a tenth of it. */
const MAX_LENGTH = 1000
const MAX_LANGUAGES = 30

/**
 * Returns the languages that a request accepts, best first, as lower-case tags or `*`. Malformed items and those with
 * `q=0` are left out.
 *
 * @see [RFC 9110 §12.5.4](https://www.rfc-editor.org/rfc/rfc9110#section-12.5.4)
 */
export function acceptedLanguages(req: Pick<Request, 'headers'>): string[] {
  const { 'accept-language': header = '' } = req.headers
  const items = header.slice(0, MAX_LENGTH).split(',', MAX_LANGUAGES).flatMap(readItem)
  // Items with the same quality keep their order.
  items.sort((one, other) => other.quality - one.quality)
  return [...new Set(items.map(({ tag }) => tag))]
}

function readItem(item: string): { tag: string; quality: number }[] {
  const [tag = '', weight, ...rest] = item.split(';').map((part) => part.trim().toLowerCase())
  if (rest.length > 0 || !(tag === '*' || isLanguageTag(tag))) return []
  const [, digits] = /^q ?= ?([01](?:\.\d{0,3})?)$/.exec(weight ?? 'q=1') ?? []
  const quality = Number(digits ?? 0)
  return quality > 0 && quality <= 1 ? [{ tag, quality }] : []
}

/** How many languages a provider is told. */
const MAX_LOCALES = 5

/**
 * Returns the languages that a request accepts as the parameter `ui_locales`, best first: `undefined` if there are none.
 *
 * @see [OpenID Connect Core §3.1.2.1](https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest)
 */
export function uiLocalesOf(req: Pick<Request, 'headers'>): string | undefined {
  const tags = acceptedLanguages(req).filter((tag) => tag !== '*')
  return tags.slice(0, MAX_LOCALES).map(withRegion).join(' ') || undefined
}

/** Writes the region of a tag in capitals, as is usual: `pt-BR`. */
function withRegion(tag: string): string {
  const [language = '', ...rest] = tag.split('-')
  return [language, ...rest.map((part) => (part.length === 2 ? part.toUpperCase() : part))].join('-')
}

/** Checks whether a lower-case text has the form of a language tag. The longest that is registered has 35 characters. */
function isLanguageTag(text: string): boolean {
  return text.length <= 35 && /^[a-z]{2,8}(?:-[a-z\d]{1,8})*$/.test(text)
}

/**
 * Returns the first accepted language that is among the known ones. A tag such as `de-CH` falls back to `de`, and `*` stands
 * for the first known one.
 *
 * @param known - lower-case tags
 * @see [RFC 4647 §3.4](https://www.rfc-editor.org/rfc/rfc4647#section-3.4)
 */
export function chooseLanguage(accepted: readonly string[], known: readonly string[]): string | undefined {
  for (const tag of accepted) {
    if (tag === '*') return known[0]
    for (let range = tag; range !== ''; range = range.slice(0, Math.max(0, range.lastIndexOf('-')))) {
      if (known.includes(range)) return range
    }
  }
  return undefined
}
