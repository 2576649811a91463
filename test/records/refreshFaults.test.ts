import { MemoryStore } from 'express-session'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { AuthStore } from '../../src/index.js'
import { sessionAuthStore } from '../../src/records/sessionAuthStore.js'
import { fakeDate, gate, pass, until } from '../support/run/waiting.js'
import {
  ask,
  FIRST,
  fields,
  LOCK_LIFETIME,
  outage,
  rotatingProvider,
  startProcess,
} from '../support/stores/refreshers.js'

/** How long new tokens that the store does not take are kept. In seconds. */
const KEPT_FOR = 60

let shared: AuthStore

beforeEach(() => {
  fakeDate()
  shared = sessionAuthStore(new MemoryStore())
})

/** A process whose store fails to replace token records as often as it is told. */
function startUnlucky(alsoWrites = false) {
  const faults = { left: 0, met: 0 }
  const replace: AuthStore['replace'] = async (key, ...rest) => {
    if (!key.startsWith('record:') || faults.left === 0) return shared.replace(key, ...rest)
    faults.left--
    faults.met++
    if (alsoWrites) await shared.replace(key, ...rest)
    throw new Error('the store is gone')
  }
  return { ...startProcess({ ...shared, replace }), faults }
}

describe('a store that fails while new tokens are saved', () => {
  it.each([1, 2, 4])('%i times is asked again: they are stored, after one token request', async (times) => {
    const unlucky = startUnlucky()
    const other = startProcess(shared)
    const provider = rotatingProvider()
    const record = await unlucky.records.create(fields(-10), FIRST)
    unlucky.faults.left = times
    const asking = Array.from({ length: 10 }, () => ask(unlucky, record, provider.request))
    await until(() => provider.requests === 1)
    asking.push(...Array.from({ length: 10 }, () => ask(other, record, provider.request)))
    expect(new Set(await Promise.all(asking))).toEqual(new Set(['access 1']))
    expect(unlucky.faults.met).toBe(times)
    expect(provider.requests).toBe(1)
    expect(unlucky.told).toMatchObject({ failed: [], ended: [], overlaps: 0 })
    expect(unlucky.told.refreshed).toHaveLength(1)
    pass(601)
    expect(await ask(other, record, provider.request)).toBe('access 2')
  })

  it('but did save them is believed in the end', async () => {
    const unlucky = startUnlucky(true)
    const provider = rotatingProvider()
    const record = await unlucky.records.create(fields(-10), FIRST)
    unlucky.faults.left = 1
    expect(await ask(unlucky, record, provider.request)).toBe('access 1')
    expect(unlucky.faults.met).toBe(1)
    expect(provider.requests).toBe(1)
    expect(unlucky.told).toMatchObject({ failed: [], ended: [], overlaps: 0 })
  })

  /** Refreshes until the new tokens are given up, with a store that fails all the while. */
  async function failThroughout(expiresIn: number, provider: ReturnType<typeof rotatingProvider>) {
    const unlucky = startUnlucky()
    const record = await unlucky.records.create(fields(expiresIn), FIRST)
    unlucky.faults.left = Infinity
    const asking = Promise.allSettled([1, 2, 3].map(() => ask(unlucky, record, provider.request)))
    await until(() => unlucky.faults.met >= 3)
    pass(KEPT_FOR + 1)
    const outcomes = await asking
    unlucky.faults.left = 0
    expect(provider.requests).toBe(1)
    expect(unlucky.told).toMatchObject({ refreshed: [], failed: ['ERR_STORE_UNAVAILABLE'], ended: [] })
    expect((await unlucky.records.read(record.id))?.stored).toBe(record.stored)
    return { ...unlucky, record, outcomes }
  }

  it('for a minute is an outage, and ends no session', async () => {
    const provider = rotatingProvider()
    const { outcomes } = await failThroughout(-10, provider)
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'ERR_STORE_UNAVAILABLE', status: 503 } })
    }
  })

  it('leaves the access token in use while it is valid, and stores the new one in the end', async () => {
    const unlucky = startUnlucky()
    const provider = rotatingProvider()
    const record = await unlucky.records.create(fields(30), FIRST)
    unlucky.faults.left = Infinity
    const asking = [1, 2, 3].map(() => ask(unlucky, record, provider.request))
    expect(await Promise.all(asking)).toEqual(['access 0', 'access 0', 'access 0'])
    expect(await ask(unlucky, record, provider.request)).toBe('access 0')
    unlucky.faults.left = 0
    await until(() => unlucky.told.refreshed.length === 1)
    expect(unlucky.accessToken(await unlucky.records.read(record.id))).toBe('access 1')
    expect(provider.requests).toBe(1)
  })

  it('for a minute costs the session where the provider does not take the old refresh token again', async () => {
    const provider = rotatingProvider()
    const process = await failThroughout(-10, provider)
    expect(await ask(process, process.record, provider.request)).toBeUndefined()
    expect(process.told.ended.map(({ id }) => id)).toEqual([process.record.id])
  })

  it('for a minute costs nothing where the provider takes the old refresh token again', async () => {
    const provider = rotatingProvider()
    provider.takesReuse = true
    const process = await failThroughout(-10, provider)
    expect(await ask(process, process.record, provider.request)).toBe('access 2')
    expect(process.told.ended).toEqual([])
  })

  it('does not undo a logout', async () => {
    const unlucky = startUnlucky()
    const provider = rotatingProvider()
    const record = await unlucky.records.create(fields(-10), FIRST)
    unlucky.faults.left = Infinity
    const asking = ask(unlucky, record, provider.request)
    await until(() => unlucky.faults.met >= 2)
    expect(await startProcess(shared).records.remove(record.id)).toBe(true)
    unlucky.faults.left = 0
    expect(await asking).toBeUndefined()
    expect(await unlucky.records.read(record.id)).toBeUndefined()
    expect(unlucky.told).toEqual({ refreshed: [], failed: [], ended: [], overlaps: 0 })
  })
})

