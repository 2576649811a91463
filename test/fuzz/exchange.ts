import { IncomingMessage, type RequestListener, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import type { Express } from 'express'

/** A request as its sender wrote it. */
export interface Sent {
  readonly method?: 'GET' | 'POST'
  /** Path and query. */
  readonly url: string
  /** In order; a name may stand twice. */
  readonly headers?: readonly (readonly [name: string, value: string])[]
  readonly body?: string
}

/** What an application answered. */
export interface Answer {
  readonly status: number
  readonly location: string | undefined
  readonly setCookie: readonly string[]
  readonly body: string
}

/** How long an in-process request may take before it counts as hanging. In milliseconds. */
const PATIENCE = 10_000

/** Sends a request to an application in this process, without a socket, as Node's HTTP parser would hand it over. */
export async function exchange(app: Express, sent: Sent): Promise<Answer> {
  const socket = new NoSocket()
  const req = createRequest(socket, sent)
  const res = new ServerResponse(req)
  res.assignSocket(socket as unknown as Socket)
  let timer: NodeJS.Timeout | undefined
  try {
    await new Promise<void>((resolve, reject) => {
      timer = setTimeout(() => reject(new Error('no answer: the request hangs')), PATIENCE)
      res.on('finish', resolve)
      res.on('error', reject)
      ;(app as RequestListener)(req, res)
    })
  } finally {
    clearTimeout(timer)
  }
  const text = socket.written()
  return {
    status: res.statusCode,
    location: res.getHeader('location') as string | undefined,
    setCookie: [res.getHeader('set-cookie') ?? []].flat().map(String),
    body: text.slice(text.indexOf('\r\n\r\n') + 4),
  }
}

/** Makes the `Cookie` header of the cookies that an answer sets. */
export function cookiesOf(...answers: readonly Answer[]): string {
  const jar = new Map<string, string>()
  for (const line of answers.flatMap(({ setCookie }) => setCookie)) {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
    if (value === '') jar.delete(name)
    else jar.set(name, value)
  }
  return [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
}

/** What a parser lets through of a header's value: bytes as Latin-1, no control characters but tab, trimmed. */
function headerValue(value: string): string {
  const text = PRINTABLE.test(value) ? value : latin1(value).replace(CONTROLS, '')
  const isSpace = (at: number) => text[at] === ' ' || text[at] === '\t'
  let [start, end] = [0, text.length]
  while (start < end && isSpace(start)) start += 1
  while (end > start && isSpace(end - 1)) end -= 1
  return text.slice(start, end)
}

/** What a parser lets through of a request target. */
function target(url: string): string {
  return PRINTABLE.test(url) && !url.includes(' ') ? url : latin1(url).replace(CONTROLS_OR_SPACE, '')
}

const PRINTABLE = /^[\x20-\x7e]*$/

// biome-ignore lint/suspicious/noControlCharactersInRegex: no parser lets them through
const CONTROLS = /[\x00-\x08\x0a-\x1f\x7f]+/g

// biome-ignore lint/suspicious/noControlCharactersInRegex: no parser lets them through
const CONTROLS_OR_SPACE = /[\x00-\x20\x7f]+/g

/** Returns the bytes of a text as characters. */
function latin1(text: string): string {
  return Buffer.from(text).toString('latin1')
}

function createRequest(socket: NoSocket, { method = 'GET', url, headers = [], body }: Sent): IncomingMessage {
  const req = new IncomingMessage(socket as unknown as Socket)
  req.method = method
  req.url = target(url)
  req.httpVersion = '1.1'
  req.httpVersionMajor = 1
  req.httpVersionMinor = 1
  const all: (readonly [string, string])[] = [['host', 'app.example.com'], ...headers]
  if (body !== undefined) all.push(['content-length', String(Buffer.byteLength(body))])
  for (const [name, raw] of all) {
    const value = headerValue(raw)
    req.rawHeaders.push(name, value)
    const key = name.toLowerCase()
    const before = req.headers[key]
    if (before === undefined) req.headers[key] = value
    else if (key === 'cookie') req.headers[key] = `${String(before)}; ${value}`
    else if (key !== 'authorization' && key !== 'host') req.headers[key] = `${String(before)}, ${value}`
  }
  if (body !== undefined) req.push(body)
  req.push(null)
  req.complete = true
  return req
}

/** Stands in for a TLS connection: takes what is written and gives nothing to read. */
class NoSocket extends Duplex {
  readonly encrypted = true
  readonly remoteAddress = '192.0.2.1'
  readonly #chunks: Buffer[] = []

  written(): string {
    return Buffer.concat(this.#chunks).toString('utf8')
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#chunks.push(chunk)
    done()
  }

  setTimeout(): this {
    return this
  }
}
