// @ts-check
import { runExample, startBeside } from '../shared/start.js'
import { createApp, createPortal, registration } from './app.js'

await runExample({ createApp, registration }, async ({ baseUrl, provider }) => {
  const portal = await startBeside(createPortal({ libraryUrl: baseUrl, issuer: provider.issuer }))
  return `Open ${portal} and follow its links. Press Ctrl+C to stop.`
})
