import type { Request, Response } from 'express'
import { html } from '../lib/html.js'
import { sendDocument } from './layout.js'
import type { Pages } from './options.js'
import { baseOf } from './send.js'

/**
 * Sends a small page that forwards the browser to `url`, where a redirect would not work: browsers apply the `form-action`
 * of a page to every redirect that follows the POST of its form, and withhold `SameSite=Strict` cookies from redirects that
 * started on another site. Neither applies to a navigation that starts from this page.
 *
 * The page has no script, loads nothing, and replaces any Content Security Policy set on the response before. It is not
 * stored, and the next page gets no referrer.
 *
 * @param url - absolute, http or https
 * @param purpose - what the title says
 */
export function sendForwardingPage(
  pages: Pages,
  req: Request,
  res: Response,
  url: string,
  purpose: 'signingIn' | 'signingOut',
): void {
  const { href, protocol } = new URL(url)
  if (protocol !== 'https:' && protocol !== 'http:')
    throw new TypeError('the page forwards to http and https URLs only')
  const base = baseOf(pages, req, (texts) => texts[purpose])
  const { ifNothingHappens, continue: label } = base.texts
  res.status(200)
  sendDocument(res, base, pages.style, {
    head: html`<meta http-equiv="refresh" content="0;url=${href}">`,
    body: html`<p>${ifNothingHappens} <a href="${href}">${label}</a></p>`,
    className: 'centered',
    referrerPolicy: 'no-referrer',
  })
}
