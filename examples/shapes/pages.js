// @ts-check
import { formTarget, html, pageHeaders, trusted } from '../shared/html.js'

const style = `
:root { color-scheme: light dark }
body { margin: 0; min-height: 100dvh; display: grid; place-items: center; font: 1.1rem/1.5 system-ui, sans-serif }
main { width: min(22rem, 90vw) }
form { display: grid; gap: .75rem }
button { min-height: 2.75rem; font: inherit }
`

const submit = "document.querySelector('form').submit()"

/**
 * Sends a page, whose form may redirect to an application.
 *
 * @param {import('express').Response} res
 * @param {string} title
 * @param {import('../shared/html.js').Html} body
 * @param {string} [redirectUri]
 */
export function sendPage(res, title, body, redirectUri) {
  res.set(pageHeaders({ style, formAction: [formTarget(redirectUri)] })).send(frame(title, body).toString())
}

/**
 * Sends a page that posts an authorization response to an application.
 *
 * @param {import('express').Response} res
 * @param {string} redirectUri
 * @param {Record<string, string>} parameters
 */
export function sendPost(res, redirectUri, parameters) {
  const inputs = Object.entries(parameters).map(
    ([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`,
  )
  const body = html`<form method="post" action="${redirectUri}">${inputs}<button>Continue</button></form>
<script>${trusted(submit)}</script>`
  const headers = pageHeaders({ style, script: submit, formAction: [formTarget(redirectUri)] })
  res.set(headers).send(frame('One moment', body).toString())
}

/**
 * @param {string} title
 * @param {import('../shared/html.js').Html} body
 */
function frame(title, body) {
  return html`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title><style>${trusted(style)}</style></head>
<body><main><h1>${title}</h1>${body}</main></body>
</html>
`
}
