// @ts-check
import { readFileSync } from 'node:fs'
import { formTarget, html, pageHeaders, trusted } from '../shared/html.js'

/**
 * @typedef {object} Page
 * @property {string} title
 * @property {import('../shared/html.js').Html} body
 */

const style = ['../shared/base.css', './style.css', './walk.css']
  .map((file) => readFileSync(new URL(file, import.meta.url), 'utf8'))
  .join('\n')

const links = [
  ['/', 'Home'],
  ['/profile', 'Profile'],
  ['/reports', 'Reports'],
  ['/what-happened', 'What happened'],
]

/**
 * Returns a function that sends a page in the layout that all pages share.
 *
 * @param {string} issuer the provider, which the sign-out form redirects to
 */
export function pageSender(issuer) {
  const headers = pageHeaders({ style, formAction: [formTarget(issuer)] })

  /**
   * @param {import('express').Request} req
   * @param {import('express').Response} res
   * @param {Page} page
   */
  return (req, res, page) => {
    res.set(headers).send(frame(page, req).toString())
  }
}

/**
 * @param {Page} page
 * @param {import('express').Request} req
 */
function frame({ title, body }, { auth, path }) {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · Quick start</title>
<style>${trusted(style)}</style>
</head>
<body>
<a class="skip" href="#content">Skip to content</a>
<header class="bar">
<div class="bar-inner">
<a class="brand" href="/"><span class="mark" aria-hidden="true"></span>Quick start</a>
<nav aria-label="Pages"><ul>${links.map(([href, label]) => navItem(href, label, path))}</ul></nav>
${auth?.isAuthenticated ? signOut() : html`<a class="button primary" href="/login">Sign in</a>`}
</div>
</header>
<main id="content">
<h1>${title}</h1>
${body}
</main>
</body>
</html>
`
}

/**
 * @param {string | undefined} href
 * @param {string | undefined} label
 * @param {string} path
 */
function navItem(href, label, path) {
  return html`<li><a href="${href}"${href === path && trusted(' aria-current="page"')}>${label}</a></li>`
}

/** Returns the button that signs out here and at the provider. */
export function signOut(label = 'Sign out') {
  return html`<form method="post" action="/logout"><button>${label}</button></form>`
}
