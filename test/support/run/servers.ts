/**
 * Starts Redis and PostgreSQL for the tests of stores, if they are installed and no URL is set: on free ports of a loopback
 * host, leaving nothing on disk. `requirements.ts` finds them by `REDIS_URL` and `POSTGRES_URL`.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { debianPostgres, findProgram, freePort, INITDB, notRoot, ownFolder, ready } from './programs.js'

const run = promisify(execFile)

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
  const data = await ownFolder(join(folder, 'postgres'), as)
  await run(initdb, [...INITDB, '-D', data], { ...as, cwd: data })
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
