import { MemoryStore } from 'express-session'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { RelyingPartyError } from '../../src/errors.js'
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

let shared: AuthStore

beforeEach(() => {
  fakeDate()
  shared = sessionAuthStore(new MemoryStore())
})

describe('a process that is held up until its lock has expired', () => {
  it('before it sends the refresh token does not send it, and uses what another process got', async () => {
    const slow = startProcess(shared)
    const other = startProcess(shared)
    const provider = rotatingProvider()
    const { open, opened } = gate()
    const held = vi.fn(() => opened)
    const record = await slow.records.create(fields(-10), FIRST)
    const waiting = ask(slow, record, { ...provider.request, prepare: held })
    await until(() => held.mock.calls.length === 1)
    pass(LOCK_LIFETIME)
    expect(await ask(other, record, provider.request)).toBe('access 1')
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
    const asking = [ask(slow, record, { ...provider.request, prepare: held })]
    await until(() => held.mock.calls.length === 1)
    pass(LOCK_LIFETIME)
    asking.push(ask(other, record, provider.request))
    await until(() => provider.requests === 1)
    const lock = await shared.get(`lock:${record.id}`)
    const get = vi.spyOn(slow.store, 'get')
    preparing.open()
    await until(() => get.mock.calls.some(([key]) => key.startsWith('lock:')))
    expect(await shared.get(`lock:${record.id}`)).toBe(lock)
    answering.open()
    expect(await Promise.all(asking)).toEqual(['access 1', 'access 1'])
    expect(provider.requests).toBe(1)
  })

  it('or another process takes its lock without regard to it, sends nothing and reports no overlap', async () => {
    const process = startProcess(shared)
    const provider = rotatingProvider()
    const record = await process.records.create(fields(-10), FIRST)
    const taken = vi.fn(() => shared.set(`lock:${record.id}`, 'owner:another', LOCK_LIFETIME))
    const waiting = ask(process, record, { ...provider.request, prepare: taken })
    await until(() => taken.mock.calls.length === 1)
    await process.records.replace(record, fields(600), { ...FIRST, accessToken: 'access of another process' })
    expect(await waiting).toBe('access of another process')
    expect(provider.requests).toBe(0)
    expect(process.told.overlaps).toBe(0)
  })

  it('after it sent the refresh token does not store what came of it over what another process stored', async () => {
    const slow = startProcess(shared)
    const other = startProcess(shared)
    const provider = rotatingProvider()
    provider.takesReuse = true
    const { open, opened } = gate()
    provider.held = opened
    const record = await slow.records.create(fields(-10), FIRST)
    const waiting = ask(slow, record, provider.request)
    await until(() => provider.requests === 1)
    pass(LOCK_LIFETIME)
    provider.held = undefined
    expect(await ask(other, record, provider.request)).toBe('access 1')
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
    const waiting = ask(slow, record, provider.request)
    await until(() => provider.requests === 1)
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
    const waiting = ask(slow, record, provider.request)
    await until(() => provider.requests === 1)
    pass(LOCK_LIFETIME)
    expect(await shared.add(`lock:${record.id}`, 'owner:another', LOCK_LIFETIME)).toBe(true)
    const get = vi.spyOn(slow.store, 'get')
    open()
    await until(() => get.mock.calls.some(([key]) => key.startsWith('lock:')))
    await other.records.replace(record, fields(600), { ...FIRST, accessToken: 'access of another process' })
    expect(await waiting).toBe('access of another process')
    expect(await shared.get(`lock:${record.id}`)).toBe('owner:another')
    expect(slow.told.ended).toEqual([])
  })
})

describe('a session that ends while its refresh is in progress', () => {
  it.each<[string, (process: ReturnType<typeof startProcess>, id: string) => Promise<unknown>]>([
    ['by its own logout', ({ records }, id) => records.remove(id)],
    ['with all of its user', ({ records }) => records.endSubject('registration', 'ada', Date.now() / 1000 + 3600)],
    ["with the provider's session", ({ records }) => records.endSid('registration', 'sid-1', Date.now() / 1000)],
  ])('%s gets no token, and nothing of it stays in the store', async (_how, end) => {
    const process = startProcess(shared)
    const provider = rotatingProvider()
    const { open, opened } = gate()
    provider.held = opened
    const record = await process.records.create(fields(-10, { sid: 'sid-1' }), FIRST)
    const waiting = ask(process, record, provider.request)
    await until(() => provider.requests === 1)
    await end(startProcess(shared), record.id)
    open()
    expect(await waiting).toBeUndefined()
    expect(await shared.get(`record:${record.id}`)).toBeUndefined()
    expect(process.told).toEqual({ refreshed: [], failed: [], ended: [], overlaps: 0 })
  })
})
