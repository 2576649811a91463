import type { Response } from 'express'
import { escapeHtml, hashSource } from '../lib/html.js'

/** The texts of a page that forwards the browser. */
interface ForwardingText {
  /** The heading, such as `'Signing out'`. */
  readonly title: string
  /** The label of the link, for browsers that do not follow the refresh. */
  readonly link: string
}

/**
 * Sends a small page that forwards the browser to `url`, where a redirect would not work: browsers apply the `form-action`
 * of a page to every redirect that follows the POST of its form, and withhold `SameSite=Strict` cookies from redirects that
 * started on another site. Neither applies to a navigation that starts from this page.
 *
 * The page has no script, loads nothing, and replaces any Content Security Policy set on the response before. It is not
 * stored, and the next page gets no referrer.
 *
 * @param url - absolute, http or https
 */
export function sendForwardingPage(res: Response, url: string, { title, link }: ForwardingText): void {
  const { href, protocol } = new URL(url)
  if (protocol !== 'https:' && protocol !== 'http:')
    throw new TypeError('the page forwards to http and https URLs only')
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
<p>If nothing happens: <a href="${target}">${escapeHtml(link)}</a></p>
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
