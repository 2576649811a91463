import { type ErrorCode, RelyingPartyError } from '../errors.js'
import { parseObject } from '../lib/json.js'
import { emitRefused, type LoginStep } from '../login/signIn.js'
import type { Authentication } from '../protocol/authentication.js'
import { deviceCodeExpired, nextInterval, pollDevice } from '../protocol/device.js'
import type { Provider } from '../provider/provider.js'
import { compareAndSet } from '../records/authStore.js'
import type { SessionCaller } from '../session/sessionCaller.js'
import { type DeviceTransaction, GRACE } from './cookie.js'

/** The state of a device login. */
export type DeviceState =
  /** Not approved yet. Check again after `wait` seconds. */
  | { readonly state: 'pending'; readonly wait: number }
  /** Approved. The tokens are stored until this browser takes them. */
  | { readonly state: 'approved' }
  /** This browser has been signed in, perhaps in another tab. */
  | { readonly state: 'taken' }
  | { readonly state: 'refused'; readonly code: ErrorCode }

/** The value in the store. Times are in seconds since the epoch. */
type Stored =
  | { readonly state: 'pending'; readonly nextPollAt: number; readonly interval: number }
  | { readonly state: 'approved'; readonly sealed: string }
  | { readonly state: 'taken' }
  | { readonly state: 'refused'; readonly code: ErrorCode }

const UNREADABLE: Stored = { state: 'refused', code: 'ERR_TOKEN_RESPONSE_INVALID' }

const TAKEN = JSON.stringify({ state: 'taken' })

/**
 * Returns the state of a device login, polling the provider first if a poll is due. Compare-and-set in the store lets
 * one caller per interval poll, across all tabs and processes. Without callers there are no polls.
 *
 * @throws `ERR_STORE_UNAVAILABLE`
 */
export async function pollIfDue(
  caller: SessionCaller,
  provider: Provider,
  transaction: DeviceTransaction,
): Promise<DeviceState> {
  const { store } = caller.services
  const read = await store.get(keyOf(transaction))
  const known: Stored = read === undefined ? initial(transaction) : parse(read)
  if (known.state === 'approved') return { state: 'approved' }
  if (known.state !== 'pending') return known
  const now = Date.now() / 1000
  if (now >= transaction.expiresAt) return expire(caller, transaction, read)
  if (now < known.nextPollAt) return pending(known.nextPollAt - now)
  // Keeps others from polling while this poll is in progress.
  const busy = JSON.stringify({ ...known, nextPollAt: now + Math.max(known.interval, caller.config.http.timeout * 2) })
  if (!(await put(caller, transaction, read, busy))) return pending(known.interval)
  const found = await poll(caller, provider, transaction, known.interval)
  await put(caller, transaction, busy, JSON.stringify(found))
  if (found.state === 'pending') return pending(found.interval)
  return found.state === 'approved' ? { state: 'approved' } : found
}

/**
 * Takes the tokens of an approved device login, once.
 *
 * @returns `undefined` if they have been taken already
 */
export async function takeDevice(
  caller: SessionCaller,
  transaction: DeviceTransaction,
): Promise<Authentication | undefined> {
  const key = keyOf(transaction)
  const read = await caller.services.store.get(key)
  const known = read === undefined ? undefined : parse(read)
  if (known?.state !== 'approved') return undefined
  if (!(await put(caller, transaction, read, TAKEN))) return undefined
  const opened = caller.config.sealer.unseal('device-tokens', key, known.sealed)
  return opened && (JSON.parse(opened.toString('utf8')) as Authentication)
}

/** Records that the login failed after its tokens were taken, so that other tabs show it without polling. */
export async function refuseTaken(
  caller: SessionCaller,
  transaction: DeviceTransaction,
  error: unknown,
): Promise<void> {
  if (!(error instanceof RelyingPartyError)) return
  // The caller reports the login's own failure, so a failure of the store is ignored here.
  await put(caller, transaction, TAKEN, refusedFor(error.code)).catch(() => false)
}

async function poll(
  caller: SessionCaller,
  provider: Provider,
  transaction: DeviceTransaction,
  interval: number,
): Promise<Stored> {
  try {
    const found = await pollDevice(provider, transaction.deviceCode, transaction.scope)
    if (found.state !== 'approved') return later(nextInterval(interval, found.state))
    const { tokens, claims } = found
    const text = JSON.stringify({ tokens, claims })
    return { state: 'approved', sealed: caller.config.sealer.seal('device-tokens', keyOf(transaction), text) }
  } catch (error) {
    if (!(error instanceof RelyingPartyError)) throw error
    if (error.code === 'ERR_PROVIDER_UNAVAILABLE') return later(nextInterval(interval, 'outage'))
    emitRefused(caller.config, error, stepOf(transaction))
    return { state: 'refused', code: error.code }
  }
}

/** Ends a login whose code has expired. Emits the event once, however many tabs and processes check. */
async function expire(
  caller: SessionCaller,
  transaction: DeviceTransaction,
  read: string | undefined,
): Promise<DeviceState> {
  const code = 'ERR_DEVICE_CODE_EXPIRED'
  if (await put(caller, transaction, read, refusedFor(code))) {
    emitRefused(caller.config, deviceCodeExpired(), stepOf(transaction))
  }
  return { state: 'refused', code }
}

function refusedFor(code: ErrorCode): string {
  return JSON.stringify({ state: 'refused', code })
}

function stepOf({ provider, id }: DeviceTransaction): LoginStep {
  return { provider, transaction: id }
}

/** Returns the error of a device login that was refused earlier. */
export function deviceRefusal(code: ErrorCode): RelyingPartyError {
  if (code === 'ERR_DEVICE_CODE_EXPIRED') return deviceCodeExpired()
  if (code === 'ERR_AUTHORIZATION_DENIED') return new RelyingPartyError(code, 'the sign-in was refused')
  return new RelyingPartyError(code, 'the sign-in failed: start again')
}

/** A stored value in any other form counts as a failed login, which the user can start again. */
function parse(stored: string): Stored {
  const known = parseObject(stored) as Stored | undefined
  switch (known?.state) {
    case 'pending':
      return Number.isFinite(known.nextPollAt) && Number.isFinite(known.interval) ? known : UNREADABLE
    case 'approved':
      return typeof known.sealed === 'string' ? known : UNREADABLE
    case 'taken':
      return known
    case 'refused':
      return typeof known.code === 'string' ? known : UNREADABLE
    default:
      return UNREADABLE
  }
}

function initial({ interval, startedAt }: DeviceTransaction): Stored {
  return { state: 'pending', interval, nextPollAt: startedAt + interval }
}

function later(interval: number): Stored & { state: 'pending' } {
  return { state: 'pending', interval, nextPollAt: Date.now() / 1000 + interval }
}

function pending(wait: number): DeviceState {
  return { state: 'pending', wait }
}

/** Replaces the state that was read. Resolves to whether it was still current. */
function put(
  { services }: SessionCaller,
  transaction: DeviceTransaction,
  read: string | undefined,
  state: string,
): Promise<boolean> {
  const key = keyOf(transaction)
  const ttl = Math.max(1, Math.ceil(transaction.expiresAt - Date.now() / 1000)) + GRACE
  return compareAndSet(services.store, key, read, state, ttl)
}

function keyOf({ id }: DeviceTransaction): string {
  return `device:${id}`
}
