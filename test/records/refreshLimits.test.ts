import { MemoryStore } from 'express-session'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { RelyingPartyError } from '../../src/errors.js'
import type { AuthStore } from '../../src/index.js'
import { LOCK_LIFETIME, Lock } from '../../src/records/lock.js'
import { sessionAuthStore } from '../../src/records/sessionAuthStore.js'
import { fakeDate, gate, pass, until } from '../support/run/waiting.js'
import { ask, FIRST, fields, outage, rotatingProvider, startProcess } from '../support/stores/refreshers.js'

let shared: AuthStore

beforeEach(() => {
  fakeDate()
  shared = sessionAuthStore(new MemoryStore())
})

const SLOW = { code: 'ERR_PROVIDER_UNAVAILABLE', status: 503 }

describe('a provider that takes longer than a request waits', () => {
  it('costs no session: the refresh goes on, and its new tokens are stored', async () => {
    const process = startProcess(shared, { wait: 0.05 })
    const provider = rotatingProvider()
    const { open, opened } = gate()
    provider.held = opened
    const record = await process.records.create(fields(-10), FIRST)
    for (let i = 0; i < 3; i++) await expect(ask(process, record, provider.request)).rejects.toMatchObject(SLOW)
    expect(provider.requests).toBe(1)
    open()
    await until(() => process.told.refreshed.length === 1)
    expect(await ask(process, record, provider.request)).toBe('access 1')
    expect(provider.requests).toBe(1)
    expect(process.told.ended).toEqual([])
  })

  it('lets its access token be used while it is valid, at once when the refresh has taken long already', async () => {
    const process = startProcess(shared)
    const provider = rotatingProvider()
    const { open, opened } = gate()
    provider.held = opened
    const record = await process.records.create(fields(30), FIRST)
    const asking = ask(process, record, provider.request)
    await until(() => provider.requests === 1)
    pass(2)
    expect(await ask(process, record, provider.request)).toBe('access 0')
    open()
    expect(await asking).toBe('access 1')
  })
})

describe('a herd of sessions that are due at once', () => {
  it('sends a bounded number of token requests at a time, first come, first served, and loses none', async () => {
    const process = startProcess(shared, { max: 3 })
    const provider = rotatingProvider()
    provider.takesReuse = true
    const create = (i: number) => process.records.create(fields(-10, { subject: `user ${i}` }), FIRST)
    let [now, most] = [0, 0]
    const served: string[] = []
    const request: typeof provider.request = {
      ...provider.request,
      async send(record, ...rest) {
        most = Math.max(most, ++now)
        served.push(record.id)
        await new Promise((resolve) => setTimeout(resolve, 1))
        return provider.request.send(record, ...rest).finally(() => now--)
      },
    }
    const records = await Promise.all(Array.from({ length: 60 }, (_, i) => create(i)))
    const tokens = await Promise.all(records.map((record) => ask(process, record, request)))
    expect(most).toBe(3)
    expect(served).toEqual(records.map(({ id }) => id))
    expect(tokens.every((token) => token?.startsWith('access '))).toBe(true)
    expect(provider.requests).toBe(60)
  })

  it('does not keep the sessions of another provider waiting', async () => {
    const process = startProcess(shared, { max: 1 })
    const provider = rotatingProvider()
    const { open, opened } = gate()
    provider.held = opened
    const first = ask(process, await process.records.create(fields(-10), FIRST), provider.request)
    await until(() => provider.requests === 1)
    const elsewhere = await process.records.create(fields(-10, { registration: 'other' }), FIRST)
    expect(await ask(process, elsewhere, rotatingProvider().request)).toBe('access 1')
    open()
    expect(await first).toBe('access 1')
  })
})

