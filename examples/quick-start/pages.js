// @ts-check
import { readFileSync } from 'node:fs'
import { html } from '../shared/html.js'
import { signOut } from './layout.js'
import { duration, walkThrough } from './walk.js'

/** @typedef {import('express-relying-party').Auth} Auth */
/** @typedef {import('./layout.js').Page} Page */

/**
 * The properties of an error that the error page reads. All but `message` may be missing.
 *
 * @typedef {Error & { status?: number, code?: string, expose?: boolean, retryUrl?: string,
 *   headers?: Record<string, string> }} ShownError
 */

/**
 * @param {Auth} auth
 * @returns {Page}
 */
export function homePage(auth) {
  return auth.isAuthenticated ? welcome(auth) : introduction()
}

/** @returns {Page} */
function introduction() {
  return {
    title: 'Sign in with OpenID Connect',
    body: html`<p class="lead">A small Express app that signs you in at a local provider with
        <strong>express-relying-party</strong>. Sign in, open a page that requires a scope, then see step by step what happened.</p>
      <p><a class="button primary" href="/login">Sign in</a></p>
      <ul class="tiles">
        ${tile('/profile', 'Profile', 'For signed-in users. Open it now to sign in first and return to it afterwards.')}
        ${tile('/reports', 'Reports', 'Requires the scope reports:read. Ada and Grace have it, Alan does not.')}
        ${tile('/what-happened', 'What happened', 'The login step by step, and how each step protects you.')}
      </ul>
      ${ownCode()}`,
  }
}

/**
 * @param {Auth} auth
 * @returns {Page}
 */
function welcome({ claims, subject, scopes }) {
  return {
    title: `Hello, ${claims.name ?? subject}`,
    body: html`<p class="lead">You are signed in. The provider identified you, and the app verified its response.</p>
      <ul class="tiles">
        ${tile('/what-happened', 'What happened', 'This login step by step, and how each step protects you.')}
        ${tile('/profile', 'Profile', 'What the app knows about you from the provider.')}
        ${tile(
          '/reports',
          'Reports',
          scopes.includes('reports:read')
            ? 'You have reports:read.'
            : 'You do not have reports:read. See how the app denies access.',
        )}
      </ul>
      ${ownCode()}`,
  }
}

/**
 * @param {string} href
 * @param {string} title
 * @param {string} text
 */
function tile(href, title, text) {
  return html`<li class="tile"><h2><a href="${href}">${title}</a></h2><p>${text}</p></li>`
}

/** Returns the part of this app that signs users in, as code. */
function ownCode() {
  return html`<section class="code">
    <h2>The code behind it</h2>
    <pre tabindex="0"><code>${signInCode}</code></pre>
    <p class="quiet">From <code>examples/quick-start/app.js</code>.</p>
  </section>`
}

const [, signInRegion = ''] = readFileSync(new URL('./app.js', import.meta.url), 'utf8').split(
  / *\/\/ #(?:end)?region.*\n/,
)
const signInCode = signInRegion.replace(/^ {2}/gm, '').trimEnd()

/**
 * @param {Auth} auth
 * @returns {Page}
 */
export function profilePage({ claims }) {
  return {
    title: 'Profile',
    body: html`<p class="lead">The claims in your verified ID token.</p>
      <table>
        <thead><tr><th scope="col">Claim</th><th scope="col">Value</th></tr></thead>
        <tbody>
          ${Object.entries(claims).map(
            ([name, value]) =>
              html`<tr><th scope="row"><code>${name}</code></th><td>${readable(name, value)}</td></tr>`,
          )}
        </tbody>
      </table>`,
  }
}

const timeClaims = new Set(['auth_time', 'exp', 'iat', 'nbf', 'updated_at'])

/**
 * @param {string} name
 * @param {unknown} value
 */
function readable(name, value) {
  if (typeof value === 'number' && timeClaims.has(name)) {
    return html`${value} <span class="quiet">(${new Date(value * 1000).toUTCString()})</span>`
  }
  return typeof value === 'string' ? value : JSON.stringify(value)
}

const reports = [
  ['Analytical engine', 'Parts ordered, 2 of 25,000 fitted'],
  ['Compiler', 'First programs compiled'],
  ['Imitation game', 'Judges still undecided'],
]

