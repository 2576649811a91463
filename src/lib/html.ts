import { createHash } from 'node:crypto'

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Escapes text for HTML content and quoted attribute values. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character)
}

/** HTML that needs no escaping. Only {@link html} and constants of this package create it. */
export class Markup {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  toString(): string {
    return this.#text
  }
}

/** Builds HTML from a template. Every value is escaped, unless it is {@link Markup}; `undefined` adds nothing. */
export function html(
  parts: TemplateStringsArray,
  ...values: readonly (string | number | Markup | readonly Markup[] | undefined)[]
): Markup {
  const texts = parts.map((part, i) => part + (i < values.length ? toHtml(values[i]) : ''))
  return new Markup(texts.join(''))
}

function toHtml(value: string | number | Markup | readonly Markup[] | undefined): string {
  if (value === undefined) return ''
  if (value instanceof Markup) return value.toString()
  return typeof value === 'object' ? value.join('') : escapeHtml(String(value))
}

/** Returns the source expression that allows exactly this inline style or script in a Content Security Policy. */
export function hashSource(content: string): string {
  return `'sha256-${createHash('sha256').update(content).digest('base64')}'`
}
