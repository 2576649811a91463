// @ts-check
import { runExample } from '../shared/start.js'
import { createApp, registration } from './app.js'

await runExample({ createApp, registration }, ({ baseUrl }) => `Open ${baseUrl} and sign in. Press Ctrl+C to stop.`)
