// @ts-check
import { createReportsApi } from '../shared/reports-api.js'
import { runExample, startBeside } from '../shared/start.js'
import { audience, createApp, providerOptions, registration } from './app.js'

await runExample(
  {
    async createApp(setting) {
      const apiUrl = await startBeside(createReportsApi({ issuer: setting.issuer, audience }))
      return createApp({ ...setting, apiUrl })
    },
    registration,
    providerOptions,
  },
  ({ baseUrl }) =>
    `Open ${baseUrl} and sign in. Ada may read and write reports, Grace may only read. Press Ctrl+C to stop.`,
)
