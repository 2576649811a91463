// @ts-check
import { html, trusted } from '../shared/html.js'
import { sendToKoa } from './pages.js'

/** @typedef {import('oidc-provider').KoaContextWithOIDC} Context */

/**
 * Returns the pages of the device authorization grant, as oidc-provider expects them.
 *
 * @param {string} provider the provider's name
 */
export function devicePages(provider) {
  return {
    /**
     * @param {Context} ctx
     * @param {string} form by oidc-provider, without its buttons
     * @param {import('oidc-provider').ErrorOut} [_out]
     * @param {Error & { userCode?: string }} [error]
     */
    userCodeInputSource(ctx, form, _out, error) {
      sendToKoa(ctx, {
        provider,
        title: 'Connect a device',
        body: html`<p role="status">${error ? inputProblem(error) : 'Enter the code shown on the device.'}</p>
          <div class="code-entry">${trusted(withoutScript(form))}</div>
          <div class="actions"><button class="primary" form="op.deviceInputForm">Continue</button></div>`,
      })
    },
    /**
     * @param {Context} ctx
     * @param {string} form
     * @param {import('oidc-provider').Client} client
     * @param {unknown} _deviceInfo
     * @param {string} userCode
     */
    userCodeConfirmSource(ctx, form, client, _deviceInfo, userCode) {
      sendToKoa(ctx, {
        provider,
        title: 'Is this your device?',
        body: html`<p><strong>${client.clientName ?? client.clientId}</strong> should show this code now:</p>
          <p class="user-code">${userCode}</p>
          <p>If it does not, or if you did not start this, choose “Not mine”.</p>
          ${trusted(form)}
          <div class="actions">
            <button class="primary" form="op.deviceConfirmForm">Connect it</button>
            <button name="abort" value="yes" form="op.deviceConfirmForm">Not mine</button>
          </div>`,
      })
    },
    /** @param {Context} ctx */
    successSource(ctx) {
      sendToKoa(ctx, {
        provider,
        title: 'Device connected',
        body: html`<p>You can close this page and continue on the device.</p>`,
      })
    },
  }
}

/**
 * Removes the inline script of oidc-provider's input, which our policy blocks, and labels the input.
 *
 * @param {string} form
 */
function withoutScript(form) {
  return form.replace(/onfocus="[^"]*"/, 'aria-label="Code"')
}

/** @param {Error & { userCode?: string }} error */
function inputProblem(error) {
  if (error.name === 'AbortedError') return 'The device was not connected.'
  if (error.userCode || error.name === 'NoCodeError')
    return 'This code is wrong or has expired. Please check it, or get a new one.'
  return 'Something went wrong. Please start again on the device.'
}
