// @ts-check
import express from 'express'
import { rateLimit } from 'express-rate-limit'
import { logout, passwordLogin, relyingParty, requireAuth } from 'express-relying-party'
import session from 'express-session'
import { addPasswordGrant } from '../provider/password-grant.js'
import { html } from '../shared/html.js'
import { errorPage, facts, pageSender, signOut } from '../shared/page.js'

/** This application's registration at the local provider. */
export const registration = {
  client_id: 'password',
  client_secret: 'no-secret-outside-of-this-demo',
  grant_types: ['password', 'refresh_token'],
  redirect_uris: [],
  response_types: [],
}

/** The only user with a password. */
export const user = { username: 'ada', password: 'difference-engine' }

/** @param {import('../provider/index.js').RunningProvider} provider */
export function prepareProvider(provider) {
  addPasswordGrant(provider, { [user.username]: user.password })
}

/** @param {import('../shared/start.js').Setting} setting */
export function createApp({ baseUrl, issuer, secret }) {
  const app = express()
  const show = pageSender(issuer)
  const provider = {
    issuer,
    clientId: registration.client_id,
    clientSecret: registration.client_secret,
    scope: 'openid profile',
  }

  app.use(session({ secret, resave: false, saveUninitialized: false, cookie: { secure: 'auto', sameSite: 'lax' } }))
  app.use(relyingParty({ baseUrl, secret, provider }))

  const limiter = rateLimit({ windowMs: 15 * 60_000, limit: 10 })
  app.post('/password-login', passwordLogin({ allowPasswordGrant: true, rateLimit: limiter, returnTo: '/profile' }))
  app.post('/logout', logout())

  app.get('/profile', requireAuth({ respondWith: 'json' }), (req, res) => {
    const { name, sub } = req.auth.claims
    show(res, `Hello, ${name}`, html`${facts({ name, sub })}${signOut}`)
  })
  app.get('/', (_req, res) => {
    show(
      res,
      'Sign in with a password',
      html`<p class="warning">For legacy applications only: this app can see your password.</p>
        <form method="post" action="/password-login">
          <label>Name <input name="username" autocomplete="username" required></label>
          <label>Password <input name="password" type="password" autocomplete="current-password" required></label>
          <button class="primary">Sign in</button>
        </form>`,
    )
  })
  app.use(errorPage(show))
  return app
}
