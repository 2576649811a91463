// @ts-check
import express from 'express'
import { callback, login, logout, relyingParty, requireAuth } from 'express-relying-party'
import session from 'express-session'
import { html } from '../shared/html.js'
import { errorPage, facts, pageSender, signIn, signOut } from '../shared/page.js'

/** This application's registration at the local provider. It has no client secret. */
export const registration = {
  client_id: 'implicit',
  client_name: 'Implicit',
  grant_types: ['implicit'],
  response_types: /** @type {['id_token']} */ (['id_token']),
  token_endpoint_auth_method: /** @type {const} */ ('none'),
}

/** @param {import('../shared/start.js').Setting} setting */
export function createApp({ baseUrl, issuer, secret }) {
  const app = express()
  const show = pageSender(issuer)

  // The browser returns the ID token in a form POST, so it does not appear in URLs, the history or logs.
  const provider = {
    issuer,
    clientId: registration.client_id,
    responseType: /** @type {const} */ ('id_token'),
    scope: 'openid profile email',
  }

  app.use(session({ secret, resave: false, saveUninitialized: false, cookie: { secure: 'auto', sameSite: 'lax' } }))
  app.use(relyingParty({ baseUrl, secret, provider }))

  app.get('/login', login())
  app.all('/callback', callback())
  app.post('/logout', logout())

  app.get('/profile', requireAuth(), (req, res) => {
    const { name, email, sub, iss } = req.auth.claims
    show(res, `Hello, ${name}`, html`${facts({ name, email, sub, iss })}${signOut}`)
  })
  app.get('/', (req, res) => {
    if (req.auth.isAuthenticated) return res.redirect('/profile')
    const about = html`<p>This app only needs to know who you are. It gets an ID token, and no access to anything else.</p>`
    show(res, 'Who are you?', html`${about}${signIn}`)
  })
  app.use(errorPage(show))
  return app
}
