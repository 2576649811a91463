// Sends any number of fuzzed inputs: see CONTRIBUTING.md.
import { fileURLToPath } from 'node:url'
import { runnerImport } from 'vite'

const file = fileURLToPath(new URL('cli.ts', import.meta.url))
const { module } = await runnerImport(file, { configFile: false, logLevel: 'error' })
await module.main(process.argv.slice(2))
