// @ts-check
import express from 'express'
import { callback, login, logout, relyingParty, requireAuth, requireScope } from 'express-relying-party'
import session from 'express-session'
import { html } from '../shared/html.js'
import { errorPage, facts, pageSender, signIn, signOut } from '../shared/page.js'

/** This application's registration at the local provider. */
export const registration = {
  client_id: 'hybrid',
  client_secret: 'no-secret-outside-of-this-demo',
  client_name: 'Hybrid',
  grant_types: ['implicit', 'authorization_code', 'refresh_token'],
  response_types: /** @type {['code id_token']} */ (['code id_token']),
}

/** @param {import('../shared/start.js').Setting} setting */
export function createApp({ baseUrl, issuer, secret }) {
  const app = express()
  const show = pageSender(issuer)
  /** @type {Map<string, readonly string[]>} The checks of the latest login, by user. */
  const checked = new Map()

  const provider = {
    issuer,
    clientId: registration.client_id,
    clientSecret: registration.client_secret,
    // An ID token comes with the code and holds its hash, which is checked before the code is redeemed.
    responseType: /** @type {const} */ ('code id_token'),
    scope: 'openid profile reports:read',
  }

  app.use(session({ secret, resave: false, saveUninitialized: false, cookie: { secure: 'auto', sameSite: 'lax' } }))
  app.use(
    relyingParty({
      baseUrl,
      secret,
      provider,
      onEvent: (event) => event.type === 'login.verified' && checked.set(event.subject, event.checks),
    }),
  )

  app.get('/login', login())
  app.all('/callback', callback())
  app.post('/logout', logout())

  app.get('/profile', requireAuth(), (req, res) => {
    const { claims, subject = '', scopes } = req.auth
    const checks = checked.get(subject)?.join(', ')
    const known = { name: claims.name, sub: subject, granted: scopes.join(' '), checked: checks }
    show(res, `Hello, ${claims.name}`, html`${facts(known)}<p><a href="/reports">Reports</a></p>${signOut}`)
  })
  app.get('/reports', requireScope('reports:read'), (_req, res) => {
    show(res, 'Reports', html`<p>Harvest, Tides.</p><p><a href="/profile">Profile</a></p>`)
  })
  app.get('/', (req, res) => {
    if (req.auth.isAuthenticated) return res.redirect('/profile')
    const about = html`<p>The browser returns a code, and an ID token that contains the hash of the code.</p>`
    show(res, 'Sign in with the hybrid flow', html`${about}${signIn}`)
  })
  app.use(errorPage(show))
  return app
}
