import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type As, debianPostgres, findProgram, ownFolder, postgresProgram, ready } from './programs.js'

const run = promisify(execFile)

/** By this signal, PostgreSQL ends at once and frees its shared memory; the others just end. */
const END = 'SIGQUIT'

/** Processes that end together, and their folder. */
export class Servers {
  readonly #started: ChildProcess[] = []
  #folder = ''
  /** If this process ends before they are closed. */
  readonly #endAll = () => this.#started.forEach((child) => void child.kill(END))

  /** Starts servers. If one does not start, the others end. */
  async start(start: (folder: string) => Promise<void>): Promise<void> {
    process.on('exit', this.#endAll)
    this.#folder = await mkdtemp(join(tmpdir(), 'servers-'))
    await start(this.#folder).catch(async (error: unknown) => {
      await this.close()
      throw error
    })
  }

  async spawn(name: string, args: readonly string[], line?: RegExp, as: As = {}): Promise<ChildProcess> {
    const child = spawn(findProgram(name, ['/usr/sbin', ...debianPostgres()]) ?? name, args, {
      ...as,
      cwd: '/',
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#started.push(child)
    const [output, other] = name.startsWith('redis') ? [child.stdout, child.stderr] : [child.stderr, child.stdout]
    other.resume()
    await ready(child, output, line)
    return child
  }

  redis(port: number, args: readonly string[] = []): Promise<ChildProcess> {
    return this.spawn('redis-server', ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', ...args])
  }

  /** Creates an empty database of PostgreSQL. Returns its folder. */
  async database(path: string, as: As): Promise<string> {
    const data = await ownFolder(path, as)
    const options = ['-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync']
    await run(postgresProgram('initdb'), [...options, '-D', data], { ...as, cwd: data })
    return data
  }

  postgres(data: string, port: number, as: As): Promise<ChildProcess> {
    const settings = ['listen_addresses=127.0.0.1', 'fsync=off'].flatMap((setting) => ['-c', setting])
    return this.spawn('postgres', ['-D', data, '-p', `${port}`, '-k', data, ...settings], /ready to accept/, as)
  }

  async kill(child: ChildProcess | undefined, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill(signal)
    await ended
  }

  async close(): Promise<void> {
    await Promise.all(this.#started.map((child) => this.kill(child, END)))
    process.off('exit', this.#endAll)
    await rm(this.#folder, { recursive: true, force: true })
  }
}
