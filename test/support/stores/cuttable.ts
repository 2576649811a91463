import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect, createServer, type Socket } from 'node:net'

/** A TCP proxy in front of a server, which a test can cut and restore. */
export interface Cuttable {
  /** The URL of the server through the proxy. */
  readonly url: string
  /** Resets all connections, and every new one at once, like a server that has died. */
  cut(): void
  /** Accepts connections and lets nothing through in either direction, like a network that drops everything. */
  hang(): void
  /** Lets everything through again, including what hung connections held back. */
  restore(): void
  /** Leads to another server from now on, and breaks all connections. */
  redirect(target: string): void
  /** How many connections are open. */
  readonly connections: number
  close(): Promise<void>
}

/** Starts a proxy in front of the server of a URL such as `redis://127.0.0.1:6379`. */
export async function startCuttable(target: string): Promise<Cuttable> {
  let { hostname, port } = new URL(target)
  let state: 'open' | 'cut' | 'hung' = 'open'
  const pairs = new Map<Socket, Socket>()

  const server = createServer((near) => {
    if (state === 'cut') {
      near.on('error', () => {}).resetAndDestroy()
      return
    }
    const far = connect(Number(port), hostname)
    pairs.set(near, far)
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      socket.on('error', () => {})
      socket.on('close', () => {
        pairs.delete(near)
        other.destroy()
      })
    }
    if (state === 'open') join(near, far)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')

  const url = new URL(target)
  url.hostname = '127.0.0.1'
  url.port = String((server.address() as AddressInfo).port)

  const breakAll = () => {
    for (const near of pairs.keys()) near.resetAndDestroy()
  }
  return {
    url: url.href,
    cut() {
      state = 'cut'
      breakAll()
    },
    hang() {
      state = 'hung'
      for (const [near, far] of pairs) {
        near.unpipe(far).pause()
        far.unpipe(near).pause()
      }
    },
    restore() {
      if (state === 'hung') for (const [near, far] of pairs) join(near, far)
      state = 'open'
    },
    redirect(next) {
      ;({ hostname, port } = new URL(next))
      breakAll()
    },
    get connections() {
      return pairs.size
    },
    async close() {
      breakAll()
      server.close()
      await once(server, 'close')
    },
  }
}

function join(near: Socket, far: Socket): void {
  near.pipe(far)
  far.pipe(near)
}