describe('a store that fails before the refresh token is sent', () => {
  it('has it kept back, and the next request send it at once', async () => {
    const process = startProcess({ ...shared })
    const provider = rotatingProvider()
    const record = await process.records.create(fields(-10), FIRST)
    const replace = vi.spyOn(process.store, 'replace').mockRejectedValueOnce(new Error('the store is gone'))
    await expect(ask(process, record, provider.request)).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
    expect(replace).toHaveBeenCalledOnce()
    expect(provider.requests).toBe(0)
    expect(await ask(process, record, provider.request)).toBe('access 1')
  })
})

describe('what is needed beside the tokens', () => {
  it('comes before the refresh token is sent: where it cannot be had, the token is not used up', async () => {
    const one = startProcess(shared)
    const other = startProcess(shared)
    const provider = rotatingProvider()
    let prepared = 0
    provider.prepare = async () => {
      prepared++
      throw outage()
    }
    const record = await one.records.create(fields(-10), FIRST)
    for (const process of [one, one, other]) {
      await expect(ask(process, record, provider.request)).rejects.toMatchObject({ code: 'ERR_PROVIDER_UNAVAILABLE' })
    }
    expect(prepared).toBe(1)
    expect(provider.requests).toBe(0)
    provider.prepare = () => Promise.resolve()
    pass(1)
    expect(await ask(other, record, provider.request)).toBe('access 1')
    expect(one.told.ended).toEqual([])
  })

  it('may take almost all of the time of the lock, which is then extended for the token request', async () => {
    const slow = startProcess(shared)
    const other = startProcess(shared)
    const provider = rotatingProvider()
    const [preparing, answering] = [gate(), gate()]
    const prepare = vi.fn(() => preparing.opened)
    provider.prepare = prepare
    provider.held = answering.opened
    const record = await slow.records.create(fields(-10), FIRST)
    const first = ask(slow, record, provider.request)
    await until(() => prepare.mock.calls.length === 1)
    pass(LOCK_LIFETIME - 1)
    preparing.open()
    await until(() => provider.requests === 1)
    pass(LOCK_LIFETIME - 1)
    const get = vi.spyOn(shared, 'get')
    const lookedAtLock = () => get.mock.calls.filter(([key]) => key.startsWith('lock:')).length
    const second = ask(other, record, provider.request)
    await until(() => lookedAtLock() >= 2)
    expect(provider.requests).toBe(1)
    answering.open()
    expect(await Promise.all([first, second])).toEqual(['access 1', 'access 1'])
    expect(provider.requests).toBe(1)
  })
})
