// @ts-check
import express from 'express'
import { callback, login, logout, relyingParty, requireAuth } from 'express-relying-party'
import session from 'express-session'
import { tokenExchangeGrant } from '../provider/token-exchange.js'
import { html } from '../shared/html.js'
import { errorPage, facts, pageSender, signOut } from '../shared/page.js'
import { createReportsApi } from '../shared/reports-api.js'

/** This application's registration at the local provider. */
export const registration = {
  client_id: 'token-exchange',
  client_secret: 'no-secret-outside-of-this-demo',
  client_name: 'Token exchange',
  grant_types: ['authorization_code', 'refresh_token', tokenExchangeGrant],
}

/** @param {import('../shared/start.js').Setting} setting */
export function createApp({ baseUrl, issuer, secret }) {
  const app = express()
  const show = pageSender(issuer)

  // In production this is a separate service. It accepts only tokens issued for it.
  const api = `${baseUrl}/api`
  app.use('/api', createReportsApi({ issuer, audience: api }))

  const provider = {
    issuer,
    clientId: registration.client_id,
    clientSecret: registration.client_secret,
    scope: 'openid profile reports:read reports:write',
    // Without this line the refresh token is used: then request offline_access, and add the API to `resource`.
    tokenExchange: true,
  }

  app.use(session({ secret, resave: false, saveUninitialized: false, cookie: { secure: 'auto', sameSite: 'lax' } }))
  app.use(relyingParty({ baseUrl, secret, provider }))

  app.get('/login', login())
  app.all('/callback', callback())
  app.post('/logout', logout())

  app.get('/reports', requireAuth(), async (req, res) => {
    // For this API only, and read-only. It is kept with the session until shortly before it expires.
    const token = await req.auth.getAccessToken({ resource: api, scope: 'reports:read' })
    const own = await req.auth.fetch(`${api}/reports`)
    const exchanged = await fetch(`${api}/reports`, { headers: { Authorization: `Bearer ${token}` } })
    const answers = {
      "With the session's own token": `${own.status}: it was not issued for this API`,
      'With the exchanged token': `${exchanged.status}: ${await exchanged.text()}`,
    }
    show(res, 'Reports', html`${facts(answers)}${signOut}`)
  })
  app.get('/', (req, res) => {
    if (req.auth.isAuthenticated) return res.redirect('/reports')
    const about = html`<p>This app calls an API on your behalf, with a token that is valid for that API only.</p>`
    show(
      res,
      'A token for another API',
      html`${about}<p><a class="button primary" href="/reports">Read the reports</a></p>`,
    )
  })
  app.use(errorPage(show))
  return app
}
