// @ts-check
import express from 'express'
import { callback, login, logout, relyingParty, requireAuth, signedOutPage } from 'express-relying-party'
import { apple, github, google, microsoft } from 'express-relying-party/providers'
import session from 'express-session'
import { html } from '../shared/html.js'
import { facts, pageSender, signIn, signOut } from '../shared/page.js'

/**
 * Returns the providers. An application leaves out the URLs: they lead to the local imitations.
 *
 * @param {Pick<Awaited<ReturnType<typeof import('../shapes/index.js').startShapes>>, 'url' | 'client' | 'appleKey'>} shapes
 */
export function providersAt({ url, client, appleKey }) {
  const { clientId } = client
  return {
    google: google({ ...client, issuer: `${url}/google` }),
    github: github({ ...client, baseUrl: `${url}/github` }),
    apple: apple({ clientId, teamId: 'A1B2C3D4E5', keyId: 'F6G7H8I9J0', privateKey: appleKey, issuer: `${url}/apple` }),
    microsoft: microsoft({ ...client, tenant: 'common', authority: `${url}/microsoft` }),
  }
}

/**
 * @param {object} setting
 * @param {string} setting.baseUrl
 * @param {string} setting.secret
 * @param {ReturnType<typeof providersAt>} setting.providers
 */
export function createApp({ baseUrl, secret, providers }) {
  const app = express()
  const show = pageSender()

  app.use(session({ secret, resave: false, saveUninitialized: false, cookie: { secure: 'auto', sameSite: 'lax' } }))
  app.use(relyingParty({ baseUrl, secret, providers, pages: { applicationName: 'Notebook' } }))

  app.get('/login', login())
  app.all('/callback/:provider', callback())
  app.post('/logout', logout({ returnTo: '/signed-out' }))
  app.get('/signed-out', signedOutPage())

  app.get('/profile', requireAuth(), (req, res) => {
    const { name, email, email_verified, iss, sub } = req.auth.claims
    const account = facts({
      provider: req.auth.provider,
      name,
      email,
      email_verified: String(email_verified),
      iss,
      sub,
    })
    show(res, `Hello, ${name ?? email ?? sub}`, html`${account}${signOut}`)
  })
  app.get('/', (req, res) => {
    if (req.auth.isAuthenticated) return res.redirect('/profile')
    show(res, 'Notebook', html`<p>Sign in with an account that you have already.</p>${signIn}`)
  })
  return app
}
