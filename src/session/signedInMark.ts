import type { Request } from 'express'
import { storeError } from '../errors.js'
import { idleLifetime, limitSession } from './lifetime.js'

/** The signed-in mark in `req.session`: identifies the token record and the user. */
export interface SignedInMark {
  /** The id of the token record. */
  id: string
  /** The provider's name. */
  provider: string
  sub: string
}

type SessionFields = Record<string, unknown>

/** Returns the mark of a request's session. */
export function readMark(req: Request, key: string): SignedInMark | undefined {
  return markOf(req.session as unknown as SessionFields, key)
}

function markOf(session: SessionFields, key: string): SignedInMark | undefined {
  const mark = session[key] as Partial<SignedInMark> | undefined
  return typeof mark?.id === 'string' && typeof mark.sub === 'string' ? (mark as SignedInMark) : undefined
}

/** A login for which a session is about to be opened. */
export interface Opening {
  /** The provider's name. */
  readonly provider: string
  readonly sub: string
  /** The end of the session, however active the user is. In seconds since the epoch. */
  readonly endsAt: number
  /** The session the login started in, if the request may lack its cookie. */
  readonly anonymousId?: string | undefined
  /**
   * Stores the record that the session points to. Resolves to its id.
   *
   * @param idle - the idle lifetime of the new session. In seconds; `undefined` if its cookie has none
   * @param replaces - the mark of the session that will be replaced, if any
   */
  createRecord(idle: number | undefined, replaces: SignedInMark | undefined): Promise<string>
}

/**
 * Opens a new session with the mark under a new ID, saves it, and destroys the old one. If it cannot be saved, the
 * request keeps its old session.
 *
 * Data of an anonymous session is carried over; data of another subject's session is not.
 *
 * @returns the mark of the session that was replaced, if any
 * @throws `ERR_STORE_UNAVAILABLE`, and what `createRecord` rejects with
 */
export async function openSession(
  req: Request,
  key: string,
  opening: Opening,
): Promise<{ replaced: SignedInMark | undefined }> {
  const { session, sessionID } = req
  const { provider, sub, endsAt, anonymousId } = opening
  const begunIn = anonymousId !== undefined && anonymousId !== sessionID ? await load(req, anonymousId) : undefined
  const current = session as unknown as SessionFields
  const replaced = markOf(current, key) ?? (begunIn && markOf(begunIn, key))
  const held = { ...carried(begunIn, key, opening), ...carried(current, key, opening) }
  generate(req)
  const idle = idleLifetime(req)
  limitSession(req, { endsAt })
  try {
    const mark: SignedInMark = { id: await opening.createRecord(idle, replaced), provider, sub }
    Object.assign(req.session, held, { [key]: mark })
    await save(req)
  } catch (error) {
    Object.assign(req, { session, sessionID })
    throw error
  }
  const old = [wasSent(req, sessionID) ? sessionID : undefined, anonymousId].filter((id) => id !== undefined)
  await Promise.all(old.map((id) => destroy(req, id)))
  return { replaced }
}

/** Ends the request's session. @throws `ERR_STORE_UNAVAILABLE` */
export function endSession(req: Request): Promise<void> {
  return new Promise((resolve, reject) => {
    req.session.destroy((error: unknown) => (error ? reject(storeError(error)) : resolve()))
  })
}

/**
 * Replaces a session whose token record is gone, with all its data, by a new, empty one.
 *
 * @throws `ERR_STORE_UNAVAILABLE`
 */
export function abandonSession(req: Request): Promise<void> {
  return new Promise((resolve, reject) => {
    req.session.regenerate((error: unknown) => (error ? reject(storeError(error)) : resolve()))
  })
}

/** Returns the ID of a session that holds data, for a login whose response lacks the session's cookie. */
export function idOfUsedSession(req: Request): string | undefined {
  const used = Object.keys(req.session).some((name) => name !== 'cookie')
  return used ? req.sessionID : undefined
}

/** Returns the data to carry over: not the cookie's settings, the mark, or another subject's data. */
function carried(session: SessionFields | undefined, key: string, next: Opening): SessionFields {
  if (!session) return {}
  const mark = markOf(session, key)
  if (mark && (mark.sub !== next.sub || mark.provider !== next.provider)) return {}
  const { cookie: _cookie, [key]: _mark, ...rest } = session
  return rest
}

function load(req: Request, id: string): Promise<SessionFields | undefined> {
  return new Promise((resolve, reject) => {
    req.sessionStore.get(id, (error: unknown, session) => {
      if (error && (error as NodeJS.ErrnoException).code !== 'ENOENT') reject(storeError(error))
      else resolve((session ?? undefined) as SessionFields | undefined)
    })
  })
}

/** Sets a new session on the request. Unlike `req.session.regenerate()`, leaves the old one in the store. */
function generate(req: Request): void {
  const store = req.sessionStore as typeof req.sessionStore & { generate(req: Request): void }
  store.generate(req)
}

function save(req: Request): Promise<void> {
  return new Promise((resolve, reject) => {
    req.session.save((error: unknown) => (error ? reject(storeError(error)) : resolve()))
  })
}

/** Checks whether the browser sent the ID of a session. One that it did not send is new, and was never stored. */
function wasSent(req: Request, id: string): boolean {
  return req.headers.cookie?.includes(encodeURIComponent(id)) ?? false
}

/** Ignores failures: a session that is left over is anonymous or without a record, and expires. */
function destroy(req: Request, id: string): Promise<void> {
  return new Promise((resolve) => {
    req.sessionStore.destroy(id, () => resolve())
  })
}

declare module 'express-session' {
  interface SessionData {
    /** The signed-in mark of express-relying-party. Read `req.auth` instead. */
    auth?: SignedInMark
  }
}
