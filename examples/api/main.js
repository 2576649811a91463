// @ts-check
import { run } from './run.js'

await run(console.log)
