import type { RequestListener } from 'node:http'
import { brotliCompressSync, constants, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import { createFetch } from '../../../src/lib/http/fetch.js'
import { agentOptions } from '../../../src/lib/http/nodeClient.js'
import { listen } from '../../support/bed/app.js'

const LIMITS = { timeout: 5, maxResponseSize: 2048 }
const GET = { method: 'GET', headers: {}, body: undefined, redirect: 'manual' } as const

const cleanups: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const cleanUp of cleanups.splice(0)) await cleanUp()
})

async function serve(listener: RequestListener): Promise<string> {
  const running = await listen(listener)
  cleanups.push(() => running.close())
  return running.url
}

function encoded(coding: string, body: Buffer): RequestListener {
  return (_req, res) => void res.setHeader('content-encoding', coding).end(body)
}

const TEXT = JSON.stringify({ keys: 'é'.repeat(200) })
const CODINGS: readonly [coding: string, encode: (text: string) => Buffer][] = [
  ['gzip', gzipSync],
  ['x-gzip', gzipSync],
  ['GZIP', gzipSync],
  ['deflate', deflateSync],
  ['deflate', deflateRawSync],
  ['br', brotliCompressSync],
  ['identity', Buffer.from],
  ['', Buffer.from],
  ['none', Buffer.from],
  ['UTF-8', Buffer.from],
  ['gzip, br', (text) => brotliCompressSync(gzipSync(text))],
]

describe('a compressed response', () => {
  it.each(CODINGS)('with %s is read', async (coding, encode) => {
    const response = await createFetch(LIMITS)(await serve(encoded(coding, encode(TEXT))), GET)
    expect(await response.text()).toBe(TEXT)
    expect(response.headers.has('content-encoding')).toBe(false)
  })

  it.each(CODINGS)('with %s may have the maximum size once decoded, and no byte more', async (coding, encode) => {
    const fits = await serve(encoded(coding, encode('x'.repeat(LIMITS.maxResponseSize))))
    expect(await (await createFetch(LIMITS)(fits, GET)).text()).toHaveLength(LIMITS.maxResponseSize)
    const tooLong = await serve(encoded(coding, encode('x'.repeat(LIMITS.maxResponseSize + 1))))
    await expect(createFetch(LIMITS)(tooLong, GET)).rejects.toMatchObject({
      code: 'ERR_PROVIDER_UNAVAILABLE',
      message: expect.stringContaining(`more than ${LIMITS.maxResponseSize} bytes`),
    })
  })

  it.each([gzipSync, brotliCompressSync, deflateSync])('that is a bomb is not unpacked', async (encode) => {
    const zeros = Buffer.alloc(20_000_000)
    const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } }
    const bomb = encode === brotliCompressSync ? brotliCompressSync(zeros, quality) : encode(zeros)
    const url = await serve(encoded(encode === gzipSync ? 'gzip' : encode === deflateSync ? 'deflate' : 'br', bomb))
    const before = process.memoryUsage().arrayBuffers
    const limits = { ...LIMITS, maxResponseSize: 65_536 }
    await expect(createFetch(limits)(url, GET)).rejects.toThrow('more than 65536 bytes')
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10_000_000)
  })

  it.each([
    ['zstd', Buffer.from('x'), 'a content coding other than gzip, deflate and br'],
    ['gzip, compress', Buffer.from('x'), 'a content coding other than gzip, deflate and br'],
    ['gzip, gzip, gzip', Buffer.from('x'), 'more than two content codings'],
    ['gzip', Buffer.from('{"keys":[]}'), 'a body that is not gzip'],
    ['br', gzipSync('{}'), 'a body that is not br'],
    ['deflate', Buffer.from('{'), 'a body that is not deflate'],
    ['gzip', gzipSync(TEXT).subarray(0, 20), 'a body that is not gzip'],
  ])('declared as %s that cannot be decoded is refused with the reason', async (coding, body, problem) => {
    const answer = createFetch(LIMITS)(await serve(encoded(coding, body)), GET)
    await expect(answer).rejects.toMatchObject({
      code: 'ERR_PROVIDER_UNAVAILABLE',
      message: expect.stringContaining(`sent ${problem}`),
    })
  })

  it('without a body is empty', async () => {
    const url = await serve((_req, res) => void res.writeHead(204, { 'content-encoding': 'gzip' }).end())
    expect(await (await createFetch(LIMITS)(url, GET)).text()).toBe('')
  })
})

