import type { Request, Response } from 'express'
import { configurationError } from '../errors.js'
import { assertOptions, type Check, callable, object, type Shape } from '../lib/check.js'
import { isObject } from '../lib/json.js'
import type { Page } from './page.js'
import { LANGUAGES } from './texts/all.js'
import { type PageTexts, placeholdersOf } from './texts/texts.js'
import { VARIABLE_NAMES } from './theme.js'

/** Options of the built-in pages: to sign in, after a logout, of a device login, of an error, and of forwarding. */
export interface PagesOptions {
  /** The name of the application, shown above every page. Default is none. Limit: 100 characters. */
  applicationName?: string
  /**
   * Colors, font and measures, as CSS custom properties: `--rp-font`, `--rp-background`, `--rp-surface`, `--rp-text`,
   * `--rp-muted`, `--rp-border`, `--rp-accent`, `--rp-accent-text`, `--rp-focus`, `--rp-radius`, `--rp-width`. Write
   * `light-dark(#fff, #000)` where light and dark differ. Limit: 200 characters each.
   */
  variables?: Readonly<Record<`--rp-${string}`, string>>
  /**
   * Texts that replace the built-in ones, by language tag. Other languages can be added; texts that they lack are shown
   * in English. Placeholders such as `{provider}` have to stay. Limit: 1,000 characters each.
   */
  texts?: Readonly<Record<string, Partial<PageTexts>>>
  /**
   * The languages to offer, the default first. Default is all that are built in and those of `texts`, English first.
   */
  languages?: readonly string[]
  /**
   * Sends a page instead of the built-in ones. Status and `Cache-Control` are set already. Escape what the page contains.
   * If it throws, the error is passed to `next`.
   */
  render?: (page: Page, req: Request, res: Response) => void | Promise<void>
}

/** Paths that pages link to, each including the base path. */
export interface PageLinks {
  readonly start: string
  /** `undefined` without `relyingParty`. */
  readonly login: string | undefined
  /** Whether there are several providers, so that the login without a name shows the sign-in page. */
  readonly hasChoice: boolean
}

/** {@link PagesOptions}, checked and filled in. */
export interface Pages {
  readonly applicationName: string | undefined
  /** The custom properties, as a rule of the style. */
  readonly style: string
  /** Texts by lower-case language tag; the default language comes first. */
  readonly texts: ReadonlyMap<string, PageTexts>
  readonly render: PagesOptions['render']
  readonly links: PageLinks
}

const SHAPE: Shape<PagesOptions> = {
  applicationName: (value) =>
    typeof value === 'string' && value.trim() !== '' && value.length <= 100 ? undefined : 'must be 1 to 100 characters',
  variables: object,
  texts: object,
  languages: (value) =>
    Array.isArray(value) && value.length > 0 && value.every((tag) => typeof tag === 'string')
      ? undefined
      : 'must be a list of language tags',
  render: callable,
}

/** Checks the options of pages and fills in the defaults. @throws `ERR_CONFIGURATION` */
export function resolvePages(options: PagesOptions = {}, links: PageLinks): Pages {
  const path = 'relyingParty.pages'
  assertOptions<PagesOptions>(options, path, SHAPE)
  return Object.freeze({
    applicationName: options.applicationName,
    style: toStyle(options.variables ?? {}, `${path}.variables`),
    texts: chooseTexts(mergeTexts(options.texts ?? {}, `${path}.texts`), options.languages, `${path}.languages`),
    render: options.render,
    links,
  })
}

function toStyle(variables: Readonly<Record<string, string>>, path: string): string {
  const declarations = Object.entries(variables).map(([name, value]) => {
    if (!VARIABLE_NAMES.includes(name)) {
      throw configurationError(`${path}.${name}`, 'is not a variable', `the variables are ${VARIABLE_NAMES.join(', ')}`)
    }
    const problem = cssValue(value)
    if (problem) throw configurationError(`${path}.${name}`, problem)
    return `${name}: ${value}`
  })
  return declarations.length === 0 ? '' : `:root { ${declarations.join('; ')} }\n`
}

/** Accepts a value that cannot leave its declaration: no comments, escapes, blocks, or open quotes and parentheses. */
const cssValue: Check = (value) => {
  if (typeof value !== 'string' || value.trim() === '' || value.length > 200) return 'must be 1 to 200 characters'
  if (!/^[\p{L}\p{N} #%.,()'"+*/_-]+$/u.test(value) || value.includes('/*'))
    return 'has a character that is not allowed'
  if (/\burl\(/i.test(value)) return 'uses url(): the pages load nothing'
  const unquoted = value.replace(/"[^"]*"|'[^']*'/g, '')
  if (/["']/.test(unquoted)) return 'has an open quote'
  let depth = 0
  for (const character of unquoted) {
    if (character === '(') depth += 1
    if (character === ')') depth -= 1
    if (depth < 0) break
  }
  return depth === 0 ? undefined : 'has an open parenthesis'
}

function mergeTexts(given: NonNullable<PagesOptions['texts']>, path: string): Map<string, PageTexts> {
  const merged = new Map(Object.entries(LANGUAGES))
  // A language comes before its regions, which build on it.
  for (const [tag, texts] of Object.entries(given).sort(([one], [other]) => one.length - other.length)) {
    if (!isLocale(tag)) throw configurationError(`${path}.${tag}`, 'is not a language tag', 'write it as in pt-BR')
    if (!isObject(texts)) throw configurationError(`${path}.${tag}`, 'must be an object of texts')
    for (const [key, text] of Object.entries(texts)) assertText(key, text, `${path}.${tag}`)
    const language = tag.toLowerCase()
    const [general = ''] = language.split('-', 1)
    const base = merged.get(language) ?? merged.get(general) ?? ENGLISH
    merged.set(language, Object.freeze({ ...base, ...texts }))
  }
  return merged
}

/** Checks whether a tag is one that `Intl` knows how to write, such as `pt-BR`. */
function isLocale(tag: string): boolean {
  try {
    return Intl.getCanonicalLocales(tag).length === 1
  } catch {
    return false
  }
}

const ENGLISH = LANGUAGES.en as PageTexts

function assertText(key: string, text: unknown, path: string): void {
  if (!isKey(key))
    throw configurationError(`${path}.${key}`, 'is not a text of a page', 'see PageTexts for their names')
  if (typeof text !== 'string' || text.trim() === '' || text.length > 1000) {
    throw configurationError(`${path}.${key}`, 'must be 1 to 1000 characters')
  }
  const needed = placeholdersOf(ENGLISH[key])
  if (placeholdersOf(text).join() !== needed.join()) {
    const fix = needed.length === 0 ? 'remove what is in braces' : `use ${needed.join(' and ')}`
    throw configurationError(`${path}.${key}`, 'has other placeholders than the built-in text', fix)
  }
}

function isKey(key: string): key is keyof PageTexts {
  return Object.hasOwn(ENGLISH, key)
}

function chooseTexts(
  texts: ReadonlyMap<string, PageTexts>,
  languages: readonly string[] | undefined,
  path: string,
): ReadonlyMap<string, PageTexts> {
  if (!languages) return texts
  return new Map(
    languages.map((tag) => {
      const found = texts.get(tag.toLowerCase())
      if (found) return [tag.toLowerCase(), found]
      throw configurationError(
        path,
        'names a language without texts',
        `the languages are ${[...texts.keys()].join(', ')}`,
      )
    }),
  )
}
