// @ts-check
import { createReportsApi } from '../shared/reports-api.js'
import { startExample } from '../shared/start.js'
import { providerOptions, registration, runTool } from './app.js'

const { baseUrl, provider, close } = await startExample({
  createApp: ({ baseUrl, issuer }) => createReportsApi({ issuer, audience: baseUrl }),
  registration,
  providerOptions,
})
const stop = new AbortController()
process.once('SIGINT', () => stop.abort())
process.once('SIGTERM', () => stop.abort())
try {
  await runTool({ issuer: provider.issuer, apiUrl: baseUrl, say: console.log, signal: stop.signal })
} catch (error) {
  if (!stop.signal.aborted) throw error
} finally {
  await close()
}
