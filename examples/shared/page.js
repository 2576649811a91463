// @ts-check
import { readFileSync } from 'node:fs'
import { formTarget, html, pageHeaders, trusted } from './html.js'

/** @typedef {import('./html.js').Html} Html */

const style = ['./base.css', './page.css']
  .map((file) => readFileSync(new URL(file, import.meta.url), 'utf8'))
  .join('\n')

/**
 * Returns a function that sends a page.
 *
 * @param {string} [issuer] the provider, which the sign-out form redirects to
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

/** The link to the login route. */
export const signIn = html`<p><a class="button primary" href="/login">Sign in</a></p>`

/** The button that signs out here and at the provider. */
export const signOut = html`<form method="post" action="/logout"><button>Sign out</button></form>`

/**
 * Returns a list of names and values. Values may be of any type.
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
 * Returns an error handler that sends a page, with the error's message if users may see it.
 *
 * @param {(res: import('express').Response, title: string, body: Html) => void} show
 * @returns {import('express').ErrorRequestHandler}
 */
export function errorPage(show) {
  return (error, req, res, next) => {
    if (res.headersSent || !req.accepts('html')) return next(error)
    const { status = 500, expose = false, message, headers = {}, code, retryUrl } = error
    if (status >= 500) console.error(error)
    const back = html`<a class="button" href="${retryUrl ?? '/'}">${retryUrl ? 'Try again' : 'Go to the home page'}</a>`
    const text = expose ? message : 'This is a problem on our side. It has been logged.'
    show(
      res.status(status).set(headers),
      'Something went wrong',
      html`<p>${text}</p>${code && html`<p><code>${code}</code></p>`}${back}`,
    )
  }
}
