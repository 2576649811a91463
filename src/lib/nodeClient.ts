import * as http from 'node:http'
import * as https from 'node:https'
import type { LookupFunction } from 'node:net'
import { createPublicLookup, requirePublicHost } from './addresses.js'
import { BodyTooLargeError, decodeBody } from './decodeBody.js'
import { defined } from './defined.js'
import type { HttpLimits, Init, Send } from './httpLimits.js'

/** Idle connections are closed before common servers close them (5 s at Node's), so that no request meets a dead one. */
const IDLE_TIMEOUT = 4_000

/** The exchange took too long. */
export class TimeoutError extends Error {}

/** A server closed an idle connection just as it was used again. */
class DeadConnectionError extends Error {
  constructor(cause: Error) {
    super('the connection was closed', { cause })
  }
}

/** Sends requests by Node's own client, over connections that are kept alive. */
export function sendByNode(limits: HttpLimits): Send {
  const options = agentOptions(limits)
  const agents = { 'http:': new http.Agent(options), 'https:': new https.Agent(options) }
  const lookup = limits.refusePrivateAddresses ? createPublicLookup() : undefined
  return async (url, init) => {
    const target = new URL(url)
    // A socket looks up no address that is written out.
    if (lookup) requirePublicHost(target)
    const secure = target.protocol === 'https:'
    const agent = agents[secure ? 'https:' : 'http:']
    const deadline = performance.now() + limits.timeout * 1000
    const attempt = async () => {
      const request = secure ? https.request : http.request
      const { res, body } = await exchange({ request, url: target, agent, lookup, init, limits, deadline })
      const decoded = await decodeBody(body, res.headers['content-encoding'], limits.maxResponseSize)
      return toResponse(res, decoded.toString('utf8'))
    }
    try {
      return await attempt()
    } catch (error) {
      // Only what is safe to repeat is repeated: a token request might have been carried out, and a code or refresh
      // token used twice ends the grant.
      if (init.method === 'GET' && error instanceof DeadConnectionError) return attempt()
      throw error
    }
  }
}

/**
 * Options of the agents. Node's global agents follow the proxy variables where `NODE_USE_ENV_PROXY` says so (Node 24 and
 * later); others only by `proxyEnv`, which earlier versions ignore. A proxy connects in place of this process, so no
 * address could be refused: then it is not used.
 */
export function agentOptions(
  { maxConnections, refusePrivateAddresses }: Pick<HttpLimits, 'maxConnections' | 'refusePrivateAddresses'>,
  { env, execArgv }: Pick<NodeJS.Process, 'env' | 'execArgv'> = process,
): http.AgentOptions {
  const options = execArgv.concat(env.NODE_OPTIONS?.split(' ') ?? [])
  const usesProxy = env.NODE_USE_ENV_PROXY === '1' || options.includes('--use-env-proxy')
  return defined({
    keepAlive: true,
    scheduling: 'lifo' as const,
    timeout: IDLE_TIMEOUT,
    maxFreeSockets: maxConnections,
    proxyEnv: usesProxy && !refusePrivateAddresses ? env : undefined,
  })
}

interface Exchange {
  readonly request: typeof http.request
  readonly url: URL
  readonly agent: http.Agent
  readonly lookup: LookupFunction | undefined
  readonly init: Init
  readonly limits: HttpLimits
  /** By `performance.now()`. */
  readonly deadline: number
}

function exchange({ request, url, agent, lookup, init, limits, deadline }: Exchange) {
  return new Promise<{ res: http.IncomingMessage; body: Buffer }>((resolve, reject) => {
    const { body, headers } = bodyOf(init)
    let answering = false
    let settled = false
    function settle(act: () => void): void {
      if (settled) return
      settled = true
      clearTimeout(timer)
      act()
    }
    const fail = (error: Error) => settle(() => reject(error))
    const req = request(url, { agent, method: init.method, headers, ...defined({ lookup }) }, (res) => {
      answering = true
      const chunks: Buffer[] = []
      let size = 0
      res.on('data', (chunk: Buffer) => {
        size += chunk.length
        if (size > limits.maxResponseSize) res.destroy(new BodyTooLargeError())
        else chunks.push(chunk)
      })
      res.on('end', () => settle(() => resolve({ res, body: Buffer.concat(chunks) })))
      res.on('error', fail)
      res.on('close', () => fail(new Error('the connection was closed before the response ended')))
    })
    const timer = setTimeout(() => {
      fail(new TimeoutError())
      req.destroy()
    }, deadline - performance.now())
    req.on('error', (error) => fail(req.reusedSocket && !answering ? new DeadConnectionError(error) : error))
    req.on('close', () => {
      if (!answering) fail(new Error('the connection was closed before a response'))
    })
    req.end(body)
  })
}

function bodyOf(init: Init): { body: string | undefined; headers: Record<string, string> } {
  const headers: Record<string, string> = { ...init.headers }
  if (init.body === undefined || init.body === null) return { body: undefined, headers }
  const body = String(init.body)
  headers['content-length'] = String(Buffer.byteLength(body))
  return { body, headers }
}

/** A `Response` of text costs a third of one of bytes: undici makes a stream of bytes at once. */
function toResponse(res: http.IncomingMessage, body: string): Response {
  const headers = new Headers()
  for (const [name, value] of Object.entries(res.headers)) {
    // They speak of the body as it was sent.
    if (name === 'content-encoding' || name === 'content-length') continue
    if (typeof value === 'string') headers.set(name, value)
  }
  return new Response(body === '' ? null : body, { status: res.statusCode ?? 500, headers })
}
