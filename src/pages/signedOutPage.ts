import type { Request, Response } from 'express'
import { html } from '../lib/html.js'
import type { Pages } from './options.js'
import type { SignedOutPage } from './page.js'
import { baseOf, sendPage } from './send.js'

/** Sends the page after a logout. */
export function sendSignedOutPage(pages: Pages, req: Request, res: Response, signInUrl: string): Promise<void> {
  const base = baseOf(pages, req, ({ signedOutTitle }) => signedOutTitle)
  const { texts } = base
  const page: SignedOutPage = { ...base, kind: 'signed-out', signInUrl, startUrl: pages.links.start }
  return sendPage(pages, req, res, page, () => ({
    body: html`<p>${texts.signedOutText}</p>
<ul class="actions">
<li><a class="button primary" href="${page.signInUrl}">${texts.signInAgain}</a></li>
<li><a class="button" href="${page.startUrl}">${texts.startPage}</a></li>
</ul>`,
  }))
}
