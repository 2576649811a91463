import type { Request, Response } from 'express'
import { html, type Markup } from '../lib/html.js'
import { brandClass, brandStyles } from './brands.js'
import type { Content } from './layout.js'
import type { Pages } from './options.js'
import type { SignInChoice, SignInPage } from './page.js'
import { baseOf, sendPage } from './send.js'
import { fill, type PageTexts } from './texts/texts.js'

/** Sends the page that lists the providers to sign in with. */
export function sendSignInPage(
  pages: Pages,
  req: Request,
  res: Response,
  { providers, returnTo }: Pick<SignInPage, 'providers' | 'returnTo'>,
): Promise<void> {
  const base = baseOf(pages, req, ({ signInTitle, signInTitleFor }) =>
    pages.applicationName === undefined ? signInTitle : fill(signInTitleFor, { application: pages.applicationName }),
  )
  const page: SignInPage = { ...base, kind: 'sign-in', providers, returnTo }
  return sendPage(pages, req, res, page, () => contentOf(page))
}

function contentOf({ providers, texts }: SignInPage): Content {
  const body = html`<ul>
${providers.map((choice, index) => html`<li>${button(choice, brandClass(index), texts)}</li>\n`)}</ul>`
  return { body, style: brandStyles(providers) }
}

function button({ displayName, url, brand, lastUsed }: SignInChoice, className: string, texts: PageTexts): Markup {
  const label = fill(texts.continueWith, { provider: displayName })
  const badge = lastUsed ? html` <span class="badge">${texts.lastUsed}</span>` : undefined
  return html`<a class="button choice ${className}" href="${url}">${markOf(brand?.mark)}<span>${label}</span>${badge}</a>`
}

/** The mark is decorative: the text names the provider. */
function markOf(mark: string | undefined): Markup | undefined {
  if (mark === undefined) return undefined
  return html`<svg viewBox="0 0 24 24" aria-hidden="true" focusable="false"><path d="${mark}"/></svg>`
}
