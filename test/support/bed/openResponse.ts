import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import type { Express, Request, Response } from 'express'
import { vi } from 'vitest'
import { requireAuth } from '../../../src/index.js'
import type { UserAgent } from './userAgent.js'

/** The two ends of a response that goes on: what the application holds, and what the browser has got. */
export interface OpenResponse {
  /** The request, at the application. */
  readonly req: Request
  /** The response, at the application. */
  readonly res: Response
  /** The response, at the browser. */
  readonly got: IncomingMessage
  /** What has come to the browser so far. */
  text(): string
  /** Sends an event, ends the response, and waits until the browser has all of it. */
  end(event: string): Promise<void>
  /** Closes the connection as a browser does that leaves the page. Resolves when the application knows. */
  leave(): Promise<void>
}

/** A guarded route `/events` that sends its headers and a first event, and then what the test has it do. */
export function openResponses(): {
  routes: (app: Express) => void
  open: (browser: UserAgent, url: string) => Promise<OpenResponse>
} {
  const begun: { req: Request; res: Response }[] = []
  return {
    routes(app) {
      app.get('/events', requireAuth(), (req, res) => {
        res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' })
        res.write('data: open\n\n')
        begun.push({ req, res })
      })
    },
    async open(browser, url) {
      const outgoing = request(`${url}/events`, { headers: { cookie: cookiesOf(browser, url) }, agent: false }).end()
      const [got] = (await once(outgoing, 'response')) as [IncomingMessage]
      let text = ''
      got.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      got.on('error', () => {})
      const { req, res } = await vi.waitUntil(() => begun.shift())
      return {
        req,
        res,
        got,
        text: () => text,
        async end(event) {
          const whole = once(got, 'end')
          res.end(`data: ${event}\n\n`)
          await whole
        },
        async leave() {
          const closed = once(res, 'close')
          outgoing.destroy()
          await closed
        },
      }
    },
  }
}

/** Sends a request and breaks the connection off once `when` resolves. Resolves when it is closed. */
export async function breakOff(
  browser: UserAgent,
  url: string,
  when: Promise<unknown>,
  method: 'GET' | 'POST' = 'GET',
): Promise<void> {
  const headers = {
    cookie: cookiesOf(browser, url),
    'sec-fetch-site': 'same-origin',
    'sec-fetch-mode': 'navigate',
    accept: 'text/html',
  }
  const outgoing = request(url, { method, headers, agent: false }).on('error', () => {})
  outgoing.end()
  await when
  const closed = new Promise((resolve) => outgoing.once('close', resolve))
  outgoing.destroy()
  await closed
}

function cookiesOf(browser: UserAgent, url: string): string {
  return [...browser.cookies(url)].map((pair) => pair.join('=')).join('; ')
}
