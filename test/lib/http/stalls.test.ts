import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createFetch } from '../../../src/lib/http/fetch.js'

const TIMEOUT = 0.2

const LIMITS = { timeout: TIMEOUT, maxResponseSize: 1_000_000 }
const POST = { method: 'POST', headers: {}, body: new URLSearchParams({ a: 'b' }), redirect: 'manual' } as const

/** A server that goes on while this thread stalls. It sets `arrived` once a request is there, and `answered` after it. */
const SERVER = `
  const { workerData, parentPort } = require('node:worker_threads')
  const flags = new Int32Array(workerData)
  const set = (index) => { Atomics.store(flags, index, 1); Atomics.notify(flags, index) }
  const server = require('node:http').createServer((req, res) => {
    req.resume()
    set(0)
    if (req.url === '/silent') return
    Atomics.wait(flags, 2, 0, 2000)
    res.end('x'.repeat(Number(req.url.slice(1))), () => set(1))
  }).listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port))
`

describe.each([
  ['the built-in client', {}],
  ['a fetch of the application', { fetch: globalThis.fetch }],
])('a process that stalls beyond the timeout of a request by %s', (_client, more) => {
  const flags = new Int32Array(new SharedArrayBuffer(12))
  const send = createFetch({ ...LIMITS, ...more })
  let worker: Worker
  let url: string

  beforeAll(async () => {
    worker = new Worker(SERVER, { eval: true, workerData: flags.buffer })
    const [port] = (await once(worker, 'message')) as [number]
    url = `http://127.0.0.1:${port}`
  })
  beforeEach(() => void flags.fill(0))
  afterAll(() => worker.terminate())

  /** Sends a request, and stalls from its arrival at the server until its timeout is over. */
  async function stall(path: string, { answered }: { answered: boolean }): Promise<Response> {
    const begun = performance.now()
    const sending = send(url + path, POST)
    sending.catch(() => {})
    while (Atomics.load(flags, 0) === 0) await new Promise((resolve) => setImmediate(resolve))
    Atomics.store(flags, 2, 1)
    Atomics.notify(flags, 2)
    if (answered) Atomics.wait(flags, 1, 0, 2000)
    while (performance.now() < begun + TIMEOUT * 1000 + 50);
    return sending
  }

  it.each([10, 900_000])('takes an answer of %i bytes that arrived in the meantime', async (length) => {
    expect(await (await stall(`/${length}`, { answered: length < 1000 })).text()).toHaveLength(length)
  })

  it('gives up one that did not arrive', async () => {
    await expect(stall('/silent', { answered: false })).rejects.toThrow('did not answer within 0.2 s')
  })
})
