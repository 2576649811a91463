import type { Response } from 'express'
import type { Provider } from '../provider/provider.js'
import type { SessionCaller } from '../session/sessionCaller.js'
import type { DeviceTransaction } from './cookie.js'
import { pollIfDue } from './polling.js'

/**
 * Reports the progress of a device login by server-sent events, until it has ended or the page is closed. A stream
 * cannot set the session's cookie: the page reloads for that.
 *
 * Events: `code` with the code that this browser now waits for, then `approved` or `refused`. A comment at every check
 * makes proxies keep the stream open.
 */
export async function streamDevice(
  caller: SessionCaller,
  res: Response,
  provider: Provider,
  transaction: DeviceTransaction | undefined,
): Promise<void> {
  res.set({ 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store', 'X-Accel-Buffering': 'no' })
  if (!transaction) {
    send(res, 'refused', {})
    res.end()
    return
  }
  const closed = new Promise<void>((resolve) => void res.once('close', resolve))
  send(res, 'code', { user_code: transaction.userCode })
  while (!res.closed) {
    const found = await pollIfDue(caller, provider, transaction)
    if (found.state === 'pending') {
      res.write(': waiting\n\n')
      await Promise.race([pause(Math.min(found.wait, transaction.interval), closed), closed])
    } else {
      send(res, found.state === 'refused' ? 'refused' : 'approved', {})
      res.end()
      return
    }
  }
}

function send(res: Response, event: string, data: object): void {
  res.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
}

/** Waits. Clears its timer when the page is closed. */
function pause(seconds: number, closed: Promise<void>): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, seconds * 1000)
    void closed.then(() => clearTimeout(timer))
  })
}
