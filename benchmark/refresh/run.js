// Measures refreshes of many sessions in four processes that share a store, and what is lost if one is killed meanwhile:
// see docs/benchmark-refresh.md. The measurements are in TypeScript, like the storm test that they use.
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { runnerImport } from 'vite'

const { values } = parseArgs({
  options: {
    sessions: { type: 'string', default: '200' },
    requests: { type: 'string', default: '50' },
    rounds: { type: 'string', default: '3' },
    kills: { type: 'string', default: '10' },
    herd: { type: 'string', default: '1000' },
    checkout: { type: 'string' },
  },
})
const { checkout, ...sizes } = values
const size = Object.fromEntries(Object.entries(sizes).map(([name, value]) => [name, Number(value)]))
const { default: startServers } = await load('../../test/support/run/servers.ts')
const { measure } = await load('measure.ts')

const stop = await startServers()
const stores = [
  ['Redis', { redisUrl: process.env.REDIS_URL }],
  ['PostgreSQL', { postgresUrl: process.env.POSTGRES_URL }],
]
for (const [name, urls] of stores) {
  if (Object.values(urls).every(Boolean)) await measure(name, urls, size, checkout)
  else console.log(`\n${name}: skipped: it is not installed, and no environment variable names it`)
}
await stop()

/** @param {string} path */
async function load(path) {
  const file = fileURLToPath(new URL(path, import.meta.url))
  return (await runnerImport(file, { configFile: false, logLevel: 'error' })).module
}
