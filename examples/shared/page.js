// @ts-check
import { readFileSync } from 'node:fs'
import { formTarget, html, pageHeaders, trusted } from './html.js'

/** @typedef {import('./html.js').Html} Html */

const style = ['./base.css', './page.css']
  .map((file) => readFileSync(new URL(file, import.meta.url), 'utf8'))
  .join('\n')

/**
 * Makes the function that answers with a page.
 *
 * @param {string} [issuer] where the sign-out form leads in the end
 */
export function pageSender(issuer) {
  const headers = pageHeaders({ style, formAction: [formTarget(issuer)] })

  /**
   * @param {import('express').Response} res
   * @param {string} title
   * @param {Html} body
   */
  return (res, title, body) => {
    res.set(headers).send(frame(title, body).toString())
  }
}

/**
 * @param {string} title
 * @param {Html} body
 */
function frame(title, body) {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>${trusted(style)}</style>
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

/** A link to the route that signs in. */
export const signIn = html`<p><a class="button primary" href="/login">Sign in</a></p>`

/** The button that signs out here and at the provider. */
export const signOut = html`<form method="post" action="/logout"><button>Sign out</button></form>`

/**
 * A list of names and values; values may be of any kind.
 *
 * @param {Record<string, unknown>} values
 */
export function facts(values) {
  return html`<dl>${Object.entries(values).map(
    ([name, value]) =>
      html`<div><dt>${name}</dt><dd>${typeof value === 'object' ? JSON.stringify(value) : value}</dd></div>`,
  )}</dl>`
}

/**
 * Shows errors as a page: what the package says of them, where it may be told to the user.
 *
 * @param {(res: import('express').Response, title: string, body: Html) => void} show
 * @returns {import('express').ErrorRequestHandler}
 */
export function errorPage(show) {
  return (error, req, res, next) => {
    if (res.headersSent || !req.accepts('html')) return next(error)
    const { status = 500, expose = false, message, headers = {}, code, retryUrl } = error
    if (status >= 500) console.error(error)
    const back = html`<a class="button" href="${retryUrl ?? '/'}">${retryUrl ? 'Try again' : 'Go to the start'}</a>`
    const text = expose ? message : 'The fault is on our side. It has been logged.'
    show(
      res.status(status).set(headers),
      'That did not work',
      html`<p>${text}</p>${code && html`<p><code>${code}</code></p>`}${back}`,
    )
  }
}