describe('the lock of a refresh', () => {
  it('is renewed by its holder for as long as it needs, and expires soon after the holder is gone', async () => {
    vi.useRealTimers()
    const lifetime = { unsent: 0.2, sent: 0.4 }
    const holder = new Lock(shared, 'lock:renewed', lifetime)
    expect((await holder.acquire()).state).toBe('acquired')
    const other = new Lock(shared, 'lock:renewed', lifetime)
    const renewed = vi.spyOn(shared, 'replace')
    for (const phase of ['unsent', 'sent'] as const) {
      await until(() => renewed.mock.calls.length > 8)
      expect(renewed.mock.calls.every(([, , , ttl]) => ttl === lifetime[phase])).toBe(true)
      expect((await other.acquire()).state).toBe('held')
      renewed.mockClear()
      if (phase === 'unsent') expect(await holder.confirm()).toBe(true)
    }
    renewed.mockRejectedValue(new Error('the store is gone'))
    await expect.poll(async () => (await other.acquire()).state).toBe('acquired')
    await Promise.all([holder.release(), other.release()])
  })

  /** A process whose store takes long to carry out the confirmation of the lock, by the faked clock. */
  function startSlow(seconds: number) {
    const slow = { left: 1 }
    const replace: AuthStore['replace'] = async (key, expected, value, ttl) => {
      const replaced = await shared.replace(key, expected, value, ttl)
      if (key.startsWith('lock:') && slow.left-- > 0) pass(seconds)
      return replaced
    }
    return startProcess({ ...shared, replace })
  }

  it.each([LOCK_LIFETIME.sent / 2 + 0.1, LOCK_LIFETIME.sent])(
    'that the store took %d s to confirm is confirmed again before the refresh token is sent',
    async (seconds) => {
      const process = startSlow(seconds)
      const provider = rotatingProvider()
      const record = await process.records.create(fields(-10), FIRST)
      const confirmed = vi.spyOn(process.store, 'replace')
      expect(await ask(process, record, provider.request)).toBe('access 1')
      expect(confirmed.mock.calls.filter(([key]) => key.startsWith('lock:'))).toHaveLength(2)
      expect(provider.requests).toBe(1)
    },
  )

  it('is confirmed once if the store is fast', async () => {
    const process = startSlow(0.1)
    const record = await process.records.create(fields(-10), FIRST)
    const confirmed = vi.spyOn(process.store, 'replace')
    expect(await ask(process, record, rotatingProvider().request)).toBe('access 1')
    expect(confirmed.mock.calls.filter(([key]) => key.startsWith('lock:'))).toHaveLength(1)
  })

  it('that expires between its confirmation and the request keeps the spent refresh token from being sent', async () => {
    const slow = startProcess(shared)
    const other = startProcess(shared)
    const provider = rotatingProvider()
    const record = await slow.records.create(fields(-10), FIRST)
    let stalled = false
    const token = await ask(slow, record, {
      ...provider.request,
      async send(...request) {
        if (!stalled) {
          stalled = true
          pass(LOCK_LIFETIME.sent + 1)
          expect(await ask(other, record, provider.request)).toBe('access 1')
        }
        return provider.request.send(...request)
      },
    })
    expect(token).toBe('access 1')
    expect(provider.requests).toBe(1)
  })

  it('of a process that died before it sent the refresh token is taken over within five seconds', async () => {
    const dead = startProcess({ ...shared })
    const record = await dead.records.create(fields(-10), FIRST)
    // It stops for good while it prepares the request, and no longer renews its lock.
    vi.spyOn(dead.store, 'replace').mockRejectedValue(new Error('the process is dead'))
    void ask(dead, record, { prepare: () => new Promise(() => {}), send: () => expect.fail() }).catch(() => {})
    await until(() => vi.mocked(dead.store.replace).mock.calls.length > 0)
    const other = startProcess(shared)
    const waiting = ask(other, record, rotatingProvider().request)
    pass(4.5)
    expect(await waiting).toBe('access 1')
  })
})

describe('a provider that is down', () => {
  /** Lets three sessions fail, after which the provider counts as down. */
  async function startOutage() {
    const process = startProcess(shared)
    const provider = rotatingProvider()
    provider.takesReuse = true
    provider.fault = outage()
    const create = (i: number) => process.records.create(fields(-10, { subject: `user ${i}` }), FIRST)
    const records = await Promise.all(Array.from({ length: 20 }, (_, i) => create(i)))
    const askAll = () => Promise.allSettled(records.map((record) => ask(process, record, provider.request)))
    for (const record of records.slice(0, 3)) {
      await expect(ask(process, record, provider.request)).rejects.toMatchObject(SLOW)
    }
    return { process, provider, records, askAll }
  }

  it('gets one request at a time from a process, whatever the number of sessions', async () => {
    const { provider, askAll } = await startOutage()
    const answers = await askAll()
    expect(answers.every(({ status }) => status === 'rejected')).toBe(true)
    expect(provider.requests).toBe(3)
    for (const [step, requests] of [
      [1, 4],
      [2, 5],
      [4, 6],
      [5, 7],
      [5, 8],
    ] as const) {
      pass(step)
      await askAll()
      expect(provider.requests).toBe(requests)
    }
  })

  it('frees all its sessions by one request that succeeds', async () => {
    const { provider, records, askAll } = await startOutage()
    for (let i = 0; i < 12; i++) {
      pass(5)
      await askAll()
    }
    provider.fault = undefined
    pass(5)
    const before = provider.requests
    expect((await askAll()).every(({ status }) => status === 'fulfilled')).toBe(true)
    expect(provider.requests).toBe(before + records.length)
  })

  it('frees them also by a request that it refuses: it answers', async () => {
    const { process, provider, records, askAll } = await startOutage()
    provider.fault = new RelyingPartyError('ERR_SESSION_ENDED', 'the refresh token is not accepted')
    pass(5)
    const [first] = records
    if (first) expect(await ask(process, first, provider.request)).toBeUndefined()
    provider.fault = undefined
    const answers = await askAll()
    expect(answers.every(({ status }) => status === 'fulfilled')).toBe(true)
  })

  it('is still sent requests if only one session fails', async () => {
    const { records, ...process } = startProcess(shared)
    const [broken, works] = [rotatingProvider(), rotatingProvider()]
    works.takesReuse = true
    broken.fault = outage()
    const poison = await records.create(fields(-10), FIRST)
    for (let i = 0; i < 5; i++) {
      await expect(ask({ records, ...process }, poison, broken.request)).rejects.toMatchObject(SLOW)
      const record = await records.create(fields(-10), FIRST)
      expect(await ask({ records, ...process }, record, works.request)).toMatch('access')
      pass(5)
    }
    expect(broken.requests).toBe(5)
  })
})
