import { MemoryStore } from 'express-session'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { RelyingPartyError } from '../../src/errors.js'
import type { AuthStore } from '../../src/index.js'
import { sessionAuthStore } from '../../src/session/sessionAuthStore.js'
import { FIRST, fields, outage, REQUEST_TIMEOUT, rotatingProvider, startProcess } from '../support/refreshers.js'
import { gate, pass } from '../support/signedIn.js'

const LOCK_LIFETIME = 3 * REQUEST_TIMEOUT

let shared: AuthStore

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] })
  shared = sessionAuthStore(new MemoryStore())
})
afterEach(() => void vi.useRealTimers())

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

const ask = (
  { refresher, accessToken }: ReturnType<typeof startProcess>,
  ...[record, renew]: Parameters<typeof refresher.fresh>
) => refresher.fresh(record, renew).then(accessToken)

describe('a store that fails while new tokens are saved', () => {
  it.each([1, 2, 4])('%i times is asked again: they are stored, after one token request', async (times) => {
    const unlucky = startUnlucky()
    const other = startProcess(shared)
    const provider = rotatingProvider()
    const record = await unlucky.records.create(fields(-10), FIRST)
    unlucky.faults.left = times
    const asking = Array.from({ length: 10 }, () => ask(unlucky, record, provider.renew))
    await vi.waitUntil(() => provider.requests === 1)
    asking.push(...Array.from({ length: 10 }, () => ask(other, record, provider.renew)))
    expect(new Set(await Promise.all(asking))).toEqual(new Set(['access 1']))
    expect(unlucky.faults.met).toBe(times)
    expect(provider.requests).toBe(1)
    expect(unlucky.told).toMatchObject({ failed: [], ended: [], overlaps: 0 })
    expect(unlucky.told.refreshed).toHaveLength(1)
    pass(601)
    expect(await ask(other, record, provider.renew)).toBe('access 2')
  })

  it('but did save them is believed in the end', async () => {
    const unlucky = startUnlucky(true)
    const provider = rotatingProvider()
    const record = await unlucky.records.create(fields(-10), FIRST)
    unlucky.faults.left = 1
    expect(await ask(unlucky, record, provider.renew)).toBe('access 1')
    expect(unlucky.faults.met).toBe(1)
    expect(provider.requests).toBe(1)
    expect(unlucky.told).toMatchObject({ failed: [], ended: [], overlaps: 0 })
  })

  /** Refreshes until the lock has expired, with a store that fails all the while. */
  async function failThroughout(expiresIn: number, provider: ReturnType<typeof rotatingProvider>) {
    const unlucky = startUnlucky()
    const record = await unlucky.records.create(fields(expiresIn), FIRST)
    unlucky.faults.left = Infinity
    const asking = Promise.allSettled([1, 2, 3].map(() => ask(unlucky, record, provider.renew)))
    await vi.waitUntil(() => unlucky.faults.met >= 3)
    pass(LOCK_LIFETIME)
    const outcomes = await asking
    unlucky.faults.left = 0
    expect(provider.requests).toBe(1)
    expect(unlucky.told).toMatchObject({ refreshed: [], failed: ['ERR_STORE_UNAVAILABLE'], ended: [] })
    expect((await unlucky.records.read(record.id))?.stored).toBe(record.stored)
    return { ...unlucky, record, outcomes }
  }

  it('as long as the lock lives gives an outage, and ends no session', async () => {
    const provider = rotatingProvider()
    const { outcomes } = await failThroughout(-10, provider)
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'ERR_STORE_UNAVAILABLE', status: 503 } })
    }
  })

  it('as long as the lock lives leaves the access token in use while it is valid', async () => {
    const { outcomes } = await failThroughout(LOCK_LIFETIME + 30, rotatingProvider())
    for (const outcome of outcomes) expect(outcome).toEqual({ status: 'fulfilled', value: 'access 0' })
  })

  it('as long as the lock lives costs the session where the provider does not take the old refresh token again', async () => {
    const provider = rotatingProvider()
    const process = await failThroughout(-10, provider)
    expect(await ask(process, process.record, provider.renew)).toBeUndefined()
    expect(process.told.ended.map(({ id }) => id)).toEqual([process.record.id])
  })

  it('as long as the lock lives costs nothing where the provider takes the old refresh token again', async () => {
    const provider = rotatingProvider()
    provider.takesReuse = true
    const process = await failThroughout(-10, provider)
    expect(await ask(process, process.record, provider.renew)).toBe('access 2')
    expect(process.told.ended).toEqual([])
  })

  it('does not undo a logout', async () => {
    const unlucky = startUnlucky()
    const provider = rotatingProvider()
    const record = await unlucky.records.create(fields(-10), FIRST)
    unlucky.faults.left = Infinity
    const asking = ask(unlucky, record, provider.renew)
    await vi.waitUntil(() => unlucky.faults.met >= 2)
    expect(await startProcess(shared).records.remove(record.id)).toBe(true)
    unlucky.faults.left = 0
    expect(await asking).toBeUndefined()
    expect(await unlucky.records.read(record.id)).toBeUndefined()
    expect(unlucky.told).toEqual({ refreshed: [], failed: [], ended: [], overlaps: 0 })
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
      await expect(ask(process, record, provider.renew)).rejects.toMatchObject({ code: 'ERR_PROVIDER_UNAVAILABLE' })
    }
    expect(prepared).toBe(1)
    expect(provider.requests).toBe(0)
    provider.prepare = () => Promise.resolve()
    pass(1)
    expect(await ask(other, record, provider.renew)).toBe('access 1')
    expect(one.told.ended).toEqual([])
  })

  it('may take almost all of the time of the lock, which is then renewed for the token request', async () => {
    const slow = startProcess(shared)
    const other = startProcess(shared)
    const provider = rotatingProvider()
    const [preparing, answering] = [gate(), gate()]
    const prepare = vi.fn(() => preparing.opened)
    provider.prepare = prepare
    provider.held = answering.opened
    const record = await slow.records.create(fields(-10), FIRST)
    const first = ask(slow, record, provider.renew)
    await vi.waitUntil(() => prepare.mock.calls.length === 1)
    pass(LOCK_LIFETIME - 1)
    preparing.open()
    await vi.waitUntil(() => provider.requests === 1)
    pass(LOCK_LIFETIME - 1)
    const get = vi.spyOn(shared, 'get')
    const lookedAtLock = () => get.mock.calls.filter(([key]) => key.startsWith('lock:')).length
    const second = ask(startProcess({ ...shared, get: (key) => shared.get(key) }), record, provider.renew)
    await vi.waitUntil(() => lookedAtLock() >= 2)
    expect(provider.requests).toBe(1)
    answering.open()
    expect(await Promise.all([first, second])).toEqual(['access 1', 'access 1'])
    expect(provider.requests).toBe(1)
    expect(other.told.ended).toEqual([])
  })
})

