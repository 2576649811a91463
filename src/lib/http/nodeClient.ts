import * as http from 'node:http'
import * as https from 'node:https'
import type { LookupFunction } from 'node:net'
import type { CustomFetch } from 'openid-client'
import { startDeadline } from '../deadline.js'
import { defined } from '../defined.js'
import { assertPublicHost, createPublicLookup } from './addresses.js'
import { BodyTooLargeError, decodeBody } from './decodeBody.js'
import type { HttpLimits, SendOptions } from './httpOptions.js'

export type Init = Parameters<CustomFetch>[1]
export type Send = (url: string, init: Init, options?: SendOptions) => Promise<Response>

/** Idle connections are closed before common servers close them (Node's after 5 s), so few requests meet a dead one. */
const IDLE_TIMEOUT = 4_000

/** A request exceeded its timeout. */
export class TimeoutError extends Error {}

/** The server closed an idle connection just as it was reused. */
class DeadConnectionError extends Error {
  constructor(cause: Error) {
    super('the connection was closed', { cause })
  }
}

/** Creates a {@link Send} on Node's own client, with keep-alive connections. */
export function sendByNode(limits: HttpLimits): Send {
  const options = agentOptions(limits)
  const agents = { 'http:': new http.Agent(options), 'https:': new https.Agent(options) }
  const lookup = limits.refusePrivateAddresses ? createPublicLookup() : undefined
  return async (url, init, { timeout, beforeSend }: Partial<SendOptions> = {}) => {
    const target = new URL(url)
    // Sockets do not call `lookup` for IP addresses.
    if (lookup) assertPublicHost(target)
    const secure = target.protocol === 'https:'
    const agent = agents[secure ? 'https:' : 'http:']
    const deadline = performance.now() + (timeout ?? limits.timeout) * 1000
    const attempt = async () => {
      const request = secure ? https.request : http.request
      beforeSend?.()
      const { res, body } = await exchange({ request, url: target, agent, lookup, init, limits, deadline })
      const decoded = await decodeBody(body, res.headers['content-encoding'], limits.maxResponseSize)
      return toResponse(res, decoded.toString('utf8'))
    }
    try {
      return await attempt()
    } catch (error) {
      // Only GET is safe to repeat: a token request might have been processed, and using a code or refresh token
      // twice ends the grant.
      if (init.method === 'GET' && error instanceof DeadConnectionError) return attempt()
      throw error
    }
  }
}

/**
 * Returns the options of the agents. With `NODE_USE_ENV_PROXY` (Node 24 and later), Node's global agents follow the proxy
 * variables; other agents need `proxyEnv`, which earlier versions ignore. A proxy would connect in place of this process,
 * so it is not used when private addresses are refused.
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
    let size = 0
    function settle(act: () => void): void {
      if (settled) return
      settled = true
      timer.clear()
      act()
    }
    const fail = (error: Error) => settle(() => reject(error))
    const req = request(url, { agent, method: init.method, headers, ...defined({ lookup }) }, (res) => {
      answering = true
      const chunks: Buffer[] = []
      res.on('data', (chunk: Buffer) => {
        size += chunk.length
        if (size > limits.maxResponseSize) res.destroy(new BodyTooLargeError())
        else chunks.push(chunk)
      })
      res.on('end', () => settle(() => resolve({ res, body: Buffer.concat(chunks) })))
      res.on('error', fail)
      res.on('close', () => fail(new Error('the connection was closed before the response ended')))
    })
    const timeOut = () => {
      fail(new TimeoutError())
      req.destroy()
    }
    const timer = startDeadline(deadline - performance.now(), timeOut, () => size + Number(answering))
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

/** A `Response` made from text costs a third of one made from bytes, for which undici creates a stream at once. */
function toResponse(res: http.IncomingMessage, body: string): Response {
  const headers = new Headers()
  for (const [name, value] of Object.entries(res.headers)) {
    // These describe the body as it was sent.
    if (name === 'content-encoding' || name === 'content-length') continue
    if (typeof value === 'string') headers.set(name, value)
  }
  return new Response(body === '' ? null : body, { status: res.statusCode ?? 500, headers })
}
