// @ts-check
import { runExample } from '../shared/start.js'
import { createApp, prepareProvider, registration, user } from './app.js'

await runExample(
  { createApp, registration, prepareProvider },
  ({ baseUrl }) => `Open ${baseUrl} and sign in as ${user.username} with ${user.password}. Press Ctrl+C to stop.`,
)