describe('a process that is held up until its lock has expired', () => {
  it('before it sends the refresh token does not send it, and uses what another process got', async () => {
    const slow = startProcess(shared)
    const other = startProcess(shared)
    const provider = rotatingProvider()
    const { open, opened } = gate()
    const held = vi.fn(() => opened)
    const record = await slow.records.create(fields(-10), FIRST)
    const waiting = ask(slow, record, { ...provider.renew, prepare: held })
    await vi.waitUntil(() => held.mock.calls.length === 1)
    pass(LOCK_LIFETIME)
    expect(await ask(other, record, provider.renew)).toBe('access 1')
    open()
    expect(await waiting).toBe('access 1')
    expect(provider.requests).toBe(1)
    expect(slow.told).toEqual({ refreshed: [], failed: [], ended: [], overlaps: 0 })
  })

  it('before it sends the refresh token does not send it while another process does', async () => {
    const slow = startProcess(shared)
    const other = startProcess(shared)
    const provider = rotatingProvider()
    const [preparing, answering] = [gate(), gate()]
    const held = vi.fn(() => preparing.opened)
    provider.held = answering.opened
    const record = await slow.records.create(fields(-10), FIRST)
    const asking = [ask(slow, record, { ...provider.renew, prepare: held })]
    await vi.waitUntil(() => held.mock.calls.length === 1)
    pass(LOCK_LIFETIME)
    asking.push(ask(other, record, provider.renew))
    await vi.waitUntil(() => provider.requests === 1)
    const lock = await shared.get(`lock:${record.id}`)
    const add = vi.spyOn(slow.store, 'add')
    preparing.open()
    await vi.waitUntil(() => add.mock.calls.length > 0)
    expect(await shared.get(`lock:${record.id}`)).toBe(lock)
    answering.open()
    expect(await Promise.all(asking)).toEqual(['access 1', 'access 1'])
    expect(provider.requests).toBe(1)
  })

  it('after it sent the refresh token does not store what came of it over what another process stored', async () => {
    const slow = startProcess(shared)
    const other = startProcess(shared)
    const provider = rotatingProvider()
    provider.takesReuse = true
    const { open, opened } = gate()
    provider.held = opened
    const record = await slow.records.create(fields(-10), FIRST)
    const waiting = ask(slow, record, provider.renew)
    await vi.waitUntil(() => provider.requests === 1)
    pass(LOCK_LIFETIME)
    provider.held = undefined
    expect(await ask(other, record, provider.renew)).toBe('access 1')
    open()
    expect(await waiting).toBe('access 1')
    expect(provider.requests).toBe(2)
    expect(slow.accessToken(await slow.records.read(record.id))).toBe('access 1')
    expect(slow.told.refreshed).toEqual([])
  })

  it.each([
    ['succeeds', () => undefined, 'access 1'],
    ['fails', outage, 'ERR_PROVIDER_UNAVAILABLE'],
  ])('leaves the lock to the process that has it now, when its token request %s', async (_how, fault, outcome) => {
    const slow = startProcess(shared)
    const provider = rotatingProvider()
    const { open, opened } = gate()
    provider.held = opened
    provider.fault = fault()
    const record = await slow.records.create(fields(-10), FIRST)
    const waiting = ask(slow, record, provider.renew)
    await vi.waitUntil(() => provider.requests === 1)
    pass(LOCK_LIFETIME)
    expect(await shared.add(`lock:${record.id}`, 'owner:another', LOCK_LIFETIME)).toBe(true)
    open()
    expect(await waiting.catch((error: RelyingPartyError) => error.code)).toBe(outcome)
    expect(await shared.get(`lock:${record.id}`)).toBe('owner:another')
  })

  it('does not end the session when its refresh token is refused, but waits for what the other process gets', async () => {
    const slow = startProcess(shared)
    const other = startProcess(shared)
    const provider = rotatingProvider()
    const { open, opened } = gate()
    provider.held = opened
    provider.fault = new RelyingPartyError('ERR_SESSION_ENDED', 'the refresh token is not accepted')
    const record = await slow.records.create(fields(-10), FIRST)
    const waiting = ask(slow, record, provider.renew)
    await vi.waitUntil(() => provider.requests === 1)
    pass(LOCK_LIFETIME)
    expect(await shared.add(`lock:${record.id}`, 'owner:another', LOCK_LIFETIME)).toBe(true)
    const add = vi.spyOn(slow.store, 'add')
    open()
    await vi.waitUntil(() => add.mock.calls.length > 0)
    await other.records.replace(record, fields(600), { ...FIRST, accessToken: 'access of another process' })
    expect(await waiting).toBe('access of another process')
    expect(await shared.get(`lock:${record.id}`)).toBe('owner:another')
    expect(slow.told.ended).toEqual([])
  })
})

describe('a session that ends while its refresh is under way', () => {
  it.each<[string, (process: ReturnType<typeof startProcess>, id: string) => Promise<unknown>]>([
    ['by its own logout', ({ records }, id) => records.remove(id)],
    ['with all of its user', ({ records }) => records.endSubject('registration', 'ada', Date.now() / 1000 + 3600)],
    ["with the provider's session", ({ records }) => records.endSid('registration', 'sid-1', Date.now() / 1000)],
  ])('%s gets no token, and nothing of it stays in the store', async (_how, end) => {
    const store = new MemoryStore()
    shared = sessionAuthStore(store)
    const process = startProcess(shared)
    const provider = rotatingProvider()
    const { open, opened } = gate()
    provider.held = opened
    const record = await process.records.create(fields(-10, { sid: 'sid-1' }), FIRST)
    const waiting = ask(process, record, provider.renew)
    await vi.waitUntil(() => provider.requests === 1)
    await end(startProcess(shared), record.id)
    open()
    expect(await waiting).toBeUndefined()
    expect(await shared.get(`record:${record.id}`)).toBeUndefined()
    expect(process.told).toEqual({ refreshed: [], failed: [], ended: [], overlaps: 0 })
  })
})
