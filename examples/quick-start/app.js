// @ts-check
import express from 'express'
import { callback, login, logout, relyingParty, requireAuth, requireScope } from 'express-relying-party'
import session from 'express-session'
import { pageSender } from './layout.js'
import { errorPage, homePage, missingPage, profilePage, reportsPage, walkPage } from './pages.js'
import { createStepLog } from './steps.js'

/** This application's registration at the local provider. */
export const client = { clientId: 'quick-start', clientSecret: 'no-secret-outside-of-this-demo' }

/**
 * Builds the application.
 *
 * @param {object} options
 * @param {string} options.baseUrl the URL that browsers use
 * @param {string} options.issuer the provider's issuer
 * @param {string} options.secret at least 32 random characters
 * @param {'query' | 'form_post'} [options.responseMode] how the provider responds. Default is `query`
 */
export function createApp({ baseUrl, issuer, secret, responseMode = 'query' }) {
  const app = express()
  const steps = createStepLog()
  const show = pageSender(issuer)

  // #region The sign-in
  const scope = 'openid profile email offline_access reports:read'
  // Providers grant offline_access only if the user is asked for consent.
  const provider = { issuer, ...client, scope, responseMode, prompt: 'consent' }

  app.use(session({ secret, resave: false, saveUninitialized: false, cookie: { secure: 'auto', sameSite: 'lax' } }))
  app.use(relyingParty({ baseUrl, secret, provider, onEvent: steps.record }))

  app.get('/login', login())
  app.all('/callback', callback())
  app.post('/logout', logout())

  app.get('/profile', requireAuth(), (req, res) => {
    show(req, res, profilePage(req.auth))
  })
  app.get('/reports', requireScope('reports:read'), (req, res) => {
    show(req, res, reportsPage())
  })
  // #endregion

  app.disable('x-powered-by')
  app.get('/', (req, res) => {
    show(req, res, homePage(req.auth))
  })
  app.get('/what-happened', requireAuth(), (req, res) => {
    show(req, res, walkPage(steps.of(req.session), req.auth))
  })
  app.use((req, res) => {
    show(req, res.status(404), missingPage())
  })
  app.use(showError)

  /**
   * @param {import('./pages.js').ShownError} error
   * @param {express.Request} req
   * @param {express.Response} res
   * @param {express.NextFunction} next
   */
  function showError(error, req, res, next) {
    if (res.headersSent || !req.accepts('html')) return next(error)
    const status = error.status ?? 500
    if (status >= 500) console.error(error)
    show(req, res.status(status).set(error.headers ?? {}), errorPage(error, status, req.auth))
  }

  return app
}
