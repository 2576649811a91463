// @ts-check
import { startSocial } from './start.js'

const { baseUrl, close } = await startSocial()
process.once('SIGINT', close)
process.once('SIGTERM', close)
console.log(`Open ${baseUrl} and sign in with one of four imitated providers. Press Ctrl+C to stop.`)
