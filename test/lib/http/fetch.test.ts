import { once } from 'node:events'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createServer as createTcpServer, type Socket, type Server as TcpServer } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import type { RelyingPartyError } from '../../../src/index.js'
import { createFetch } from '../../../src/lib/http/fetch.js'
import type { HttpLimits } from '../../../src/lib/http/httpOptions.js'
import { listen } from '../../support/bed/app.js'

const LIMITS: HttpLimits = { timeout: 5, maxResponseSize: 1024 }
const GET = { method: 'GET', headers: {}, body: undefined, redirect: 'manual' } as const
const POST = {
  method: 'POST',
  headers: { 'content-type': 'application/x-www-form-urlencoded' },
  body: new URLSearchParams({ grant_type: 'refresh_token' }),
  redirect: 'manual',
} as const

const cleanups: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const cleanUp of cleanups.splice(0)) await cleanUp()
})

/** A provider with the given answers, which records its requests and connections. */
async function serve(listener: RequestListener) {
  const requests: { method: string | undefined; body: string; connection: number }[] = []
  const sockets: Socket[] = []
  const running = await listen((req, res) => {
    const chunks: Buffer[] = []
    req.on('data', (chunk: Buffer) => chunks.push(chunk))
    req.on('end', () => {
      const body = Buffer.concat(chunks).toString()
      requests.push({ method: req.method, body, connection: sockets.indexOf(req.socket) })
      listener(req, res)
    })
  })
  running.server.on('connection', (socket: Socket) => sockets.push(socket))
  cleanups.push(() => running.close())
  return { url: `${running.url}/token`, origin: running.url, requests, sockets }
}

