import type { Request, Response } from 'express'
import type { SessionData } from 'express-session'
import type { TokenRecord, TokenRecords } from '../session/records.js'

/** Gives how long the session lives without a request, by its cookie. In seconds; `undefined` if it does not say. */
export function idleLifetime(req: Request): number | undefined {
  const { originalMaxAge } = req.session?.cookie ?? {}
  return typeof originalMaxAge === 'number' ? originalMaxAge / 1000 : undefined
}

/**
 * Lets the session, in the browser and in its store, end no later than its token record.
 *
 * @param endsAt - in seconds since the epoch
 */
export function limitSession(req: Request, endsAt: number): void {
  const left = Math.ceil(endsAt * 1000 - Date.now())
  const { cookie } = req.session
  if (typeof cookie.originalMaxAge === 'number' && cookie.originalMaxAge > left) cookie.maxAge = left
}

/**
 * Keeps a session and its token record in their stores for as long as the session may now live idle. Few calls write.
 *
 * express-session tells its store of a request only when the response ends, which may be after the session has.
 *
 * @throws `ERR_STORE_UNAVAILABLE`
 */
export async function prolong(req: Request, records: TokenRecords, record: TokenRecord): Promise<void> {
  countFromNow(req, record)
  if (await records.keep(record, idleLifetime(req))) await touch(req)
}

/**
 * Lets the idle lifetime count from the end of the response. Where express-session sent its cookie, it would count from
 * the headers: its store would then end a session that other requests have prolonged, as soon as a long response ends.
 *
 * @param current - gives the record as it is at the end; `undefined` when the session is over or has been replaced
 */
export function prolongAtEnd(
  req: Request,
  res: Response,
  records: TokenRecords,
  current: () => TokenRecord | undefined,
): void {
  res.end = new Proxy(res.end, {
    apply(end, self, args: Parameters<typeof res.end>) {
      const record = current()
      if (record) {
        countFromNow(req, record)
        // The response cannot tell of a failure any more. The next request finds out.
        records.keep(record, idleLifetime(req)).catch(() => {})
      }
      return Reflect.apply(end, self, args)
    },
  })
}

function countFromNow(req: Request, { endsAt }: TokenRecord): void {
  req.session.touch()
  limitSession(req, endsAt)
}

/** A session that cannot be touched now is touched at the end of the response; that of a logout is gone. */
function touch({ sessionStore, sessionID, session }: Request): Promise<void> {
  return new Promise((resolve) => {
    if (sessionStore.touch) sessionStore.touch(sessionID, session as SessionData, () => resolve())
    else resolve()
  })
}
