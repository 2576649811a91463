import type { Request, Response } from 'express'
import type { ErrorCode, RelyingPartyError } from '../errors.js'
import { html, type Markup } from '../lib/html.js'
import type { Content } from './layout.js'
import type { Pages } from './options.js'
import type { DeveloperDetails, ErrorPage } from './page.js'
import { baseOf, sendPage } from './send.js'
import type { PageTexts } from './texts/texts.js'

/** What the user can do about an error: paths of this application. */
export interface Remedies {
  /** Starts the failed login, or requests the failed page, again. */
  readonly retryUrl: string | undefined
  /** Starts a login that leads back to this page. */
  readonly signInUrl: string | undefined
  /** The sign-in page, to choose another provider. */
  readonly chooseUrl: string | undefined
}

/** A group of errors that look the same to users: the first part of the names of its texts. */
type Situation = {
  [Key in keyof PageTexts]: Key extends `${infer Name}Title`
    ? `${Name}Text` extends keyof PageTexts
      ? Name
      : never
    : never
}[keyof PageTexts]

const SITUATIONS: Partial<Record<ErrorCode, Situation>> = {
  ERR_AUTHORIZATION_DENIED: 'cancelled',
  ERR_TRANSACTION_EXPIRED: 'expired',
  ERR_DEVICE_CODE_EXPIRED: 'expired',
  ERR_TRANSACTION_MISSING: 'interrupted',
  ERR_TRANSACTION_CONSUMED: 'interrupted',
  ERR_LOGIN_LOOP: 'cookies',
  ERR_AUTHORIZATION_FAILED: 'failed',
  ERR_AUTHORIZATION_RESPONSE_INVALID: 'failed',
  ERR_ISSUER_MISMATCH: 'failed',
  ERR_TOKEN_REQUEST_REFUSED: 'failed',
  ERR_TOKEN_RESPONSE_INVALID: 'failed',
  ERR_ID_TOKEN_INVALID: 'failed',
  ERR_USERINFO_INVALID: 'failed',
  ERR_CLIENT_REFUSED: 'failed',
  ERR_METADATA_INVALID: 'failed',
  ERR_UNKNOWN_PROVIDER: 'unknownProvider',
  ERR_PROVIDER_UNAVAILABLE: 'unavailable',
  ERR_STORE_UNAVAILABLE: 'busy',
  ERR_LOGIN_REFUSED: 'refused',
  ERR_INSUFFICIENT_SCOPE: 'forbidden',
  ERR_INSUFFICIENT_CLAIMS: 'forbidden',
  ERR_CROSS_SITE_REQUEST: 'blocked',
  ERR_AUTHENTICATION_REQUIRED: 'signInNeeded',
  ERR_INSUFFICIENT_AUTHENTICATION: 'signInNeeded',
  ERR_SESSION_ENDED: 'signInNeeded',
  ERR_INVALID_CREDENTIALS: 'credentials',
}

/** Situations in which the same request may succeed the next time. */
const WORTH_A_RETRY: readonly Situation[] = [
  'cancelled',
  'expired',
  'interrupted',
  'cookies',
  'failed',
  'unavailable',
  'busy',
  'refused',
  'credentials',
]

/** Situations in which another provider may help. */
const WORTH_A_CHOICE: readonly Situation[] = [
  'cancelled',
  'expired',
  'interrupted',
  'failed',
  'unavailable',
  'refused',
  'unknownProvider',
]

/**
 * Sends the page of an error, with its status and headers. The page shows texts of this package and the reason of a
 * `LoginRefusedError`: the messages of other errors can quote the provider, and so whoever made the user's link.
 *
 * @param remedies - what could help; the page shows what makes sense for the error
 */
export function sendErrorPage(
  pages: Pages,
  req: Request,
  res: Response,
  error: RelyingPartyError,
  remedies: Remedies,
): Promise<void> {
  const situation = SITUATIONS[error.code] ?? 'error'
  const base = baseOf(pages, req, (texts) => texts[`${situation}Title`])
  const reason = situation === 'refused' && error.message.trim() !== '' ? error.message : undefined
  const chooseUrl = WORTH_A_CHOICE.includes(situation) ? remedies.chooseUrl : undefined
  const page: ErrorPage = {
    ...base,
    kind: 'error',
    status: error.status,
    code: error.code,
    message: reason ?? base.texts[`${situation}Text`],
    detail: error.expose ? error.message : undefined,
    developer: detailsFor(req, error),
    retryUrl: WORTH_A_RETRY.includes(situation) && remedies.retryUrl !== chooseUrl ? remedies.retryUrl : undefined,
    signInUrl: situation === 'signInNeeded' ? remedies.signInUrl : undefined,
    chooseUrl,
    startUrl: pages.links.start,
  }
  res.status(error.status).set(error.headers)
  return sendPage(pages, req, res, page, () => contentOf(page))
}

/** As Express does, which shows the stack in development. */
function detailsFor(req: Request, { message, hint, help }: RelyingPartyError): DeveloperDetails | undefined {
  return req.app.get('env') === 'development' ? { message, hint, help } : undefined
}

function contentOf({ message, code, texts, developer, ...page }: ErrorPage): Content {
  const actions: readonly (readonly [url: string | undefined, label: string])[] = [
    [page.retryUrl, texts.tryAgain],
    [page.signInUrl, texts.signInAgain],
    [page.chooseUrl, texts.chooseProvider],
    [page.startUrl, texts.startPage],
  ]
  const buttons = actions.flatMap(([url, label]) => (url === undefined ? [] : [{ url, label }]))
  return {
    body: html`<p>${message}</p>
<ul class="actions">
${buttons.map(({ url, label }, index) => html`<li>${button(url, label, index === 0)}</li>\n`)}</ul>
<p class="quiet actions">${code}</p>${developer && detailsOf(developer)}`,
  }
}

function detailsOf({ message, hint, help }: DeveloperDetails): Markup {
  return html`
<details lang="en" dir="ltr"><summary>For developers</summary>
<p>${message}</p>${
    hint === undefined
      ? undefined
      : html`
<p>${hint}</p>`
  }
<p>See ${help}. In production this part is not shown.</p>
</details>`
}

function button(url: string, label: string, primary: boolean): Markup {
  return html`<a class="button${primary ? ' primary' : ''}" href="${url}">${label}</a>`
}
