import type { Response } from 'express'
import { hashSource, html, Markup } from '../lib/html.js'
import type { PageBase } from './page.js'
import { THEME } from './theme.js'

/** A page to send, apart from what all pages have. */
export interface Content {
  readonly body: Markup
  /** More elements of `<head>`. */
  readonly head?: Markup
  /** A further class of `<main>`. */
  readonly className?: 'centered'
  /** More rules of the style. Not escaped: never from outside. */
  readonly style?: string
  /** A script, which may connect to this application. Not escaped: never from outside. */
  readonly script?: string
  /** Whether the page has a form, which leads to this application. Default is `false`. */
  readonly hasForm?: boolean
  /** The default lets forms on the page identify their origin. */
  readonly referrerPolicy?: 'no-referrer'
}

/** Sets the headers that every page has, built-in or not. */
export function setPageHeaders(res: Response, { language }: Pick<PageBase, 'language'>): void {
  for (const name of ['Content-Encoding', 'Content-Range', 'ETag', 'Last-Modified']) res.removeHeader(name)
  res.vary('Accept-Language')
  res.set({ 'Cache-Control': 'no-store', 'Content-Language': language, 'X-Content-Type-Options': 'nosniff' })
}

/**
 * Sends a built-in page: one document for all of them. It loads nothing and cannot be framed; only the style and script
 * that are part of it apply, by their hashes.
 *
 * @param variables - the custom properties of the application, as declarations
 */
export function sendDocument(res: Response, page: PageBase, variables: string, content: Content): void {
  const { script, hasForm = false, referrerPolicy = 'same-origin' } = content
  const style = THEME + variables + (content.style ?? '')
  const policy = [
    "default-src 'none'",
    `style-src ${hashSource(style)}`,
    ...(script === undefined ? [] : [`script-src ${hashSource(script)}`, "connect-src 'self'"]),
    `form-action ${hasForm ? "'self'" : "'none'"}`,
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ]
  setPageHeaders(res, page)
  res.set({ 'Content-Security-Policy': policy.join('; '), 'Referrer-Policy': referrerPolicy })
  res.type('html').send(toDocument(page, style, content).toString())
}

function toDocument(page: PageBase, style: string, { body, head, className, script }: Content): Markup {
  const { language, direction, title, applicationName } = page
  const suffix = applicationName === undefined || title.includes(applicationName) ? '' : ` – ${applicationName}`
  return html`<!doctype html>
<html lang="${language}" dir="${direction}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title}${suffix}</title>
<style>${new Markup(style)}</style>
${head}
</head>
<body>
${applicationName === undefined ? undefined : html`<header>${applicationName}</header>`}
<main${className === undefined ? undefined : html` class="${className}"`}>
<h1>${title}</h1>
${body}
</main>
${script === undefined ? undefined : html`<script>${new Markup(script)}</script>`}
</body>
</html>
`
}
