/**
 * Starts Redis and PostgreSQL for the tests of stores, if they are installed and no URL is set: on free ports of a loopback
 * host, leaving nothing on disk. `requirements.ts` finds them by `REDIS_URL` and `POSTGRES_URL`.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants, existsSync, readdirSync } from 'node:fs'
import { chmod, chown, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** The user that a server runs as. Default is the current one. */
interface As {
  readonly uid?: number
  readonly gid?: number
}

export default async function startServers(): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'servers-'))
  const started: ChildProcess[] = []
  const killAll = () => started.forEach((child) => void child.kill('SIGINT'))
  process.on('exit', killAll)
  await Promise.all([
    provide('REDIS_URL', () => startRedis(started)),
    provide('POSTGRES_URL', () => startPostgres(folder, started)),
  ])
  return async () => {
    process.off('exit', killAll)
    const ended = started.map(async (child) => child.exitCode === null && (await once(child, 'exit')))
    killAll()
    await Promise.all(ended)
    await rm(folder, { recursive: true, force: true })
  }
}

/** Sets a variable to the URL of a server, unless it is set. Tests are skipped if the server cannot be started. */
async function provide(variable: string, start: () => Promise<string | undefined>): Promise<void> {
  if (process.env[variable] !== undefined) return
  const url = await start().catch(
    (error: unknown) => void console.error(`not started for ${variable}: ${String(error)}`),
  )
  if (url !== undefined) process.env[variable] = url
}

async function startRedis(started: ChildProcess[]): Promise<string | undefined> {
  const server = findProgram('redis-server')
  if (server === undefined) return undefined
  const port = await freePort()
  const child = spawn(server, ['--port', `${port}`, '--bind', '127.0.0.1', '--save', ''], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  started.push(child)
  await ready(child, child.stdout)
  return `redis://127.0.0.1:${port}`
}

async function startPostgres(folder: string, started: ChildProcess[]): Promise<string | undefined> {
  const initdb = findProgram('initdb', debianPostgres())
  const server = findProgram('postgres', debianPostgres())
  const as = await notRoot()
  if (initdb === undefined || server === undefined || as === undefined) return undefined
  const data = join(folder, 'postgres')
  await mkdir(data)
  if (as.uid !== undefined && as.gid !== undefined) {
    await chmod(folder, 0o711)
    await chown(data, as.uid, as.gid)
  }
  await run(initdb, ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'], {
    ...as,
    cwd: data,
  })
  const port = await freePort()
  const settings = ['listen_addresses=127.0.0.1', 'fsync=off'].flatMap((setting) => ['-c', setting])
  const child = spawn(server, ['-D', data, '-p', `${port}`, '-k', data, ...settings], {
    ...as,
    cwd: data,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  started.push(child)
  await ready(child, child.stderr)
  return `postgres://postgres@127.0.0.1:${port}/postgres`
}

/** Returns the folders where Debian installs the programs of PostgreSQL, newest version first. */
function debianPostgres(): string[] {
  const versions = '/usr/lib/postgresql'
  if (!existsSync(versions)) return []
  return readdirSync(versions)
    .toSorted((a, b) => Number(b) - Number(a))
    .map((version) => join(versions, version, 'bin'))
}

function findProgram(name: string, folders: string[] = []): string | undefined {
  const paths = [...folders, ...(process.env.PATH ?? '').split(delimiter)].map((folder) => join(folder, name))
  return paths.find((path) => {
    try {
      accessSync(path, constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

/** PostgreSQL refuses to run as root, and then needs the user its package creates. `undefined` if there is none. */
async function notRoot(): Promise<As | undefined> {
  if (process.getuid?.() !== 0) return {}
  const idOf = async (flag: string) => Number((await run('id', [flag, 'postgres'])).stdout)
  return Promise.all([idOf('-u'), idOf('-g')]).then(
    ([uid, gid]) => ({ uid, gid }),
    () => undefined,
  )
}

/** Waits until a server logs that it accepts connections. */
async function ready(child: ChildProcess, output: Readable): Promise<void> {
  const failed = Promise.race([
    once(child, 'error').then(([error]) => String(error)),
    once(child, 'exit').then(() => 'it ended'),
  ])
  const said = (async () => {
    for await (const line of createInterface(output)) if (/ready to accept connections/i.test(line)) return undefined
    return 'it ended its output'
  })()
  const problem = await Promise.race([failed, said])
  if (problem !== undefined) throw new Error(problem)
  output.resume()
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (typeof address !== 'object' || address === null) throw new Error('no free port')
  return address.port
}
