// @ts-check
import express from 'express'
import { deviceLogin, logout, relyingParty, requireAuth } from 'express-relying-party'
import session from 'express-session'
import { html } from '../shared/html.js'
import { errorPage, facts, pageSender, signOut } from '../shared/page.js'

/** The kiosk's registration at the local provider. */
export const registration = {
  client_id: 'kiosk',
  client_secret: 'no-secret-outside-of-this-demo',
  client_name: 'Lobby kiosk',
  grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
  redirect_uris: [],
  response_types: [],
}

/** @type {import('../provider/index.js').ProviderOptions} */
export const providerOptions = { features: { deviceFlow: { enabled: true } } }

/** @param {import('../shared/start.js').Setting} setting */
export function createApp({ baseUrl, issuer, secret }) {
  const app = express()
  const show = pageSender(issuer)
  const provider = {
    issuer,
    clientId: registration.client_id,
    clientSecret: registration.client_secret,
    scope: 'openid profile reports:read',
  }

  app.use(session({ secret, resave: false, saveUninitialized: false, cookie: { secure: 'auto', sameSite: 'lax' } }))
  app.use(relyingParty({ baseUrl, secret, provider }))

  // Shows a code and its QR code, waits for approval, signs this browser in and redirects to the dashboard.
  app.all('/device', deviceLogin({ returnTo: '/dashboard' }))
  app.post('/logout', logout())

  app.get('/dashboard', requireAuth({ respondWith: 'json' }), (req, res) => {
    const { claims, scopes } = req.auth
    show(res, `Welcome, ${claims.name}`, html`${facts({ sub: claims.sub, granted: scopes.join(' ') })}${signOut}`)
  })
  app.get('/', (req, res) => {
    if (req.auth.isAuthenticated) return res.redirect('/dashboard')
    const about = html`<p>This screen has no keyboard. Sign in with your phone.</p>`
    show(res, 'Kiosk', html`${about}<p><a class="button primary" href="/device">Sign in with your phone</a></p>`)
  })
  app.use(errorPage(show))
  return app
}
