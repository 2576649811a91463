// @ts-check
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

// Runs one of the examples, after building the package if its sources have changed.
const root = fileURLToPath(new URL('..', import.meta.url))
const names = readdirSync(join(root, 'examples')).filter((name) => existsSync(mainOf(name)))
const [name = ''] = process.argv.slice(2)

if (names.includes(name)) {
  if (isBuildOutdated()) run(join(root, 'node_modules/tsup/dist/cli-default.js'), '--silent', '--no-dts')
  run(mainOf(name))
} else {
  console.error(`npm run example <name>, where <name> is one of: ${names.join(', ')}`)
  process.exitCode = 1
}

/** @param {string} name */
function mainOf(name) {
  return join(root, 'examples', name, 'main.js')
}

/** Checks whether `dist`, which the examples import, is older than the sources. */
function isBuildOutdated() {
  const built = join(root, 'dist/index.js')
  if (!existsSync(built)) return true
  const { mtimeMs } = statSync(built)
  const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  return sources.some((file) => statSync(join(root, 'src', file)).mtimeMs > mtimeMs)
}

/** @param {string[]} args */
function run(...args) {
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 0)
}