describe.each([
  ['the built-in client', {}],
  ["the application's own fetch", { fetch: (url: string | URL | Request, init?: RequestInit) => fetch(url, init) }],
])('connections of %s', (_name, own) => {
  /** Answers on demand. */
  async function serveSlowly() {
    const waiting: (() => void)[] = []
    let most = 0
    let isOpen = false
    const url = await serve((_req, res) => {
      if (isOpen) return void res.end('{}')
      waiting.push(() => res.end('{}'))
      most = Math.max(most, waiting.length)
    })
    const answerAll = () => {
      for (const answer of waiting.splice(0)) answer()
    }
    const open = () => {
      isOpen = true
    }
    return { url, waiting, answerAll, open, most: () => most }
  }

  it('are limited for each origin: others wait their turn', async () => {
    const server = await serveSlowly()
    const send = createFetch({ ...LIMITS, ...own, maxConnections: 3 })
    let answered = 0
    const all = Array.from({ length: 20 }, () => send(server.url, GET).then(() => (answered += 1)))
    while (answered < 20) {
      const expected = Math.min(3, 20 - answered)
      while (server.waiting.length < expected) await new Promise((resolve) => setImmediate(resolve))
      const before = answered
      server.answerAll()
      while (answered < before + expected) await new Promise((resolve) => setImmediate(resolve))
    }
    await Promise.all(all)
    expect(server.most()).toBe(3)
  })

  it('do not affect those to another origin', async () => {
    const [slow, other] = [await serveSlowly(), await serve((_req, res) => void res.end('{}'))]
    const send = createFetch({ ...LIMITS, ...own, maxConnections: 1 })
    const first = send(slow.url, GET)
    expect((await send(other, GET)).status).toBe(200)
    while (slow.waiting.length === 0) await new Promise((resolve) => setImmediate(resolve))
    slow.answerAll()
    expect((await first).status).toBe(200)
  })

  it('fail with 503 after waiting longer than the timeout or behind 1,000 others, and succeed again afterwards', async () => {
    const server = await serveSlowly()
    const send = createFetch({ ...LIMITS, ...own, timeout: 0.5, maxConnections: 1 })
    const failed = () =>
      send(server.url, GET).then(
        () => 'answered',
        (error: { message: string }) => error,
      )
    const first = failed()
    const others = Array.from({ length: 1000 }, failed)
    const beyond = {
      code: 'ERR_PROVIDER_UNAVAILABLE',
      status: 503,
      message: expect.stringContaining('too many requests'),
    }
    expect(await failed()).toMatchObject(beyond)
    expect(await first).toMatchObject({ message: expect.stringContaining('did not answer within 0.5 s') })
    expect((await Promise.all(others)).filter((error) => error === 'answered')).toEqual([])
    server.open()
    expect((await send(server.url, GET)).status).toBe(200)
  })
})

describe('the proxy variables of Node', () => {
  const limits = { maxConnections: 10, refusePrivateAddresses: false }
  const proxy = { HTTPS_PROXY: 'http://proxy.example:3128', HTTP_PROXY: 'http://proxy.example:3128' }

  it.each([
    [{ ...proxy, NODE_USE_ENV_PROXY: '1' }, []],
    [proxy, ['--use-env-proxy']],
    [{ ...proxy, NODE_OPTIONS: '--max-old-space-size=100 --use-env-proxy' }, []],
  ])('are passed to the agents with %j and %j', (env, execArgv) => {
    expect(agentOptions(limits, { env, execArgv })).toMatchObject({ proxyEnv: env })
  })

  it.each([
    ['it is not asked for', limits, proxy],
    ['it is switched off', limits, { ...proxy, NODE_USE_ENV_PROXY: '0' }],
    [
      'private addresses are refused',
      { ...limits, refusePrivateAddresses: true },
      { ...proxy, NODE_USE_ENV_PROXY: '1' },
    ],
  ])('are not if %s', (_name, given, env) => {
    expect(agentOptions(given, { env, execArgv: [] })).not.toHaveProperty('proxyEnv')
  })

  it('lead requests through the proxy, from Node 24 on', async () => {
    const asked: (string | undefined)[] = []
    const url = await serve((req, res) => {
      asked.push(req.url)
      res.end('{}')
    })
    const [, minor = 0] = process.versions.node.split('.').map(Number)
    const knowsProxies =
      Number(process.versions.node.split('.')[0]) > 24 || (process.versions.node.startsWith('24.') && minor >= 5)
    const { env } = process
    process.env = { ...env, NODE_USE_ENV_PROXY: '1', HTTP_PROXY: url, NO_PROXY: '' }
    const target = await serve((_req, res) => void res.end('{"direct":true}'))
    const send = createFetch(LIMITS)
    process.env = env
    const response = await send(target, GET)
    expect(await response.json()).toEqual(knowsProxies ? {} : { direct: true })
    expect(asked).toEqual(knowsProxies ? [`${target}/`] : [])
  })
})
