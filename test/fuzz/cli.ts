import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { targets } from './targets/index.js'

const USAGE = 'npm run fuzz -- [--target <name>] [--runs <number>] [--seed <number>] [--path <path>]'

/** Runs the targets that the arguments name, and prints what each took, or the first input that fails. */
export async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      target: { type: 'string', multiple: true },
      runs: { type: 'string', default: '20000' },
      seed: { type: 'string', default: String(randomInt(2 ** 31)) },
      path: { type: 'string' },
    },
  })
  const chosen = targets.filter(({ name }) => values.target?.includes(name) ?? true)
  const [runs, seed] = [Number(values.runs), Number(values.seed)]
  if (chosen.length === 0 || !Number.isSafeInteger(runs) || !Number.isSafeInteger(seed)) {
    console.error(`${USAGE}\n\ntargets: ${targets.map(({ name }) => name).join(', ')}`)
    process.exitCode = 2
    return
  }
  console.log(`seed ${seed}`)
  for (const target of chosen) {
    try {
      const path = values.path === undefined ? {} : { path: values.path }
      const before = process.cpuUsage()
      const report = await target.run({ seed, runs, ...path })
      const { user, system } = process.cpuUsage(before)
      const seconds = ((user + system) / 1e6).toFixed(1)
      console.log(`${target.name}: ${report.runs} inputs, ${report.accepted} accepted, ${seconds} s of CPU time`)
    } catch (error) {
      console.error(error)
      process.exitCode = 1
    }
  }
}
