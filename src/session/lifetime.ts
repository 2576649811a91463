import type { Request, Response } from 'express'
import type { SessionData } from 'express-session'
import type { TokenRecord, TokenRecords } from '../records/records.js'

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

/** Keeps a session and its token record alive together, for as long as a request goes on. */
export class SessionLifetime {
  readonly #req: Request
  readonly #records: TokenRecords
  readonly #sessionId: string

  constructor(req: Request, records: TokenRecords) {
    this.#req = req
    this.#records = records
    this.#sessionId = req.sessionID
  }

  /** How long the session lives without a request. In seconds; `undefined` if its cookie does not say. */
  get idle(): number | undefined {
    return idleLifetime(this.#req)
  }

  /**
   * Keeps both in their stores for as long as the session may now live idle. Few calls write.
   *
   * express-session tells its store of a request only when the response ends, which may be after the session has.
   *
   * @throws `ERR_STORE_UNAVAILABLE`
   */
  async prolong(record: TokenRecord): Promise<void> {
    if (!this.#countFromNow(record)) return
    if (await this.#records.keep(record, this.idle)) await touch(this.#req)
  }

  /**
   * Lets the idle lifetime count from the end of the response. Where express-session sent its cookie, it would count from
   * the headers: its store would then end a session that other requests have prolonged, once a long response ends.
   *
   * @param current - gives the record as it is at the end
   */
  prolongAtEnd(res: Response, current: () => TokenRecord | undefined): void {
    const prolong = () => {
      const record = current()
      if (!record || !this.#countFromNow(record)) return
      // The response cannot tell of a failure any more. The next request finds out.
      this.#records.keep(record, this.idle).catch(() => {})
    }
    res.end = new Proxy(res.end, {
      apply(end, self, args: Parameters<typeof res.end>) {
        prolong()
        return Reflect.apply(end, self, args)
      },
    })
  }

  /** Tells whether the request still has the session: not after a logout or another login in it. */
  #countFromNow({ endsAt }: TokenRecord): boolean {
    if (this.#req.session?.id !== this.#sessionId) return false
    this.#req.session.touch()
    limitSession(this.#req, endsAt)
    return true
  }
}

/** A session that cannot be touched now is touched at the end of the response; that of a logout is gone. */
function touch({ sessionStore, sessionID, session }: Request): Promise<void> {
  return new Promise((resolve) => {
    if (sessionStore.touch) sessionStore.touch(sessionID, session as SessionData, () => resolve())
    else resolve()
  })
}
