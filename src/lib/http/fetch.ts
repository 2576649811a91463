import type { CustomFetch } from 'openid-client'
import { RelyingPartyError } from '../../errors.js'
import { startDeadline } from '../deadline.js'
import { defined } from '../defined.js'
import { isLoopback } from '../loopback.js'
import { createRedactor, type Redactor, secretsOf } from '../redact.js'
import { PrivateAddressError } from './addresses.js'
import { BodyTooLargeError, ContentCodingError } from './decodeBody.js'
import { type HttpLimits, MAX_CONNECTIONS, type SendOptions } from './httpOptions.js'
import { type Init, type Send, sendByNode, TimeoutError } from './nodeClient.js'
import { createSlots, NoSlotError } from './slots.js'

/** How many requests to one origin may wait for a connection. Any more fail at once. */
const MAX_WAITING = 1000

/** Sends a request to a provider, as openid-client does. */
export type ProviderFetch = (...request: [...Parameters<CustomFetch>, options?: SendOptions]) => Promise<Response>

/**
 * Creates the `fetch` that sends every request to a provider.
 *
 * Requests require https or a loopback host, whatever a provider's metadata says. Connections are bounded and kept
 * alive, redirects refused, time and body size limited. A provider that cannot be reached, times out, or answers 429 or
 * 5xx results in `ERR_PROVIDER_UNAVAILABLE`; the caller handles every other status.
 */
export function createFetch(limits: HttpLimits): ProviderFetch {
  const { maxConnections = MAX_CONNECTIONS, timeout } = limits
  const send = limits.fetch ? sendByFetch(limits.fetch, limits) : sendByNode(limits)
  const slots = createSlots({ max: maxConnections, maxWaiting: MAX_WAITING, maxWait: timeout })
  return async (url, init, options) => {
    assertTls(url, limits)
    let response: Response
    try {
      response = await slots.run(origin(url), () => send(url, init, options))
    } catch (error) {
      throw failure(url, error, { ...limits, timeout: options?.timeout ?? timeout }, init)
    }
    if (response.status >= 300 && response.status < 400) {
      throw new RelyingPartyError(
        'ERR_METADATA_INVALID',
        `${origin(url)} answered with a redirect, which is not followed`,
        {
          hint: 'configure the final URL of the provider',
        },
      )
    }
    if (response.status === 429 || response.status >= 500) {
      throw unavailable(url, `answered ${response.status}`, { retryAfter: response.headers.get('retry-after') })
    }
    return response
  }
}

function assertTls(url: string, { allowInsecureHttp = false }: HttpLimits): void {
  const target = new URL(url)
  if (target.protocol === 'https:') return
  if (target.protocol === 'http:' && (allowInsecureHttp || isLoopback(target))) return
  throw new RelyingPartyError(
    'ERR_METADATA_INVALID',
    `the endpoint at ${target.protocol}//${target.host} does not use TLS`,
    { hint: 'use https for a non-loopback host, or set allowInsecureHttp' },
  )
}

function sendByFetch(fetch: typeof globalThis.fetch, limits: HttpLimits): Send {
  const { maxResponseSize } = limits
  return async (url, init, { timeout = limits.timeout, beforeSend }: Partial<SendOptions> = {}) => {
    const aborting = new AbortController()
    let answering = 0
    let size = 0
    const deadline = startDeadline(
      timeout * 1000,
      () => aborting.abort(new DOMException('the request timed out', 'TimeoutError')),
      () => size + answering,
    )
    const request: RequestInit = {
      method: init.method,
      headers: init.headers,
      redirect: 'manual',
      signal: aborting.signal,
    }
    if (init.body !== undefined && init.body !== null) request.body = init.body as NonNullable<RequestInit['body']>
    try {
      beforeSend?.()
      const response = await fetch(url, request)
      answering = 1
      if (!response.body) return response
      const chunks: Uint8Array[] = []
      // `fetch` has already decoded the body: these are decoded bytes.
      for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
        size += chunk.length
        if (size > maxResponseSize) throw new BodyTooLargeError()
        chunks.push(chunk)
      }
      const body = size === 0 ? null : Buffer.concat(chunks).toString('utf8')
      return new Response(body, { status: response.status, headers: response.headers })
    } finally {
      deadline.clear()
    }
  }
}

function failure(url: string, error: unknown, limits: HttpLimits, init: Init): RelyingPartyError {
  if (error instanceof RelyingPartyError) return error
  if (error instanceof PrivateAddressError) {
    return new RelyingPartyError('ERR_METADATA_INVALID', `a request to ${origin(url)} was refused`, {
      hint: `${error.message}, which http.refusePrivateAddresses refuses`,
    })
  }
  if (error instanceof BodyTooLargeError) return unavailable(url, `sent more than ${limits.maxResponseSize} bytes`)
  if (error instanceof ContentCodingError) return unavailable(url, `sent ${error.message}`)
  if (error instanceof NoSlotError) {
    return unavailable(url, 'has too many requests in progress', {
      hint: `${limits.maxConnections ?? MAX_CONNECTIONS} requests are in progress and more are waiting: the provider is slow, or http.maxConnections is too small`,
    })
  }
  return unavailable(url, reason(error, limits), { cause: safeCause(error, createRedactor(secretsOf(init))) })
}

function reason(error: unknown, limits: HttpLimits): string {
  const { name, code, cause } = error as { name?: string; code?: string; cause?: { code?: string } }
  if (error instanceof TimeoutError || name === 'TimeoutError') return `did not answer within ${limits.timeout} s`
  const why = code ?? cause?.code
  return why ? `cannot be reached (${why})` : 'cannot be reached, or did not answer with valid HTTP'
}

/** Copies only what identifies an error: Node adds response bytes to some, and a `fetch` may add the request. */
function safeCause(error: unknown, redact: Redactor, depth = 3): Error | undefined {
  if (!(error instanceof Error)) return undefined
  const { name, message, cause } = error
  const { code } = error as NodeJS.ErrnoException
  const copy = new Error(
    redact(message).slice(0, 500),
    defined({ cause: depth > 0 ? safeCause(cause, redact, depth - 1) : undefined }),
  )
  return Object.assign(copy, { name }, defined({ code }))
}

interface Details {
  readonly cause?: unknown
  readonly hint?: string
  readonly retryAfter?: string | null
}

function unavailable(url: string, problem: string, { cause, hint, retryAfter }: Details = {}): RelyingPartyError {
  const seconds = Number(retryAfter)
  const wait = Number.isInteger(seconds) && seconds > 0 ? Math.min(seconds, 3600) : 5
  return new RelyingPartyError('ERR_PROVIDER_UNAVAILABLE', `the provider at ${origin(url)} ${problem}`, {
    headers: { 'Retry-After': String(wait) },
    ...defined({ cause, hint }),
  })
}

function origin(url: string): string {
  return new URL(url).origin
}
