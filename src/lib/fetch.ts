import * as http from 'node:http'
import * as https from 'node:https'
import type { CustomFetch } from 'openid-client'
import { RelyingPartyError } from '../errors.js'
import { isLoopback } from './loopback.js'

/** How this package talks to providers. */
export interface HttpLimits {
  /** In seconds, for the whole exchange. */
  readonly timeout: number
  /** In bytes, of a response body. */
  readonly maxResponseSize: number
  /** Whether `http` beyond this machine is allowed. Default is `false`. */
  readonly allowInsecureHttp?: boolean
  /** Replaces the built-in client, for proxies or tests. */
  readonly fetch?: typeof fetch
}

type Init = Parameters<CustomFetch>[1]
type Send = (url: string, init: Init, limits: HttpLimits) => Promise<Response>

/** Idle connections are let go before common servers close them (5 s at Node's), so that no request meets a dead one. */
const IDLE_TIMEOUT = 4_000

/**
 * Creates the `fetch` that every request to a provider goes through.
 *
 * Requests go over https, or on this machine, whatever a provider's metadata says. Connections are kept alive, redirects
 * refused, time and body size bounded. A provider that cannot be reached, times out, or answers 429 or 5xx gives
 * `ERR_PROVIDER_UNAVAILABLE`; every other status is the caller's to judge.
 */
export function createFetch(limits: HttpLimits): CustomFetch {
  const send = limits.fetch ? sendByFetch(limits.fetch) : sendByNode()
  return async (url, init) => {
    requireTls(url, limits)
    let response: Response
    try {
      response = await send(url, init, limits)
    } catch (error) {
      if (error instanceof RelyingPartyError) throw error
      throw unavailable(url, reason(error, limits), error)
    }
    if (response.status >= 300 && response.status < 400) {
      throw new RelyingPartyError(
        'ERR_METADATA_INVALID',
        `${origin(url)} answered with a redirect, which is refused: configure the final address of the provider`,
      )
    }
    if (response.status === 429 || response.status >= 500) {
      throw unavailable(url, `answered ${response.status}`, undefined, response.headers.get('retry-after'))
    }
    return response
  }
}

function requireTls(url: string, { allowInsecureHttp = false }: HttpLimits): void {
  const target = new URL(url)
  if (target.protocol === 'https:') return
  if (target.protocol === 'http:' && (allowInsecureHttp || isLoopback(target))) return
  throw new RelyingPartyError(
    'ERR_METADATA_INVALID',
    `an endpoint is at ${target.protocol}//${target.host}: beyond this machine https is needed, or allowInsecureHttp`,
  )
}

function sendByNode(): Send {
  const agents = {
    'http:': new http.Agent({ keepAlive: true, scheduling: 'lifo', timeout: IDLE_TIMEOUT }),
    'https:': new https.Agent({ keepAlive: true, scheduling: 'lifo', timeout: IDLE_TIMEOUT }),
  }
  return async (url, init, limits) => {
    const target = new URL(url)
    const secure = target.protocol === 'https:'
    const agent = agents[secure ? 'https:' : 'http:']
    const deadline = performance.now() + limits.timeout * 1000
    const attempt = async () => {
      const { res, body } = await exchange(secure ? https.request : http.request, target, agent, init, limits, deadline)
      return toResponse(res, body)
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

interface Answer {
  readonly res: http.IncomingMessage
  readonly body: string
}

function exchange(
  request: typeof http.request,
  url: URL,
  agent: http.Agent,
  init: Init,
  limits: HttpLimits,
  deadline: number,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
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
    const req = request(url, { agent, method: init.method, headers }, (res) => {
      answering = true
      const chunks: Buffer[] = []
      let size = 0
      res.on('data', (chunk: Buffer) => {
        size += chunk.length
        if (size > limits.maxResponseSize) res.destroy(tooLarge(url, limits))
        else chunks.push(chunk)
      })
      res.on('end', () => settle(() => resolve({ res, body: Buffer.concat(chunks).toString('utf8') })))
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

class TimeoutError extends Error {}

/** A server closed an idle connection just as it was used again. */
class DeadConnectionError extends Error {
  constructor(cause: Error) {
    super('the connection was closed', { cause })
  }
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
    if (typeof value === 'string') headers.set(name, value)
  }
  return new Response(body === '' ? null : body, { status: res.statusCode ?? 500, headers })
}

function sendByFetch(fetch: typeof globalThis.fetch): Send {
  return async (url, init, limits) => {
    const request: RequestInit = {
      method: init.method,
      headers: init.headers,
      redirect: 'manual',
      signal: AbortSignal.timeout(limits.timeout * 1000),
    }
    if (init.body !== undefined && init.body !== null) request.body = init.body as NonNullable<RequestInit['body']>
    const response = await fetch(url, request)
    if (!response.body) return response
    const chunks: Uint8Array[] = []
    let size = 0
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      size += chunk.length
      if (size > limits.maxResponseSize) throw tooLarge(new URL(url), limits)
      chunks.push(chunk)
    }
    const body = size === 0 ? null : Buffer.concat(chunks).toString('utf8')
    return new Response(body, { status: response.status, headers: response.headers })
  }
}

function tooLarge(url: URL, limits: HttpLimits): RelyingPartyError {
  return unavailable(url.href, `sent more than ${limits.maxResponseSize} bytes`)
}

function reason(error: unknown, limits: HttpLimits): string {
  const { name, code, cause } = error as { name?: string; code?: string; cause?: { code?: string } }
  if (error instanceof TimeoutError || name === 'TimeoutError') return `did not answer within ${limits.timeout} s`
  const why = code ?? cause?.code
  return why ? `cannot be reached (${why})` : 'cannot be reached, or gave no valid answer'
}

function unavailable(url: string, problem: string, cause?: unknown, retryAfter?: string | null): RelyingPartyError {
  const seconds = Number(retryAfter)
  const wait = Number.isInteger(seconds) && seconds > 0 ? Math.min(seconds, 3600) : 5
  return new RelyingPartyError('ERR_PROVIDER_UNAVAILABLE', `the provider at ${origin(url)} ${problem}`, {
    headers: { 'Retry-After': String(wait) },
    ...(cause === undefined ? {} : { cause }),
  })
}

function origin(url: string): string {
  return new URL(url).origin
}
