import type { Request, Response } from 'express'
import type { SessionData } from 'express-session'
import type { RecordFields, TokenRecord } from '../records/record.js'
import type { TokenRecords } from '../records/records.js'

/** Returns the idle lifetime of the session's cookie. In seconds; `undefined` if it has none. */
export function idleLifetime(req: Request): number | undefined {
  const { originalMaxAge } = req.session?.cookie ?? {}
  return typeof originalMaxAge === 'number' ? originalMaxAge / 1000 : undefined
}

/** The fields of a record that say when its session ends. */
type Ends = Pick<RecordFields, 'endsAt' | 'mayLastUntil' | 'extended'>

/**
 * Returns when a session ends: with its absolute lifetime, or earlier if the provider requires it. All times in seconds
 * since the epoch.
 *
 * @param mayLastUntil - the end of the absolute lifetime
 * @param mustEndAt - the end that the provider has set, if any
 */
export function sessionEnds(mayLastUntil: number, mustEndAt: number | undefined): Ends {
  return mustEndAt === undefined || mustEndAt >= mayLastUntil
    ? { endsAt: mayLastUntil }
    : { endsAt: mustEndAt, mayLastUntil }
}

/**
 * Limits the session, in the browser and in its store, to the end of its token record. express-session forgets the
 * lifetime that its cookie had before, so once the end was moved, it comes from the record.
 */
export function limitSession(req: Request, { endsAt, extended, idle }: Ends & Pick<RecordFields, 'idle'>): void {
  const left = Math.ceil(endsAt * 1000 - Date.now())
  const { cookie } = req.session
  if (typeof cookie.originalMaxAge !== 'number') return
  const wanted = extended && idle !== undefined ? idle * 1000 : cookie.originalMaxAge
  const limited = Math.min(wanted, left)
  if (limited !== cookie.originalMaxAge) cookie.maxAge = limited
}

/** Keeps a session and its token record alive together for the duration of a request. */
export class SessionLifetime {
  readonly #req: Request
  readonly #records: TokenRecords
  readonly #sessionId: string

  constructor(req: Request, records: TokenRecords) {
    this.#req = req
    this.#records = records
    this.#sessionId = req.sessionID
  }

  /** The idle lifetime of the session. In seconds; `undefined` if its cookie has none. */
  get idle(): number | undefined {
    return idleLifetime(this.#req)
  }

  /**
   * Extends both in their stores by the idle lifetime. Few calls write.
   *
   * express-session touches its store only when the response ends, which may be after the session has expired.
   *
   * @returns the record as it is now
   * @throws `ERR_STORE_UNAVAILABLE`
   */
  async prolong(record: TokenRecord): Promise<TokenRecord> {
    if (!this.#countFromNow(record)) return record
    const kept = await this.#records.keep(record, this.idle)
    if (kept) await touch(this.#req)
    return kept ?? record
  }

  /**
   * Counts the idle lifetime from the end of the response. If express-session sent its cookie, it counts from the headers:
   * its store would then end a session that other requests have extended, once a long response ends.
   *
   * @param current - returns the record as it is at the end
   */
  prolongAtEnd(res: Response, current: () => TokenRecord | undefined): void {
    const prolong = () => {
      const record = current()
      if (!record || !this.#countFromNow(record)) return
      // The response can no longer report a failure. The next request finds out.
      this.#records.keep(record, this.idle).catch(() => {})
    }
    res.end = new Proxy(res.end, {
      apply(end, self, args: Parameters<typeof res.end>) {
        prolong()
        return Reflect.apply(end, self, args)
      },
    })
  }

  /** Touches the session. Returns whether the request still has it: not after a logout or another login. */
  #countFromNow(record: TokenRecord): boolean {
    if (this.#req.session?.id !== this.#sessionId) return false
    this.#req.session.touch()
    limitSession(this.#req, record)
    return true
  }
}

/**
 * Extends the session now, and keeps express-session from doing so at the end of the response, which would wait for it:
 * without the ID it neither saves nor touches the session, nor sends its cookie.
 */
export function touchWithoutWaiting(req: Request): void {
  void touch(req)
  Object.assign(req, { sessionID: undefined })
}

/** Ignores failures: express-session touches the session again at the end of the response. */
function touch({ sessionStore, sessionID, session }: Request): Promise<void> {
  return new Promise((resolve) => {
    if (sessionStore.touch) sessionStore.touch(sessionID, session as SessionData, () => resolve())
    else resolve()
  })
}
