/** What every process of a cluster does, whatever its application: follow the clock of the test, listen, and end with it. */
import type { Server } from 'node:http'
import type { Express } from 'express'
import type { FromServer, ServerSettings, ToServer } from './messages.js'

export const settings = JSON.parse(process.argv[2] ?? '{}') as ServerSettings

const realNow = Date.now.bind(Date)
let { clockOffset } = settings
Date.now = () => realNow() + clockOffset

process.on('message', (message: ToServer) => {
  clockOffset = message.clockOffset
  send(message)
})
process.on('disconnect', () => process.exit())

export function send(message: FromServer): void {
  process.send?.(message)
}

/** Listens on a free port, and reports it. */
export function serve(app: Express): Server {
  const server = app.listen(0, '127.0.0.1', () => {
    const address = server.address()
    if (typeof address === 'object' && address) send({ port: address.port })
  })
  // A connection that the server closes while a request comes would look like one that a kill broke off.
  server.keepAliveTimeout = 0
  return server
}