/** @returns {Page} */
export function reportsPage() {
  return {
    title: 'Reports',
    body: html`<p class="lead">You see this page because <code>reports:read</code> was granted.</p>
      <table>
        <thead><tr><th scope="col">Project</th><th scope="col">State</th></tr></thead>
        <tbody>
          ${reports.map(([project, state]) => html`<tr><th scope="row">${project}</th><td>${state}</td></tr>`)}
        </tbody>
      </table>`,
  }
}

/**
 * @param {import('./steps.js').LoginLog} log
 * @param {Auth} auth
 * @returns {Page}
 */
export function walkPage(log, auth) {
  const steps = walkThrough(log, auth)
  const start = log.events[0]?.time ?? 0
  return {
    title: 'What happened at this login',
    body:
      steps.length === 0
        ? html`<p class="lead">This login is no longer in the log. The app keeps only the most recent ones.</p>`
        : html`<p class="lead">From clicking “Sign in” to this page, based on the library’s events.</p>
          <ol class="walk">${steps.map((step) => walkItem(step, start))}</ol>`,
  }
}

/**
 * @param {import('./walk.js').Step} step
 * @param {number} start
 */
function walkItem({ title, path, time, text, facts, guards }, start) {
  return html`<li>
    <div class="step-head">
      <h2>${title}</h2>
      <span class="path">${path}</span>
      ${time !== undefined && html`<span class="time">${time === start ? 'Start' : `after ${duration(time - start)}`}</span>`}
    </div>
    <p>${text}</p>
    ${facts.length > 0 && html`<dl class="facts">${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`}
    ${
      guards.length > 0 &&
      html`<div class="guards">
        <h3>How this protects you</h3>
        <ul>${guards.map(([name, protection]) => html`<li><strong>${name}:</strong> ${protection}</li>`)}</ul>
      </div>`
    }
  </li>`
}

/** @returns {Page} */
export function missingPage() {
  return { title: 'Page not found', body: html`<p>This page does not exist. <a href="/">Go to the home page</a>.</p>` }
}

/**
 * @param {ShownError} error
 * @param {number} status
 * @param {Auth | undefined} auth
 * @returns {Page}
 */
export function errorPage(error, status, auth) {
  const { code, retryUrl } = error
  return {
    title: errorTitle(code, status),
    body: html`<p class="lead">${explanation(error, status)}</p>
      ${code === 'ERR_INSUFFICIENT_SCOPE' && auth && scopeHelp(auth)}
      <div class="actions">
        ${retryUrl !== undefined && html`<a class="button primary" href="${retryUrl}">Try again</a>`}
        ${code === 'ERR_INSUFFICIENT_SCOPE' && signOut('Sign out and switch users')}
        <a class="button" href="/">Go to the home page</a>
      </div>
      <p class="quiet">Status ${status}${code !== undefined && html`, code <code>${code}</code>`}</p>`,
  }
}

/**
 * @param {string | undefined} code
 * @param {number} status
 */
function errorTitle(code, status) {
  if (code === 'ERR_AUTHORIZATION_DENIED') return 'Sign-in cancelled'
  if (code === 'ERR_INSUFFICIENT_SCOPE') return 'You do not have access to this page'
  if (status === 503) return 'Temporarily unavailable'
  return status >= 500 ? 'Something went wrong' : 'This request failed'
}

/**
 * @param {ShownError} error
 * @param {number} status
 */
function explanation({ expose, message }, status) {
  if (expose) return sentence(message)
  return status === 503
    ? 'The provider, or another service this app depends on, is not responding. Please try again in a moment.'
    : 'This is a problem on our side. It has been logged.'
}

/** @param {string} message */
function sentence(message) {
  return `${message.charAt(0).toUpperCase()}${message.slice(1)}.`.replace(/\.\.$/, '.')
}

/** @param {Auth} auth */
function scopeHelp({ claims, subject, scopes }) {
  return html`<p><strong>${claims.name ?? subject}</strong> has these scopes:
    ${scopes.map((scope) => html`<code class="chip">${scope}</code> `)}</p>`
}
