// @ts-check
import express from 'express'
import { requireScope, resourceServer } from 'express-relying-party'

/**
 * Creates an API whose routes require an access token with a scope.
 *
 * @param {object} options
 * @param {string} options.issuer the authorization server
 * @param {string} options.audience the `aud` of the tokens for this API
 */
export function createApi({ issuer, audience }) {
  const app = express()
  const reports = ['Q1 sales', 'Q2 sales']

  // #region The protection
  app.use(resourceServer({ issuer, audience, typ: 'at+jwt' }))

  app.get('/reports', requireScope('reports:read'), (_req, res) => {
    res.json(reports)
  })
  app.post('/reports', requireScope('reports:write'), (req, res) => {
    reports.push(`Q${reports.length + 1} sales`)
    res.status(201).json({ by: req.auth.subject ?? req.auth.claims.client_id })
  })
  // #endregion

  app.use(sendError)
  return app
}

/**
 * Responds with the status, headers (such as `WWW-Authenticate`) and code of the error, and nothing else.
 *
 * @param {{ status?: number, headers?: Record<string, string>, code?: string }} error
 * @param {express.Request} _req
 * @param {express.Response} res
 * @param {express.NextFunction} next
 */
function sendError(error, _req, res, next) {
  if (res.headersSent) return next(error)
  res
    .status(error.status ?? 500)
    .set(error.headers ?? {})
    .json({ error: error.code ?? 'server_error' })
}
