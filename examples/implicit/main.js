// @ts-check
import { runExample } from '../shared/start.js'
import { createApp, registration } from './app.js'

await runExample({ createApp, registration }, (url) => `Open ${url} and sign in. Ctrl+C stops.`)
