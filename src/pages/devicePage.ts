import type { Request, Response } from 'express'
import type { ErrorCode } from '../errors.js'
import { html, Markup } from '../lib/html.js'
import type { Content } from './layout.js'
import type { Pages } from './options.js'
import type { DevicePage, DeviceView } from './page.js'
import { baseOf, sendPage } from './send.js'
import { fill, type PageTexts } from './texts/texts.js'

/** Sends the page of a device login. It works without scripts. */
export function sendDevicePage(pages: Pages, req: Request, res: Response, view: DeviceView): Promise<void> {
  const base = baseOf(pages, req, ({ deviceTitle, deviceRefusedTitle }) =>
    view.status === 'pending' ? deviceTitle : deviceRefusedTitle,
  )
  const page: DevicePage = { ...base, kind: 'device', ...view }
  return sendPage(pages, req, res, page, () => (page.status === 'pending' ? codeContent(page) : refusedContent(page)))
}

/** Listens for events, and reloads for the session, or if this browser now waits for another code. */
const SCRIPT = `
const shown = document.getElementById('code').textContent
const events = new EventSource(location.href)
const again = () => { events.close(); location.reload() }
events.addEventListener('approved', again)
events.addEventListener('refused', again)
events.addEventListener('code', (event) => { if (JSON.parse(event.data).user_code !== shown) again() })
`

function codeContent({ userCode, verificationUri, qrCode, expiresIn, interval, texts }: DevicePage): Content {
  const [before = '', after = ''] = texts.deviceOpen.split('{link}')
  const minutes = String(Math.max(1, Math.round(expiresIn / 60)))
  const link = html`<a href="${verificationUri}" rel="noreferrer" target="_blank">${verificationUri}</a>`
  return {
    head: html`<noscript><meta http-equiv="refresh" content="${interval}"></noscript>`,
    body: html`<p>${before}${link}${after}</p>
<div class="qr" role="img" aria-label="${texts.deviceQrCode}">${new Markup(qrCode)}</div>
<p>${texts.deviceCode}</p>
<p class="code" id="code">${userCode}</p>
<p class="quiet" role="status">${fill(texts.deviceWaiting, { minutes })}</p>`,
    className: 'centered',
    script: SCRIPT,
    hasForm: true,
  }
}

function refusedContent({ error, texts }: DevicePage): Content {
  return {
    body: html`<p role="status">${reasonOf(error, texts)}</p>
<form method="post"><button class="button primary">${texts.deviceNewCode}</button></form>`,
    className: 'centered',
    hasForm: true,
  }
}

function reasonOf(error: ErrorCode | undefined, texts: PageTexts): string {
  if (error === undefined || error === 'ERR_DEVICE_CODE_EXPIRED') return texts.deviceExpired
  return error === 'ERR_AUTHORIZATION_DENIED' ? texts.deviceDenied : texts.deviceFailed
}
