// @ts-check
import { formTarget, html, trusted } from '../shared/html.js'
import { sendToKoa } from './pages.js'

/** @typedef {import('oidc-provider').KoaContextWithOIDC} Context */

const submitForm = "document.getElementById('op.logoutForm').submit()"

/**
 * Returns the pages of RP-initiated logout, as oidc-provider expects them.
 *
 * @param {string} provider the provider's name
 */
export function logoutPages(provider) {
  return {
    /**
     * Asks whether to sign out. If the `id_token_hint` belongs to this session, the user has already asked the
     * application for it, and the page submits itself.
     *
     * @param {Context} ctx
     * @param {string} form by oidc-provider, without its buttons
     */
    logoutSource(ctx, form) {
      const appName = ctx.oidc.client?.clientName ?? ctx.oidc.client?.clientId
      const known = provesSession(ctx)
      sendToKoa(ctx, {
        provider,
        title: known ? 'Signing out' : 'Sign out?',
        formAction: [formTarget(ctx.oidc.params?.post_logout_redirect_uri)],
        body: known ? signingOut(form) : question(form, appName),
        ...(known ? { script: submitForm } : {}),
      })
    },
    /** @param {Context} ctx */
    postLogoutSuccessSource(ctx) {
      sendToKoa(ctx, {
        provider,
        title: 'Signed out',
        body: html`<p>You are signed out of ${provider}. You can close this page.</p>`,
      })
    },
  }
}

/** @param {string} form */
function signingOut(form) {
  return html`${trusted(form)}
    <input type="hidden" name="logout" value="yes" form="op.logoutForm">
    <noscript><p>Scripts are disabled. Please confirm:</p><button class="primary" form="op.logoutForm">Sign out</button></noscript>`
}

/**
 * @param {string} form
 * @param {string | undefined} appName
 */
function question(form, appName) {
  return html`<p>${appName ? html`<strong>${appName}</strong> asks to sign you out here` : 'You are about to sign out here'},
      which also affects your other applications.</p>
    ${trusted(form)}
    <div class="actions">
      <button class="primary" name="logout" value="yes" form="op.logoutForm">Sign out</button>
      <button form="op.logoutForm">Stay signed in</button>
    </div>`
}

/**
 * Returns whether the `id_token_hint`, which oidc-provider has verified, identifies the signed-in user.
 *
 * @param {Context} ctx
 */
function provesSession({ oidc }) {
  const { IdTokenHint: hint } = /** @type {{ IdTokenHint?: { payload: { sub?: string, sid?: string } } }} */ (
    oidc.entities
  )
  const clientId = oidc.client?.clientId
  if (!hint || !oidc.session || clientId === undefined) return false
  const { sub, sid } = hint.payload
  return sub === oidc.session.accountId && (sid === undefined || sid === oidc.session.sidFor(clientId))
}
