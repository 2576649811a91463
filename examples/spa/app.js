// @ts-check
import { fileURLToPath } from 'node:url'
import express from 'express'
import {
  callback,
  login,
  logout,
  relyingParty,
  requireAuth,
  requireSameOrigin,
  userInfoRoute,
} from 'express-relying-party'
import session from 'express-session'
import { createProxyMiddleware } from 'http-proxy-middleware'

/** The API's identifier in the `aud` claim. */
export const audience = 'https://reports.example/'

/** This application's registration at the local provider. */
export const registration = {
  client_id: 'spa',
  client_secret: 'no-secret-outside-of-this-demo',
  client_name: 'Single page',
}

/** @type {import('../provider/index.js').ProviderOptions} */
export const providerOptions = {
  features: { resourceIndicators: { enabled: true, useGrantedResource: () => true } },
}

const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "form-action 'none'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** @param {import('../shared/start.js').Setting & { apiUrl: string }} setting */
export function createApp({ baseUrl, issuer, secret, apiUrl }) {
  const app = express()
  const provider = {
    issuer,
    clientId: registration.client_id,
    clientSecret: registration.client_secret,
    scope: 'openid profile reports:read reports:write',
    resource: audience,
  }

  app.use(session({ secret, resave: false, saveUninitialized: false, cookie: { secure: 'auto', sameSite: 'lax' } }))
  app.use(relyingParty({ baseUrl, secret, provider }))

  app.get('/login', login())
  app.all('/callback', callback())
  app.post('/logout', logout())
  app.get('/user', userInfoRoute({ claims: ['name'] }))

  // These routes are all that the page may call at the API. Tokens never reach the browser; cookies never reach the API.
  const forward = [requireSameOrigin({ header: 'X-Requested-With' }), requireAuth(), addToken, createProxy(apiUrl)]
  app.get('/api/reports', forward)
  app.post('/api/reports', forward)

  app.use((_req, res, next) => {
    res.set({ 'Content-Security-Policy': policy, 'X-Content-Type-Options': 'nosniff' })
    next()
  })
  app.use(express.static(pathOf('./public')))
  for (const style of ['base.css', 'page.css']) {
    app.get(`/${style}`, (_req, res) => res.sendFile(pathOf(`../shared/${style}`)))
  }
  return app
}

/**
 * @param {express.Request} req
 * @param {express.Response} _res
 * @param {express.NextFunction} next
 */
async function addToken(req, _res, next) {
  req.headers.authorization = `Bearer ${await req.auth.getAccessToken()}`
  next()
}

/** @param {string} target */
function createProxy(target) {
  return createProxyMiddleware({
    target,
    changeOrigin: true,
    pathRewrite: { '^/api': '' },
    proxyTimeout: 10_000,
    on: {
      proxyReq: (request) => request.removeHeader('cookie'),
      proxyRes: (response) => delete response.headers['set-cookie'],
    },
  })
}

/** @param {string} file */
function pathOf(file) {
  return fileURLToPath(new URL(file, import.meta.url))
}
