import { promisify } from 'node:util'
import type { MemoryStore } from 'express-session'
import { expect, it } from 'vitest'
import type { Spoil } from '../provider/spoil.js'
import type { App } from './app.js'
import { type SpoiledBed, startBed } from './bed.js'
import { expectAccepted, expectCleanError } from './conformance.js'
import type { UserAgent } from './userAgent.js'

/** Signs in, with an access token that has expired at once. */
export async function startExpired(): Promise<{ bed: SpoiledBed; browser: UserAgent }> {
  const bed = await startBed({ spoil: { tokens: { expires_in: 0 } } })
  const browser = await expectAccepted(bed)
  bed.provider.spoil = {}
  return { bed, browser }
}

/** Gets the session's access token from the application, and demands that there is one. */
export async function tokenOf({ app }: SpoiledBed, browser: UserAgent): Promise<string> {
  const answer = await browser.fetch(`${app.url}/token`)
  expect(app.errors).toEqual([])
  return answer.json<{ token: string }>().token
}

/** Declares that a spoiled refresh is rejected: nothing of it is given out or stored. Unspoiled it is accepted. */
export function rejectsRefresh(what: string, spoil: Spoil): void {
  it(`rejects ${what} in a refresh, and accepts the same refresh without it`, async () => {
    const control = await startExpired()
    expect(await tokenOf(control.bed, control.browser)).toEqual(expect.any(String))

    const { bed, browser } = await startExpired()
    const before = await tokenRecords(bed.app)
    bed.provider.spoil = spoil
    const answer = await browser.fetch(`${bed.app.url}/token`)
    expectCleanError(bed, answer, 'ERR_ID_TOKEN_INVALID')
    expect(await tokenRecords(bed.app)).toEqual(before)
  })
}

/** The stored texts of the token records. */
async function tokenRecords({ store }: App): Promise<unknown[]> {
  const memory = store as MemoryStore
  const sessions = (await promisify(memory.all.bind(memory))()) as Record<string, { value?: unknown }> | null
  const records = Object.entries(sessions ?? {}).filter(([id]) => id.includes(':record:'))
  expect(records).toHaveLength(1)
  return records.map(([, { value }]) => value)
}
