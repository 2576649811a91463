// @ts-check
import { createHash } from 'node:crypto'

/** Markup that is safe as it is. Everything else is escaped in pages. */
export class Html {
  #markup

  /** @param {string} markup */
  constructor(markup) {
    this.#markup = markup
  }

  toString() {
    return this.#markup
  }
}

/** @type {Record<string, string>} */
const entities = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/**
 * @param {unknown} value
 * @returns {string}
 */
function render(value) {
  if (value instanceof Html) return value.toString()
  if (Array.isArray(value)) return value.map(render).join('')
  if (value === undefined || value === null || value === false) return ''
  return String(value).replace(/[&<>"']/g, (character) => entities[character] ?? character)
}

/**
 * Template tag for HTML. Escapes values, joins arrays, and omits `undefined`, `null` and `false`.
 *
 * @param {TemplateStringsArray} strings
 * @param {unknown[]} values
 */
export function html(strings, ...values) {
  return new Html(strings.map((text, index) => text + render(values[index])).join(''))
}

/**
 * Marks trusted markup as safe, such as a form by oidc-provider or one of our stylesheets.
 *
 * @param {string} markup
 */
export function trusted(markup) {
  return new Html(markup)
}

/** @param {string} content */
function hashSource(content) {
  return `'sha256-${createHash('sha256').update(content).digest('base64')}'`
}

/**
 * Returns headers for a page that loads nothing and runs only the given inline style and script.
 *
 * @param {object} page
 * @param {string} page.style the exact text of the page's style element
 * @param {string} [page.script] the exact text of the page's script element
 * @param {(string | undefined)[]} [page.formAction] other origins that its forms submit or redirect to
 * @returns {Record<string, string>}
 */
export function pageHeaders({ style, script, formAction = [] }) {
  const targets = formAction.filter((target) => target !== undefined)
  const policy = [
    "default-src 'none'",
    `style-src ${hashSource(style)}`,
    ...(script === undefined ? [] : [`script-src ${hashSource(script)}`]),
    `form-action ${["'self'", ...new Set(targets)].join(' ')}`,
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ]
  return {
    'Content-Security-Policy': policy.join('; '),
    'Content-Type': 'text/html; charset=utf-8',
    'Cache-Control': 'no-store',
    'Referrer-Policy': 'same-origin',
    'X-Content-Type-Options': 'nosniff',
  }
}

/**
 * Returns a URL's origin as a `form-action` source, or only the scheme if it is an app's own.
 *
 * @param {unknown} url
 */
export function formTarget(url) {
  if (typeof url !== 'string' || !URL.canParse(url)) return undefined
  const { origin, protocol } = new URL(url)
  return origin === 'null' ? protocol : origin
}
