/**
 * Starts Redis and PostgreSQL for the tests of stores, if they are installed and no URL is set: on free ports of a loopback
 * host, leaving nothing on disk. `requirements.ts` finds them by `REDIS_URL` and `POSTGRES_URL`.
 */
import { join } from 'node:path'
import { debianPostgres, findProgram, freePort, notRoot } from './programs.js'
import { Servers } from './serverProcesses.js'

export default async function startServers(): Promise<() => Promise<void>> {
  const servers = new Servers()
  await servers.start(async (folder) => {
    await Promise.all([
      provide('REDIS_URL', () => startRedis(servers)),
      provide('POSTGRES_URL', () => startPostgres(servers, folder)),
    ])
  })
  return () => servers.close()
}

/** Sets a variable to the URL of a server, unless it is set. Tests are skipped if the server cannot be started. */
async function provide(variable: string, start: () => Promise<string | undefined>): Promise<void> {
  if (process.env[variable] !== undefined) return
  const url = await start().catch(
    (error: unknown) => void console.error(`not started for ${variable}: ${String(error)}`),
  )
  if (url !== undefined) process.env[variable] = url
}

async function startRedis(servers: Servers): Promise<string | undefined> {
  if (findProgram('redis-server') === undefined) return undefined
  const port = await freePort()
  await servers.redis(port)
  return `redis://127.0.0.1:${port}`
}

async function startPostgres(servers: Servers, folder: string): Promise<string | undefined> {
  const as = await notRoot()
  const isInstalled = ['initdb', 'postgres'].every((program) => findProgram(program, debianPostgres()) !== undefined)
  if (!isInstalled || as === undefined) return undefined
  const port = await freePort()
  await servers.postgres(await servers.database(join(folder, 'postgres'), as), port, as)
  return `postgres://postgres@127.0.0.1:${port}/postgres`
}
