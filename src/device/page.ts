import type { Response } from 'express'
import { renderSVG } from 'uqr'
import { escapeHtml, hashSource } from '../lib/html.js'
import type { DeviceView } from '../pages/page.js'
import type { DeviceTransaction } from './cookie.js'
import { type DeviceState, deviceRefusal } from './polling.js'

/** Returns what the page of a device login shows. */
export function toView(
  transaction: DeviceTransaction,
  state: Extract<DeviceState, { state: 'pending' | 'refused' }>,
): DeviceView {
  const { userCode, verificationUri, verificationUriComplete, expiresAt, interval } = transaction
  return {
    status: state.state,
    error: state.state === 'refused' ? state.code : undefined,
    userCode,
    verificationUri,
    verificationUriComplete,
    get qrCode() {
      return renderSVG(verificationUriComplete ?? verificationUri, { border: 2 })
    },
    expiresIn: Math.max(0, Math.round(expiresAt - Date.now() / 1000)),
    interval: Math.ceil(state.state === 'pending' ? Math.max(state.wait, 1) : interval),
  }
}

/** Sends the built-in page. It loads nothing and works without scripts. */
export function sendDevicePage(view: DeviceView, res: Response): void {
  res.set({
    'Content-Security-Policy': POLICY,
    'Cache-Control': 'no-store',
    'Referrer-Policy': 'same-origin',
    'X-Content-Type-Options': 'nosniff',
  })
  res.type('html').send(view.status === 'pending' ? codePage(view) : refusedPage(view))
}

const STYLE = `
:root { color-scheme: light dark; --text: #1b1f2a; --quiet: #586075; --ground: #f4f5f8; --card: #fff; --line: #d3d8e3 }
@media (prefers-color-scheme: dark) {
  :root { --text: #e9ebf2; --quiet: #a4abbd; --ground: #12141b; --card: #1b1e28; --line: #3c4254 }
}
* { box-sizing: border-box }
body { margin: 0; min-height: 100dvh; display: grid; place-items: center; padding: 1rem; background: var(--ground);
  color: var(--text); font: 1.125rem/1.5 system-ui, sans-serif; text-align: center }
main { width: 100%; max-width: 30rem; padding: 2rem; background: var(--card); border: 1px solid var(--line); border-radius: 1rem }
h1 { margin: 0 0 1rem; font-size: 1.6rem; line-height: 1.2 }
p { text-wrap: balance }
a { display: inline-block; color: inherit; overflow-wrap: anywhere }
.qr svg { display: block; width: min(15rem, 100%); height: auto; margin: 1.25rem auto; border-radius: .5rem }
.code { margin: .5rem 0 1rem; font: 700 2.1rem/1.2 ui-monospace, monospace; letter-spacing: .08em; overflow-wrap: anywhere }
.quiet { margin-bottom: 0; color: var(--quiet); font-size: 1rem }
button { min-height: 2.75rem; padding: .5rem 1.25rem; font: inherit; font-weight: 600; border-radius: .6rem;
  border: 1px solid var(--quiet); background: transparent; color: inherit; cursor: pointer }
`

/** Listens for events, and reloads for the session, or if this browser now waits for another code. */
const SCRIPT = `
const shown = document.getElementById('code').textContent
const events = new EventSource(location.href)
const again = () => { events.close(); location.reload() }
events.addEventListener('approved', again)
events.addEventListener('refused', again)
events.addEventListener('code', (event) => { if (JSON.parse(event.data).user_code !== shown) again() })
`

const POLICY = [
  "default-src 'none'",
  `style-src ${hashSource(STYLE)}`,
  `script-src ${hashSource(SCRIPT)}`,
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')

function codePage({ userCode, verificationUri, qrCode, expiresIn, interval }: DeviceView): string {
  const uri = escapeHtml(verificationUri)
  return layout(
    'Sign in with another device',
    `<p>Scan the QR code, or open <a href="${uri}" rel="noreferrer" target="_blank">${uri}</a> on your phone or computer.</p>
<div class="qr" role="img" aria-label="QR code of the page to open">${qrCode}</div>
<p>Check that the page shows this code, or enter it there:</p>
<p class="code" id="code">${escapeHtml(userCode)}</p>
<p class="quiet" role="status">Waiting for your approval. The code is valid for ${Math.max(1, Math.round(expiresIn / 60))} min.</p>
<script>${SCRIPT}</script>`,
    `<noscript><meta http-equiv="refresh" content="${interval}"></noscript>`,
  )
}

function refusedPage({ error = 'ERR_DEVICE_CODE_EXPIRED' }: DeviceView): string {
  return layout(
    'Not signed in',
    `<p role="status">${escapeHtml(sentence(deviceRefusal(error).message))}</p>
<form method="post"><button>Get a new code</button></form>`,
  )
}

/** Error messages start in lower case and have no full stop. */
function sentence(message: string): string {
  return `${message.charAt(0).toUpperCase()}${message.slice(1)}.`
}

function layout(title: string, body: string, head = ''): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${STYLE}</style>
${head}
</head>
<body>
<main>
<h1>${title}</h1>
${body}
</main>
</body>
</html>
`
}
