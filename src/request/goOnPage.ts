import type { Response } from 'express'
import { escapeHtml, hashSource } from '../lib/html.js'

/** What a page that goes on by itself says. */
export interface GoOnText {
  /** What is happening, such as `'Signing out'`. */
  readonly title: string
  /** The label of the link, for browsers that do not go on by themselves. */
  readonly link: string
}

/**
 * Answers with a small page that goes on to `url` by itself, where a redirect would not arrive as it should: browsers
 * apply `form-action` of the page that sent a form to every redirect that follows, and withhold `SameSite=Strict` cookies
 * from redirects that began on another site. A navigation that this page begins has neither history.
 *
 * It needs no script, loads nothing, and works under any Content Security Policy without `sandbox`. A policy that was set
 * for the response before is replaced. It is not stored, and the next page learns no referrer.
 *
 * @param url - absolute, http or https
 */
export function sendGoOnPage(res: Response, url: string, { title, link }: GoOnText): void {
  const { href, protocol } = new URL(url)
  if (protocol !== 'https:' && protocol !== 'http:') throw new TypeError('a page goes on to http and https only')
  res.set({
    'Content-Security-Policy': POLICY,
    'Cache-Control': 'no-store',
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
  })
  const target = escapeHtml(href)
  res
    .status(200)
    .type('html')
    .send(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta http-equiv="refresh" content="0;url=${target}">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${escapeHtml(title)}</h1>
<p>If this page does not change by itself: <a href="${target}">${escapeHtml(link)}</a></p>
</main>
</body>
</html>
`)
}

const STYLE = `
:root { color-scheme: light dark }
body { margin: 0; min-height: 100dvh; display: grid; place-items: center; font: 1.125rem/1.5 system-ui, sans-serif }
main { padding: 1rem; text-align: center }
h1 { margin: 0 0 .5rem; font-size: 1.4rem }
`

const POLICY = [
  "default-src 'none'",
  `style-src ${hashSource(STYLE)}`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')
