// @ts-check
import express from 'express'
import { callback, login, logout, relyingParty, requireAuth } from 'express-relying-party'
import session from 'express-session'
import { html } from '../shared/html.js'
import { facts, pageSender, signIn, signOut } from '../shared/page.js'
import { openDatabase, openUsers } from './users.js'

/** This application's registration at the local provider. */
export const registration = {
  client_id: 'users-postgres',
  client_name: 'Members',
  client_secret: 'only-for-the-local-provider',
}

/** @param {import('../shared/start.js').Setting} setting */
export async function createApp({ baseUrl, issuer, secret }) {
  const users = await openUsers(await openDatabase(process.env.DATABASE_URL))
  const app = express()
  const show = pageSender(issuer)

  app.use(session({ secret, resave: false, saveUninitialized: false, cookie: { secure: 'auto', sameSite: 'lax' } }))
  app.use(
    relyingParty({
      baseUrl,
      secret,
      provider: {
        issuer,
        clientId: registration.client_id,
        clientSecret: registration.client_secret,
        scope: 'openid profile email',
      },
      // Runs before anything is stored: if the database is down, no one is half signed in.
      async onLogin(login) {
        const { id, logins } = await users.findOrCreate(login.claims)
        if (logins === 1) login.returnTo = '/welcome'
        return { ...login.claims, userId: id }
      },
    }),
  )

  app.get('/login', login())
  app.all('/callback', callback())
  app.post('/logout', logout())

  app.get('/welcome', requireAuth(), (_req, res) => {
    show(res, 'Welcome', html`<p>You are a new member.</p><p><a class="button" href="/profile">Go on</a></p>`)
  })
  app.get('/profile', requireAuth(), (req, res) => {
    const { userId, name, email } = req.auth.claims
    show(res, `Hello, ${name}`, html`${facts({ userId, name, email })}${signOut}`)
  })
  app.get('/', (req, res) => {
    if (req.auth.isAuthenticated) return res.redirect('/profile')
    show(res, 'Members', html`<p>Whoever signs in becomes a member, once.</p>${signIn}`)
  })
  return app
}
