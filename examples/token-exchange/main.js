// @ts-check
import { addTokenExchange } from '../provider/token-exchange.js'
import { runExample } from '../shared/start.js'
import { createApp, registration } from './app.js'

await runExample(
  { createApp, registration, prepareProvider: addTokenExchange },
  ({ baseUrl }) => `Open ${baseUrl} and read the reports. Press Ctrl+C to stop.`,
)
