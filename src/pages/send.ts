import type { Request, Response } from 'express'
import { acceptedLanguages, chooseLanguage } from '../request/languages.js'
import { type Content, sendDocument, setPageHeaders } from './layout.js'
import type { Pages } from './options.js'
import type { Page, PageBase } from './page.js'
import { directionOf, LANGUAGES } from './texts/all.js'
import type { PageTexts } from './texts/texts.js'

/** Returns what every page has, in the language of a request. */
export function baseOf(pages: Pages, req: Request, titleOf: (texts: PageTexts) => string): PageBase {
  const known = [...pages.texts.keys()]
  const language = chooseLanguage(acceptedLanguages(req), known) ?? known[0] ?? 'en'
  const texts = pages.texts.get(language) ?? (LANGUAGES.en as PageTexts)
  return {
    language: Intl.getCanonicalLocales(language)[0] ?? language,
    direction: directionOf(language),
    texts,
    title: titleOf(texts),
    applicationName: pages.applicationName,
  }
}

/** Sends a page by the application's template, or else as built in. */
export async function sendPage(
  pages: Pages,
  req: Request,
  res: Response,
  page: Page,
  contentOf: () => Content,
): Promise<void> {
  if (!pages.render) return sendDocument(res, page, pages.style, contentOf())
  setPageHeaders(res, page)
  await pages.render(page, req, res)
}
