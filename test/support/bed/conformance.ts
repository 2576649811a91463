import { inspect, promisify } from 'node:util'
import type { MemoryStore } from 'express-session'
import { expect, it } from 'vitest'
import { type ErrorCode, RelyingPartyError } from '../../../src/index.js'
import type { Spoil } from '../provider/spoil.js'
import type { App } from './app.js'
import { type SpoiledBed, type SpoiledSettings, startBed } from './bed.js'
import { type Answer, UserAgent } from './userAgent.js'

/** The settings of a login whose provider is spoiled. */
export type FlowSettings = Omit<SpoiledSettings, 'spoil'>

/** Where a login ended, and the browser it was done in. */
export interface Ended {
  readonly browser: UserAgent
  readonly answer: Answer
}

/** A login that ended with an error. */
export interface Rejected extends Ended {
  readonly error: RelyingPartyError
}

/** Codes that tell of a provider, not of a login, and so are answered with a 5xx status. */
const PROVIDER_AT_FAULT: readonly ErrorCode[] = [
  'ERR_METADATA_INVALID',
  'ERR_CLIENT_REFUSED',
  'ERR_PROVIDER_UNAVAILABLE',
]

/** Signs in, from the login route to where it ends. */
export async function signIn({ app }: SpoiledBed, browser = new UserAgent()): Promise<Ended> {
  const answer = await browser.visit(`${app.url}/login?returnTo=/who`)
  return { browser, answer }
}

/** Signs in and demands a session. */
export async function expectAccepted(bed: SpoiledBed): Promise<UserAgent> {
  const { browser, answer } = await signIn(bed)
  expect(bed.app.errors).toEqual([])
  expect(answer.json()).toEqual({ kind: 'session', subject: 'ada' })
  return browser
}

/**
 * Signs in and demands a refusal: a clean answer, the code, no session, nothing stored, no secret told.
 *
 * @param browser One that is not signed in.
 */
export async function expectRejected(bed: SpoiledBed, code: ErrorCode, browser = new UserAgent()): Promise<Rejected> {
  const { app } = bed
  const before = await signedInThings(app)
  app.events.length = 0
  const { answer } = await signIn(bed, browser)
  const error = expectCleanError(bed, answer, code)
  expect((await browser.fetch(`${app.url}/who`)).json()).toEqual({ kind: 'anonymous', subject: null })
  expect(await signedInThings(app)).toEqual(before)
  expect(app.events.map(({ type }) => type)).not.toContain('session.opened')
  return { browser, answer, error }
}

/** Demands that the one error of the application is of this code, that its status was answered, and no secret told. */
export function expectCleanError({ app, provider }: SpoiledBed, answer: Answer, code: ErrorCode): RelyingPartyError {
  const [error, ...more] = app.errors.splice(0)
  expect(more).toEqual([])
  if (!(error instanceof RelyingPartyError)) throw new Error(`no error, but ${answer.text}`, { cause: error })
  expect({ code: error.code, message: error.message }).toEqual({ code, message: expect.any(String) as string })
  expect(answer.status).toBe(error.status)
  expect(error.status < 500).toBe(!PROVIDER_AT_FAULT.includes(code))
  const told = [inspect(error, { depth: Infinity, showHidden: true }), JSON.stringify(app.events), answer.text]
  for (const secret of provider.secrets) for (const text of told) expect(text).not.toContain(fragment(secret))
  return error
}

/** Gives the part of a random secret that a message would show that quotes only its beginning. */
function fragment(secret: string): string {
  return /^[\w.-]{20,}$/.test(secret) ? secret.slice(0, 8) : secret
}

/** Finds the token records, and the sessions that are signed in, in the application's store. */
export async function signedInThings({ store }: App): Promise<string[]> {
  const memory = store as MemoryStore
  const sessions = (await promisify(memory.all.bind(memory))()) as Record<string, { auth?: unknown }> | null
  return Object.entries(sessions ?? {})
    .filter(([id, session]) => id.includes(':record:') || session.auth !== undefined)
    .map(([id]) => id)
}

const USUAL: FlowSettings = {}

/** By test file, the settings whose login is shown to be accepted unspoiled. */
const controlled = new Map<string | undefined, Set<FlowSettings>>()

/** Declares that a spoiled login is rejected, and, once for the same settings, that it is accepted unspoiled. */
export function rejects(what: string, spoil: Spoil, code: ErrorCode, settings = USUAL): void {
  const file = expect.getState().testPath
  const inThisFile = controlled.get(file) ?? new Set()
  controlled.set(file, inThisFile)
  if (!inThisFile.has(settings)) accepts('the login that is spoiled in what follows', {}, settings)
  inThisFile.add(settings)
  it(`rejects ${what}`, async () => {
    await expectRejected(await startBed({ ...settings, spoil }), code)
  })
}

/** Declares that a login is accepted. */
export function accepts(what: string, spoil: Spoil = {}, settings = USUAL): void {
  it(`accepts ${what}`, async () => {
    await expectAccepted(await startBed({ ...settings, spoil }))
  })
}
