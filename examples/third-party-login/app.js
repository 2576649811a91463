// @ts-check
import express from 'express'
import { callback, login, logout, relyingParty, requireAuth } from 'express-relying-party'
import session from 'express-session'
import { html } from '../shared/html.js'
import { errorPage, facts, pageSender, signIn, signOut } from '../shared/page.js'

/** The library's registration at the local provider. */
export const registration = {
  client_id: 'library',
  client_secret: 'no-secret-outside-of-this-demo',
  client_name: 'The library',
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

  // Other sites can start a login here with iss, login_hint and target_link_uri, using GET or POST.
  app.all('/login', login())
  app.all('/callback', callback())
  app.post('/logout', logout())

  app.get('/books/:id', requireAuth(), (req, res) => {
    const { name, sub } = req.auth.claims
    show(res, `Book ${req.params.id}`, html`${facts({ 'Read by': name, sub })}${signOut}`)
  })
  app.get('/', (_req, res) => {
    show(res, 'The library', html`<p>Come here from the portal, or sign in directly.</p>${signIn}`)
  })
  app.use(errorPage(show))
  return app
}

/**
 * Builds another site, which links its users to the library and knows who they are.
 *
 * @param {{ libraryUrl: string, issuer: string }} where
 */
export function createPortal({ libraryUrl, issuer }) {
  const portal = express()
  const show = pageSender()

  /** @param {Record<string, string>} parameters */
  const loginLink = (parameters) => `${libraryUrl}/login?${new URLSearchParams(parameters)}`

  portal.get('/', (_req, res) => {
    const book = `${libraryUrl}/books/7`
    show(
      res,
      'The portal',
      html`<p>These links start a login at the library, which is another site.</p>
        <p><a href="${loginLink({ iss: issuer, login_hint: 'grace', target_link_uri: book })}">Book 7, as Grace</a></p>
        <p><a href="${loginLink({ iss: issuer, target_link_uri: 'https://elsewhere.example/' })}">A page on another site</a>:
          the library signs you in and stays on its own pages.</p>
        <p><a href="${loginLink({ iss: 'https://unknown.example', target_link_uri: book })}">An unknown provider</a>:
          the library refuses the login.</p>`,
    )
  })
  return portal
}
