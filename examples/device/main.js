// @ts-check
import { runExample } from '../shared/start.js'
import { createApp, providerOptions, registration } from './app.js'

await runExample(
  { createApp, registration, providerOptions },
  ({ baseUrl }) =>
    `Open ${baseUrl}/device as the kiosk, then the link it shows in another window as the phone. Press Ctrl+C to stop.`,
)
