// @ts-check
import { runExample } from '../shared/start.js'
import { createApp, registration } from './app.js'

await runExample({ createApp, registration }, ({ baseUrl }) => {
  const place = process.env.DATABASE_URL ? 'in PostgreSQL' : 'in memory (set DATABASE_URL for PostgreSQL)'
  return `Open ${baseUrl} and sign in; users are kept ${place}. Press Ctrl+C to stop.`
})
