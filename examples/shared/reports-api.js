// @ts-check
import express from 'express'
import { requireScope, resourceServer } from 'express-relying-party'

/**
 * Builds an API that requires an access token issued for it, with the scope that each method needs.
 *
 * @param {object} options
 * @param {string} options.issuer the provider whose tokens it accepts
 * @param {string} options.audience its identifier in the `aud` claim
 */
export function createReportsApi({ issuer, audience }) {
  const api = express()
  const reports = ['Harvest', 'Tides']

  api.use(resourceServer({ issuer, audience }))
  api.get('/reports', requireScope('reports:read'), (req, res) => {
    const { sub, client_id: client, scope } = req.auth.claims
    res.json({ reports, caller: { sub, client, scope } })
  })
  api.post('/reports', requireScope('reports:write'), express.json(), (req, res) => {
    const { title } = req.body ?? {}
    if (typeof title !== 'string' || title.length < 1 || title.length > 80) return res.status(400).end()
    reports.push(title)
    res.status(201).json({ reports })
  })
  return api
}