/** A server that answers each request with raw bytes once its header is complete. */
async function serveBytes(bytes: string, { end = false } = {}) {
  let requests = 0
  const server: TcpServer = createTcpServer((socket) => {
    socket.on('error', () => {})
    socket.on('data', () => {
      requests++
      socket.write(bytes)
      if (end) socket.end()
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => sockets.add(socket))
  cleanups.push(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, count: () => requests }
}

async function failure(response: Promise<Response>): Promise<RelyingPartyError> {
  const error = await response.then(
    ({ status }) => expect.fail(`it answered ${status}`),
    (thrown: unknown) => thrown as RelyingPartyError,
  )
  return error
}

function answerWith(body: string): RequestListener {
  return (_req, res) => void res.setHeader('content-type', 'application/json').end(body)
}

/** The built-in client and an application's `fetch`, which have the same limits. */
const clients: readonly [name: string, own: Partial<HttpLimits>][] = [
  ['the built-in client', {}],
  ["the application's own fetch", { fetch: (url, init) => fetch(url, init) }],
]

describe.each(clients)('requests to a provider by %s', (_, own) => {
  const limits = { ...LIMITS, ...own }

  it('return status, headers and body, and send method, headers and form', async () => {
    let received: IncomingMessage | undefined
    const server = await serve((req, res) => {
      received = req
      res.writeHead(400, { 'content-type': 'application/json', 'x-test': 'a' }).end('{"error":"invalid_grant"}')
    })
    const response = await createFetch(limits)(server.url, POST)
    expect(response.status).toBe(400)
    expect(response.headers.get('x-test')).toBe('a')
    expect(await response.json()).toEqual({ error: 'invalid_grant' })
    expect(server.requests[0]).toMatchObject({ method: 'POST', body: 'grant_type=refresh_token' })
    expect(received?.headers).toMatchObject({ 'content-type': POST.headers['content-type'] })
  })

  it('return a response without a body', async () => {
    const server = await serve((_req, res) => void res.writeHead(204).end())
    const response = await createFetch(limits)(server.url, GET)
    expect(response.status).toBe(204)
    expect(await response.text()).toBe('')
  })

  it('accept a body of the maximum size and refuse one a byte longer', async () => {
    const fits = await serve(answerWith('x'.repeat(LIMITS.maxResponseSize)))
    expect(await (await createFetch(limits)(fits.url, GET)).text()).toHaveLength(LIMITS.maxResponseSize)
    const tooLong = await serve(answerWith('x'.repeat(LIMITS.maxResponseSize + 1)))
    const error = await failure(createFetch(limits)(tooLong.url, GET))
    expect(error).toMatchObject({ code: 'ERR_PROVIDER_UNAVAILABLE', status: 503 })
    expect(error.message).toContain(`more than ${LIMITS.maxResponseSize} bytes`)
  })

  it('stop reading an endless response, and close its connection', async () => {
    let closed: Promise<unknown> | undefined
    const server = await serve((_req, res) => {
      closed = once(res, 'close')
      const drip = () => {
        while (res.write('x'.repeat(1000)));
        res.once('drain', drip)
      }
      drip()
    })
    const error = await failure(createFetch(limits)(server.url, GET))
    expect(error.message).toContain(`more than ${LIMITS.maxResponseSize} bytes`)
    await closed
    expect(server.requests).toHaveLength(1)
  })

  it('fail if the body is shorter than its Content-Length', async () => {
    const server = await serveBytes('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"keys":[]}', { end: true })
    expect(await failure(createFetch(limits)(server.url, GET))).toMatchObject({ code: 'ERR_PROVIDER_UNAVAILABLE' })
  })

  it('do not wait longer than the timeout for a response to begin', async () => {
    const server = await serve(() => {})
    const error = await failure(createFetch({ ...limits, timeout: 0.05 })(server.url, GET))
    expect(error).toMatchObject({ code: 'ERR_PROVIDER_UNAVAILABLE', headers: { 'Retry-After': '5' } })
    expect(error.message).toContain('did not answer within 0.05 s')
    expect(server.requests).toHaveLength(1)
  })

  it('do not wait longer than the timeout for a response to end, and are not repeated', async () => {
    const server = await serve((_req, res) => void res.writeHead(200).write('{'))
    const error = await failure(createFetch({ ...limits, timeout: 0.2 })(server.url, GET))
    expect(error).toMatchObject({ code: 'ERR_PROVIDER_UNAVAILABLE' })
    expect(error.message).toContain('did not answer within 0.2 s')
    expect(server.requests).toHaveLength(1)
  })

  it.each([301, 302, 303, 307, 308])(
    'refuse a redirect with status %i instead of sending secrets elsewhere',
    async (status) => {
      const elsewhere = await serve(answerWith('{}'))
      const server = await serve((_req, res) => void res.writeHead(status, { location: elsewhere.url }).end())
      expect(await failure(createFetch(limits)(server.url, POST))).toMatchObject({ code: 'ERR_METADATA_INVALID' })
      expect(elsewhere.requests).toHaveLength(0)
    },
  )

  it.each([429, 500, 502, 503, 504])('treat %i as an outage', async (status) => {
    const server = await serve((_req, res) => void res.writeHead(status).end('<h1>secret internals</h1>'))
    const error = await failure(createFetch(limits)(server.url, POST))
    expect(error).toMatchObject({ code: 'ERR_PROVIDER_UNAVAILABLE', status: 503, headers: { 'Retry-After': '5' } })
    expect(error.message).toContain(`${server.origin} answered ${status}`)
    expect(error.message).not.toContain('internals')
  })

  it.each([
    ['120', '120'],
    ['86400', '3600'],
    ['Fri, 31 Dec 1999 23:59:59 GMT', '5'],
    ['-1', '5'],
    ['1e9', '3600'],
    ['nonsense', '5'],
  ])('pass a Retry-After of %s on as %s', async (sent, handedOn) => {
    const server = await serve((_req, res) => void res.writeHead(503, { 'retry-after': sent }).end())
    const { headers } = await failure(createFetch(limits)(server.url, GET))
    expect(headers).toEqual({ 'Retry-After': handedOn })
  })

  it.each([401, 403, 404])('leave %i to the caller', async (status) => {
    const server = await serve((_req, res) => void res.writeHead(status).end())
    expect((await createFetch(limits)(server.url, GET)).status).toBe(status)
  })

  it.each([
    ['a status beyond 599', 'HTTP/1.1 999 What\r\nContent-Length: 0\r\n\r\n'],
    ['a status below 100', 'HTTP/1.1 099 What\r\nContent-Length: 0\r\n\r\n'],
    ['another protocol', 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n'],
    ['no HTTP', 'SSH-2.0-OpenSSH_9.6\r\n\r\n'],
    ['endless headers', `HTTP/1.1 200 OK\r\n${'X-Long: aaaaaaaaaaaaaaaaaaaa\r\n'.repeat(2000)}\r\n`],
    ['nothing', ''],
  ])('fail cleanly on %s', async (_name, bytes) => {
    const server = await serveBytes(bytes, { end: true })
    expect(await failure(createFetch(limits)(server.url, POST))).toMatchObject({ code: 'ERR_PROVIDER_UNAVAILABLE' })
  })

  it('say what is wrong if nothing listens', async () => {
    const running = await listen()
    await running.close()
    const error = await failure(createFetch(limits)(`${running.url}/token?code=secret`, GET))
    expect(error).toMatchObject({ code: 'ERR_PROVIDER_UNAVAILABLE' })
    expect(error.message).toContain(`${running.url} cannot be reached`)
    expect(error.message).not.toContain('secret')
  })
})

describe('the built-in client', () => {
  it('keeps its connection for the next request', async () => {
    const server = await serve(answerWith('{}'))
    const send = createFetch(LIMITS)
    for (let i = 0; i < 4; i++) await send(server.url, i % 2 ? POST : GET)
    expect(server.requests.map(({ connection }) => connection)).toEqual([0, 0, 0, 0])
  })

  it('does not reuse the connection of a response that was too long', async () => {
    const server = await serve((req, res) => void res.end(req.method === 'GET' ? 'x'.repeat(5000) : '{}'))
    const send = createFetch(LIMITS)
    await failure(send(server.url, GET))
    await send(server.url, POST)
    expect(server.requests.map(({ connection }) => connection)).toEqual([0, 1])
  })

  /** Resets the kept connection as soon as the next request arrives on it. */
  async function serveDeadConnection() {
    let dead: Socket | undefined
    const received: string[] = []
    const running = await listen((req: IncomingMessage, res: ServerResponse) => {
      received.push(req.method ?? '')
      if (req.socket === dead) req.socket.resetAndDestroy()
      else res.end('{}')
      dead ??= req.socket
    })
    cleanups.push(() => running.close())
    return { url: running.url, received }
  }

  it('repeats a GET on a dead connection', async () => {
    const { url, received } = await serveDeadConnection()
    const send = createFetch(LIMITS)
    await send(url, GET)
    expect((await send(url, GET)).status).toBe(200)
    expect(received).toEqual(['GET', 'GET', 'GET'])
  })

  it('never repeats a POST: a refresh token sent twice would end the grant', async () => {
    const { url, received } = await serveDeadConnection()
    const send = createFetch(LIMITS)
    await send(url, GET)
    expect(await failure(send(url, POST))).toMatchObject({ code: 'ERR_PROVIDER_UNAVAILABLE' })
    expect(received).toEqual(['GET', 'POST'])
    expect((await send(url, POST)).status).toBe(200)
  })

  it('fails cleanly on content with a status that allows none', async () => {
    const { url } = await serveBytes('HTTP/1.1 205 Reset Content\r\nContent-Length: 1\r\n\r\nx')
    expect(await failure(createFetch(LIMITS)(url, GET))).toMatchObject({ code: 'ERR_PROVIDER_UNAVAILABLE' })
  })

  it('repeats a GET only once, and only if the connection had been used before', async () => {
    let received = 0
    const running = await listen((req) => {
      received++
      req.socket.resetAndDestroy()
    })
    cleanups.push(() => running.close())
    expect(await failure(createFetch(LIMITS)(running.url, GET))).toMatchObject({ code: 'ERR_PROVIDER_UNAVAILABLE' })
    expect(received).toBe(1)
  })
})

describe("the application's own fetch", () => {
  it('is called with manual redirects and a signal', async () => {
    const calls: [string, RequestInit | undefined][] = []
    const own: typeof fetch = async (url, init) => {
      calls.push([String(url), init])
      return Response.json({ keys: [] })
    }
    const response = await createFetch({ ...LIMITS, fetch: own })('https://issuer.example/jwks', GET)
    expect(await response.json()).toEqual({ keys: [] })
    const [url, init] = calls[0] ?? []
    expect(url).toBe('https://issuer.example/jwks')
    expect(init).toMatchObject({ method: 'GET', redirect: 'manual' })
    expect(init?.signal).toBeInstanceOf(AbortSignal)
  })

  it('reports an outage when it throws', async () => {
    const own: typeof fetch = () => Promise.reject(new TypeError('proxy refused'))
    const error = await failure(createFetch({ ...LIMITS, fetch: own })('https://issuer.example/jwks', GET))
    expect(error).toMatchObject({ code: 'ERR_PROVIDER_UNAVAILABLE' })
  })
})
