import { MemoryStore } from 'express-session'
import { RelyingPartyError } from '../../../src/errors.js'
import type { AuthStore } from '../../../src/index.js'
import { createSealer } from '../../../src/lib/seal.js'
import { withStoreErrors } from '../../../src/records/authStore.js'
import { LOCK_LIFETIME as LIFETIMES } from '../../../src/records/lock.js'
import type { RecordFields, TokenRecord, Tokens } from '../../../src/records/record.js'
import { TokenRecords } from '../../../src/records/records.js'
import { Refresher } from '../../../src/records/refresh.js'
import type { RefreshOptions, RefreshRequest } from '../../../src/records/refreshRequest.js'
import { sessionAuthStore } from '../../../src/records/sessionAuthStore.js'
import { SECRET } from '../bed/app.js'

/** How long the lock of a refresh lives once the refresh token is sent. In seconds. */
export const LOCK_LIFETIME = LIFETIMES.sent

/** The tokens of a login at a {@link rotatingProvider}. */
export const FIRST: Tokens = {
  accessToken: 'access 0',
  tokenType: 'bearer',
  refreshToken: 'refresh 0',
  idToken: 'id 0',
}

/** The fields of a record of Ada's, whose access token expires in so many seconds. */
export function fields(expiresIn: number, more: Partial<RecordFields> = {}): RecordFields {
  const now = Date.now() / 1000
  return {
    provider: 'default',
    registration: 'registration',
    issuer: 'https://issuer.example',
    subject: 'ada',
    claims: { sub: 'ada' },
    scopes: ['openid'],
    openedAt: now,
    endsAt: now + 3600,
    accessTokenExpiresAt: now + expiresIn,
    refreshable: true,
    ...more,
  }
}

/** A provider that rotates refresh tokens, and ends the grant when one is used twice. */
export function rotatingProvider() {
  let current = 0
  let ended = false
  const state = {
    requests: 0,
    expiresIn: 600,
    /** Whether a refresh token may be used again. */
    takesReuse: false,
    /** What every request fails with, before the refresh token is used up. */
    fault: undefined as RelyingPartyError | undefined,
    /** Holds every answer back. */
    held: undefined as Promise<void> | undefined,
    /** Comes before every request. */
    prepare: () => Promise.resolve(),
    endGrant() {
      ended = true
    },
  }
  const send: RefreshRequest['send'] = async (record, tokens, { beforeSend }) => {
    beforeSend?.()
    state.requests++
    await state.held
    if (state.fault) throw state.fault
    if (ended || !(state.takesReuse || tokens.refreshToken === `refresh ${current}`)) {
      ended = true
      throw new RelyingPartyError('ERR_SESSION_ENDED', 'the refresh token is not accepted')
    }
    current++
    return {
      fields: fields(state.expiresIn, { endsAt: record.endsAt }),
      tokens: { ...tokens, accessToken: `access ${current}`, refreshToken: `refresh ${current}` },
    }
  }
  return Object.assign(state, { request: { prepare: () => state.prepare(), send } })
}

/** The events of the refreshes of a process. */
export interface Told {
  readonly refreshed: TokenRecord[]
  readonly failed: string[]
  readonly ended: TokenRecord[]
  overlaps: number
}

/** One process: a refresher of its own over a store that others may share. */
export function startProcess(
  store: AuthStore = sessionAuthStore(new MemoryStore()),
  options: Partial<RefreshOptions> = {},
) {
  const reporting = withStoreErrors(store)
  const records = new TokenRecords(reporting, createSealer([SECRET]))
  const told: Told = { refreshed: [], failed: [], ended: [], overlaps: 0 }
  const refresher = new Refresher(records, reporting, {
    before: 60,
    wait: 10,
    timeout: 60,
    max: 20,
    onRefreshed: (record) => told.refreshed.push(record),
    onFailed: (_record, { code }) => told.failed.push(code),
    onEnded: (record) => told.ended.push(record),
    onOverlap: () => void told.overlaps++,
    ...options,
  })
  const accessToken = (record: TokenRecord | undefined) => record && records.unseal(record)?.accessToken
  return { store, records, refresher, told, accessToken }
}

/** Asks a process for the access token of a session. */
export async function ask(
  { refresher, accessToken }: ReturnType<typeof startProcess>,
  record: TokenRecord,
  request: RefreshRequest,
): Promise<string | undefined> {
  return accessToken(await refresher.refresh(record, request))
}

/** The error of a token request while the provider is down. */
export function outage(): RelyingPartyError {
  return new RelyingPartyError('ERR_PROVIDER_UNAVAILABLE', 'the provider is down')
}
