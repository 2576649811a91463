/** Programs of servers, for tests that start them: where they are, who runs them, and when they are ready. */
import { type ChildProcess, execFile } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants, existsSync, readdirSync } from 'node:fs'
import { chmod, chown, mkdir } from 'node:fs/promises'
import { createServer } from 'node:net'
import { delimiter, dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** The user that a server runs as. Default is the current one. */
export interface As {
  readonly uid?: number
  readonly gid?: number
}

/** Returns the folders where Debian installs the programs of PostgreSQL, newest version first. */
export function debianPostgres(): string[] {
  const versions = '/usr/lib/postgresql'
  if (!existsSync(versions)) return []
  return readdirSync(versions)
    .toSorted((a, b) => Number(b) - Number(a))
    .map((version) => join(versions, version, 'bin'))
}

/** Finds an installed program, in the given folders first. */
export function findProgram(name: string, folders: string[] = []): string | undefined {
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

/** Returns the path of a program of PostgreSQL, or its name if it is not installed. */
export function postgresProgram(name: string): string {
  return findProgram(name, debianPostgres()) ?? name
}

/** PostgreSQL refuses to run as root, and then needs the user its package creates. `undefined` if there is none. */
export async function notRoot(): Promise<As | undefined> {
  if (process.getuid?.() !== 0) return {}
  const idOf = async (flag: string) => Number((await run('id', [flag, 'postgres'])).stdout)
  return Promise.all([idOf('-u'), idOf('-g')]).then(
    ([uid, gid]) => ({ uid, gid }),
    () => undefined,
  )
}

/** Waits until a server logs that it accepts connections, or another line. */
export async function ready(
  child: ChildProcess,
  output: Readable,
  line = /ready to accept connections/i,
): Promise<void> {
  const failed = Promise.race([
    once(child, 'error').then(([error]) => String(error)),
    once(child, 'exit').then(() => 'it ended'),
  ])
  const said = (async () => {
    for await (const said of createInterface(output)) if (line.test(said)) return undefined
    return 'it ended its output'
  })()
  const problem = await Promise.race([failed, said])
  if (problem !== undefined) throw new Error(problem)
  output.resume()
}

/** Returns a port that nothing listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (typeof address !== 'object' || address === null) throw new Error('no free port')
  return address.port
}

/** Makes a folder for a program that runs as another user. */
export async function ownFolder(path: string, { uid, gid }: As): Promise<string> {
  await mkdir(path, { mode: 0o700 })
  if (uid !== undefined && gid !== undefined) {
    await chmod(dirname(path), 0o711)
    await chown(path, uid, gid)
  }
  return path
}
