import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { Agent, createServer, type IncomingMessage, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'tsup'
import type { FromServer, RefreshStep, ServerSettings, ToServer } from './messages.js'
import type { StoreUrls } from './stores.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** An answer, or what became of a request whose process was killed. */
export interface Outcome {
  /** `0` where the connection broke. */
  readonly status: number
  readonly text: string
  readonly process: number
  /** Whether the process was killed while the request was in flight. */
  readonly killed: boolean
  /** In milliseconds. */
  readonly took: number
}

/** A refresh as a process tells of it. */
export interface Refresh {
  readonly process: number
  readonly record: string
  /** In milliseconds since the epoch. */
  readonly sentAt: number
  /** When the new tokens were stored, if they were. In milliseconds since the epoch. */
  storedAt?: number
}

/** The settings of all processes that a cluster does not choose itself. */
interface Settings extends Omit<ServerSettings, 'baseUrl' | 'clockOffset' | 'drain' | keyof StoreUrls> {
  /** The stores of each process: the first take the first of these, and so on, all others the last. */
  readonly stores: readonly StoreUrls[]
}

/** How long a process that is told to stop still accepts connections, and a balancer still uses it. In milliseconds. */
const DRAIN = { process: 400, balancer: 200 }

/** What the processes of a cluster run. */
export interface Program {
  /** The path of a module of this repository. */
  readonly entry?: string
  /** Plugins for its build. */
  readonly plugins?: NonNullable<Parameters<typeof build>[0]['esbuildPlugins']>
}

interface Running {
  readonly child: ChildProcess
  readonly port: number
  readonly agent: Agent
  alive: boolean
}

/**
 * Several processes of one application. Requests go to them in turn; a server before them, which gives them one address,
 * does the same for browsers.
 */
export class Cluster {
  readonly url: string
  readonly #script: string
  readonly #folder: string
  #settings: Settings
  readonly #balancer: ReturnType<typeof createServer>
  readonly #processes: Running[] = []
  /** The refreshes reported since they were last taken. */
  #refreshes: Refresh[] = []
  /** Those that wait for a refresh to reach a step. */
  readonly #waiting: { readonly step: RefreshStep; resolve(process: number): void }[] = []
  #turn = 0
  #clockOffset = 0

  private constructor(folder: string, settings: Settings, balancer: ReturnType<typeof createServer>) {
    this.#folder = folder
    this.#script = join(folder, 'server.js')
    this.#settings = settings
    this.#balancer = balancer
    this.url = `http://127.0.0.1:${(balancer.address() as AddressInfo).port}`
    balancer.on('request', (req: IncomingMessage, res) => {
      const { port, agent } = this.#next().running
      const { method, headers, url } = req
      const onward = request({ port, host: '127.0.0.1', method, headers, path: url, agent }, (answer) => {
        res.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(res)
      })
      onward.on('error', () => res.destroy())
      req.pipe(onward)
    })
  }

  /** @param program - what the processes run: by default the application under storm, with this package */
  static async start(count: number, settings: Settings, program: Program = {}): Promise<Cluster> {
    const folder = await mkdtemp(join(root, 'node_modules', '.storm-'))
    const { entry = 'test/storm/server.ts', plugins = [] } = program
    await build({
      entry: { server: join(root, entry) },
      esbuildPlugins: plugins,
      outDir: folder,
      format: 'esm',
      target: 'node20',
      external: [/^[^./]/],
      config: false,
      silent: true,
      splitting: false,
      outExtension: () => ({ js: '.js' }),
    })
    const balancer = createServer().listen(0, '127.0.0.1')
    await once(balancer, 'listening')
    const cluster = new Cluster(folder, settings, balancer)
    await Promise.all(Array.from({ length: count }, (_, index) => cluster.restart(index)))
    return cluster
  }

  /** Starts a process in the place of one that was killed. */
  async restart(index: number): Promise<void> {
    this.#processes[index] = await this.#start(index)
  }

  async #start(index: number): Promise<Running> {
    const { stores, ...common } = this.#settings
    const own = { baseUrl: this.url, clockOffset: this.#clockOffset, drain: DRAIN.process }
    const settings: ServerSettings = { ...common, ...(stores[index] ?? stores.at(-1)), ...own }
    const child = fork(this.#script, [JSON.stringify(settings)])
    const [first] = (await Promise.race([once(child, 'message'), once(child, 'exit')])) as [FromServer | number | null]
    if (typeof first !== 'object' || first === null || !('port' in first)) throw new Error('a process did not start')
    child.on('message', (message: FromServer) => this.#listen(index, message))
    const agent = new Agent({ keepAlive: true, maxSockets: 100 })
    return { child, port: first.port, agent, alive: true }
  }

  /** Returns the refreshes reported since the last call. Those in progress are returned again. */
  takeRefreshes(): Refresh[] {
    const taken = this.#refreshes
    this.#refreshes = taken.filter(({ storedAt, process }) => storedAt === undefined && this.#processes[process]?.alive)
    return taken
  }

  /** Waits until the next refresh reaches a step: by default, its refresh token is sent. Resolves to its process. */
  refreshing(step: RefreshStep = 'sent'): Promise<number> {
    return new Promise((resolve) => this.#waiting.push({ step, resolve }))
  }

  #listen(process: number, message: FromServer): void {
    if (!('refresh' in message)) return
    const { refresh, record, at } = message
    if (refresh === 'sent') this.#refreshes.push({ process, record, sentAt: at })
    for (const one of this.#waiting.filter(({ step }) => step === refresh)) {
      this.#waiting.splice(this.#waiting.indexOf(one), 1)
      one.resolve(process)
    }
    if (refresh === 'locked' || refresh === 'sent') return
    const sent = this.#refreshes.findLast((sent) => sent.record === record && sent.process === process)
    if (!sent) return
    if (refresh === 'stored') sent.storedAt = at
    // Nothing was sent: another process had refreshed it. Or the provider has refused.
    else if (sent.storedAt === undefined) this.#refreshes.splice(this.#refreshes.indexOf(sent), 1)
  }

  /** Ends a process as the machine's end would: at once, in the middle of what it does. */
  async kill(index: number): Promise<void> {
    const running = this.#processes[index] as Running
    running.alive = false
    // What it told until its end is read by the time of `disconnect`.
    const ended = Promise.all([once(running.child, 'exit'), once(running.child, 'disconnect')])
    running.child.kill('SIGKILL')
    await ended
    running.agent.destroy()
  }

  /** Stops a process in the middle of what it does, as a paused machine does. Its connections stay open. */
  pause(index: number): void {
    this.#processes[index]?.child.kill('SIGSTOP')
  }

  /** Lets a paused process go on. */
  unpause(index: number): void {
    this.#processes[index]?.child.kill('SIGCONT')
  }

  /** The secrets of the processes that start from now on. */
  set secrets(secrets: readonly string[]) {
    this.#settings = { ...this.#settings, secrets }
  }

  get secrets(): readonly string[] {
    return this.#settings.secrets
  }

  /** Starts a process in the place of one that is told to stop. The balancer notices that a little later. */
  async replace(index: number): Promise<void> {
    const old = this.#processes[index] as Running
    const ended = once(old.child, 'exit')
    const next = await this.#start(index)
    old.child.kill('SIGTERM')
    await wait(DRAIN.balancer)
    this.#processes[index] = next
    await ended
    old.agent.destroy()
  }

  /** Puts the clocks of all processes forward. */
  async pass(seconds: number): Promise<void> {
    this.#clockOffset += seconds * 1000
    await Promise.all(this.#processes.map(({ child }) => setClock(child, this.#clockOffset)))
  }

  /** Sends a request to a process. Default is the one whose turn it is. */
  send(path: string, cookie: string, process?: number): Promise<Outcome> {
    const chosen = process === undefined ? undefined : this.#processes[process]
    const { running, at } = chosen && process !== undefined ? { running: chosen, at: process } : this.#next()
    const begun = performance.now()
    return new Promise((resolve) => {
      const end = (status: number, text: string) =>
        resolve({ status, text, process: at, killed: !running.alive, took: performance.now() - begun })
      const headers = { cookie, accept: 'application/json', 'sec-fetch-mode': 'cors' }
      const req = request({ port: running.port, host: '127.0.0.1', path, headers, agent: running.agent }, (res) => {
        const chunks: Buffer[] = []
        res.on('data', (chunk: Buffer) => chunks.push(chunk))
        res.on('error', (error) => end(0, error.message))
        res.on('end', () => end(res.statusCode ?? 0, Buffer.concat(chunks).toString()))
      })
      req.on('error', (error) => end(0, error.message))
      req.end()
    })
  }

  async close(): Promise<void> {
    for (const [index, { alive }] of this.#processes.entries()) if (alive) await this.kill(index)
    this.#balancer.close()
    this.#balancer.closeAllConnections()
    await rm(this.#folder, { recursive: true, force: true })
  }

  #next(): { running: Running; at: number } {
    for (let tries = 0; tries < this.#processes.length; tries++) {
      const at = this.#turn++ % this.#processes.length
      const running = this.#processes[at] as Running
      if (running.alive) return { running, at }
    }
    throw new Error('no process is running')
  }
}

async function setClock(child: ChildProcess, clockOffset: number): Promise<void> {
  const set = new Promise<void>((resolve) => {
    const listen = (message: FromServer) => {
      if (!('clockOffset' in message)) return
      child.off('message', listen)
      resolve()
    }
    child.on('message', listen)
  })
  child.send({ clockOffset } satisfies ToServer)
  await set
}
