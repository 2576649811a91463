// @ts-check
import { readFileSync } from 'node:fs'
import { formTarget, html, pageHeaders, trusted } from '../shared/html.js'
import { scopeMeanings } from './users.js'

/** @typedef {import('../shared/html.js').Html} Html */
/** @typedef {import('./users.js').User} User */

/**
 * @typedef {object} Page
 * @property {string} provider the provider's name
 * @property {string} title
 * @property {Html} body
 * @property {(string | undefined)[]} [formAction] other origins that its forms redirect to
 * @property {string} [script]
 */

/**
 * The parts of an authorization request that its pages show.
 *
 * @typedef {object} AuthorizationRequest
 * @property {string} title
 * @property {import('oidc-provider').Interaction} interaction
 * @property {string} appName
 */

const style = ['../shared/base.css', './provider.css']
  .map((file) => readFileSync(new URL(file, import.meta.url), 'utf8'))
  .join('\n')

/**
 * @param {AuthorizationRequest} request
 * @param {User[]} users
 * @returns {Page}
 */
export function signInPage({ title, interaction, appName }, users) {
  const { uid, params } = interaction
  return {
    provider: title,
    title: 'Choose a user',
    formAction: [formTarget(params.redirect_uri)],
    body: html`<p><strong>${appName}</strong> asks you to sign in. This demo has no passwords: pick any user.</p>
      <form method="post" action="/interaction/${uid}/sign-in">
        <ul class="people">
          ${users.map((user) => personButton(user, user.id === params.login_hint))}
        </ul>
      </form>
      ${denyForm(uid, 'Cancel')}`,
  }
}

/**
 * @param {User} user
 * @param {boolean} suggested
 */
function personButton({ id, claims, about }, suggested) {
  return html`<li>
    <button class="person" name="user" value="${id}"${suggested && trusted(' autofocus')}>
      <span class="portrait" aria-hidden="true">${initials(claims.name)}</span>
      <span><strong>${claims.name}</strong><br><span class="quiet">${about}</span></span>
    </button>
  </li>`
}

/**
 * @param {AuthorizationRequest} request
 * @param {User} user
 * @returns {Page}
 */
export function approvalPage({ title, interaction, appName }, user) {
  const { uid, params } = interaction
  const scopes = String(params.scope ?? '')
    .split(' ')
    .filter(Boolean)
  return {
    provider: title,
    title: `Allow ${appName}?`,
    formAction: [formTarget(params.redirect_uri)],
    body: html`<p>You are signed in as <strong>${user.claims.name}</strong>. <strong>${appName}</strong> asks to:</p>
      <ul class="scopes">
        ${scopes.map((scope) => scopeItem(scope, user))}
      </ul>
      <div class="actions">
        <form method="post" action="/interaction/${uid}/approve"><button class="primary">Approve</button></form>
        ${denyForm(uid, 'Deny')}
      </div>`,
  }
}

/**
 * @param {string} scope
 * @param {User} user
 */
function scopeItem(scope, { claims, deniedScopes = [] }) {
  const withheld = deniedScopes.includes(scope)
  return html`<li${withheld && trusted(' class="withheld"')}>
    <div class="scope"><span>${scopeMeanings[scope] ?? 'Use this scope'}</span> <code>${scope}</code></div>
    ${withheld && html`<span class="note">Not granted: ${claims.name} is not allowed to use it</span>`}
  </li>`
}

/**
 * @param {string} uid
 * @param {string} label
 */
function denyForm(uid, label) {
  return html`<form method="post" action="/interaction/${uid}/deny"><button>${label}</button></form>`
}

/**
 * @param {string} provider
 * @param {import('oidc-provider').ErrorOut} out
 * @returns {Page}
 */
export function errorPage(provider, { error, error_description: description }) {
  return {
    provider,
    title: 'Something went wrong',
    body: html`<p><strong>${error}</strong></p>
      <p>${description ?? 'The application sent an invalid request.'}</p>`,
  }
}

/** @param {string} name */
function initials(name) {
  return name
    .split(' ')
    .map((word) => word[0])
    .join('')
    .slice(0, 2)
}

/** @param {Page} page */
function layout({ provider, title, body, script }) {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · ${provider}</title>
<style>${trusted(style)}</style>
</head>
<body>
<main class="card">
<header class="brand"><span class="mark" aria-hidden="true"></span><span>${provider}</span></header>
<h1>${title}</h1>
${body}
</main>
<footer><p>A demo provider for local use. It has no accounts and forgets everything when it stops.</p></footer>
${script && html`<script>${trusted(script)}</script>`}
</body>
</html>
`.toString()
}

/** @param {Page} page */
function headersFor({ formAction = [], script }) {
  return pageHeaders({ style, formAction, ...(script === undefined ? {} : { script }) })
}

/**
 * @param {import('express').Response} res
 * @param {Page} page
 * @param {number} [status]
 */
export function sendToExpress(res, page, status = 200) {
  res.status(status).set(headersFor(page)).send(layout(page))
}

/**
 * Sends a page from one of oidc-provider's own routes, which use Koa.
 *
 * @param {import('oidc-provider').KoaContextWithOIDC} ctx
 * @param {Page} page
 */
export function sendToKoa(ctx, page) {
  ctx.set(headersFor(page))
  ctx.body = layout(page)
}
