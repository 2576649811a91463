import type { Request } from 'express'
import { storeError } from '../errors.js'
import { idleLifetime, limitSession } from './lifetime.js'

/** The signed-in mark in `req.session`: where the token record is, and whose. */
export interface SignedInMark {
  /** The id of the token record. */
  id: string
  /** The provider's name. */
  provider: string
  sub: string
}

type SessionFields = Record<string, unknown>

/** Reads the mark of a request's session. */
export function readMark(req: Request, key: string): SignedInMark | undefined {
  return markOf(req.session as unknown as SessionFields, key)
}

function markOf(session: SessionFields, key: string): SignedInMark | undefined {
  const mark = session[key] as Partial<SignedInMark> | undefined
  return typeof mark?.id === 'string' && typeof mark.sub === 'string' ? (mark as SignedInMark) : undefined
}

/** A login that is about to get a session. */
export interface Opening {
  /** The provider's name. */
  readonly provider: string
  readonly sub: string
  /** The end of the absolute lifetime. In seconds since the epoch. */
  readonly endsAt: number
  /** The session a login began in, where the request may have come without its cookie. */
  readonly anonymousId?: string | undefined
  /**
   * Stores the record that the session is to point at. Resolves to its id.
   *
   * @param idle - how long the new session lives without a request. In seconds; `undefined` if its cookie does not say
   */
  createRecord(idle: number | undefined): Promise<string>
}

/**
 * Opens a new session under a new ID with the mark in it, saves it, and gives up the old one. If it cannot be saved, the
 * request keeps the session it had.
 *
 * What the anonymous session held comes along; what a session of another subject held does not.
 *
 * @returns the mark of the session that was given up, if any
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
  limitSession(req, endsAt)
  try {
    const mark: SignedInMark = { id: await opening.createRecord(idleLifetime(req)), provider, sub }
    Object.assign(req.session, held, { [key]: mark })
    await save(req)
  } catch (error) {
    Object.assign(req, { session, sessionID })
    throw error
  }
  await Promise.all([sessionID, anonymousId].filter((id) => id !== undefined).map((id) => destroy(req, id)))
  return { replaced }
}

/** Ends the request's session. @throws `ERR_STORE_UNAVAILABLE` */
export function endSession(req: Request): Promise<void> {
  return new Promise((resolve, reject) => {
    req.session.destroy((error: unknown) => (error ? reject(storeError(error)) : resolve()))
  })
}

/**
 * Gives up a session whose token record is gone, with all that it holds, for a new and empty one.
 *
 * @throws `ERR_STORE_UNAVAILABLE`
 */
export function abandonSession(req: Request): Promise<void> {
  return new Promise((resolve, reject) => {
    req.session.regenerate((error: unknown) => (error ? reject(storeError(error)) : resolve()))
  })
}

/** Gives the ID of a session that holds something, for a login whose response comes without the session's cookie. */
export function idOfUsedSession(req: Request): string | undefined {
  const used = Object.keys(req.session).some((name) => name !== 'cookie')
  return used ? req.sessionID : undefined
}

/** Gives what a session holds that is to live on: not the cookie's settings, the mark, or another subject's data. */
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

/** Gives the request a new session without touching the old one in the store, unlike `req.session.regenerate()`. */
function generate(req: Request): void {
  const store = req.sessionStore as typeof req.sessionStore & { generate(req: Request): void }
  store.generate(req)
}

function save(req: Request): Promise<void> {
  return new Promise((resolve, reject) => {
    req.session.save((error: unknown) => (error ? reject(storeError(error)) : resolve()))
  })
}

/** A session that cannot be removed is left to expire: it is anonymous, or its record is gone. */
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
