import { execFile } from 'node:child_process'

export interface Outcome {
  status: number
  stdout: string
  stderr: string
}

/** Runs a program to its end. `status` is its exit code, `-1` where it was ended by a signal. */
export function run(command: string, args: readonly string[], cwd: string): Promise<Outcome> {
  return new Promise((resolve) => {
    const options = { cwd, env: environment(), maxBuffer: 64 * 1024 * 1024, timeout: 240_000 }
    execFile(command, args, options, (error, stdout, stderr) => {
      const code = error?.code
      resolve({ status: error ? (typeof code === 'number' ? code : -1) : 0, stdout, stderr })
    })
  })
}

/** Runs a program that must succeed. */
export async function runOrThrow(command: string, args: readonly string[], cwd: string): Promise<string> {
  const { status, stdout, stderr } = await run(command, args, cwd)
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}\n${stdout}\n${stderr}`)
  return stdout
}

/** This process's variables without those of the runner, and without what `npm run` tells its scripts. */
export function environment(): NodeJS.ProcessEnv {
  const entries = Object.entries(process.env).filter(
    ([name]) => !/^(npm_(?!config_registry)|VITEST|NODE_ENV$|TEST$|NODE_OPTIONS$|FORCE_COLOR$)/.test(name),
  )
  return { ...Object.fromEntries(entries), NO_COLOR: '1' }
}
