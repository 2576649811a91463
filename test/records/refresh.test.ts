import { randomBytes } from 'node:crypto'
import { MemoryStore } from 'express-session'
import { beforeEach, describe, expect, it } from 'vitest'
import { RelyingPartyError } from '../../src/errors.js'
import type { AuthStore } from '../../src/index.js'
import type { TokenRecord } from '../../src/records/record.js'
import type { RefreshRequest } from '../../src/records/refreshRequest.js'
import { sessionAuthStore } from '../../src/records/sessionAuthStore.js'
import { fakeDate, gate, pass, until } from '../support/run/waiting.js'
import { FIRST, fields, outage, rotatingProvider, startProcess } from '../support/stores/refreshers.js'

beforeEach(fakeDate)

describe('a refresh', () => {
  it('is made when the access token expires within the time set, and not before', async () => {
    const { records, refresher, accessToken } = startProcess()
    const provider = rotatingProvider()
    const record = await records.create(fields(91), FIRST)
    expect(await refresher.refresh(record, provider.request)).toBe(record)
    expect(provider.requests).toBe(0)
    pass(31)
    expect(accessToken(await refresher.refresh(record, provider.request))).toBe('access 1')
    expect(provider.requests).toBe(1)
  })

  it('is due at another moment for each session, always the same in every process', async () => {
    const store = sessionAuthStore(new MemoryStore())
    const processes = [startProcess(store), startProcess(store)] as const
    const record = await processes[0].records.create(fields(600), FIRST)
    const sessions = Array.from({ length: 200 }, () => ({ ...record, id: randomBytes(32).toString('base64url') }))
    const due = [0, 0, 0]
    for (const [third, seconds] of [0, 10, 10].entries()) {
      pass(third === 0 ? 520 : seconds)
      for (const session of sessions) {
        const [one, two] = processes.map(({ refresher }) => refresher.isDue(session))
        expect(one).toBe(two)
        if (one) due[third] = (due[third] ?? 0) + 1
      }
    }
    const [first = 0, second = 0, third = 0] = due
    expect(first).toBeGreaterThan(0)
    expect(second).toBeGreaterThan(first)
    expect(third).toBeGreaterThan(second)
    pass(1)
    expect(sessions.every((session) => processes[1].refresher.isDue(session))).toBe(true)
  })

  it('is not made where the expiry is unknown, or there is no refresh token', async () => {
    const { records, refresher } = startProcess()
    const provider = rotatingProvider()
    const { accessTokenExpiresAt: _, ...endless } = fields(0)
    for (const given of [endless, fields(-10, { refreshable: false })]) {
      const record = await records.create(given, FIRST)
      expect(await refresher.refresh(record, provider.request)).toBe(record)
    }
    expect(provider.requests).toBe(0)
  })

  it('is one token request for any number of askers at once', async () => {
    const { records, refresher, accessToken, told } = startProcess()
    const provider = rotatingProvider()
    const record = await records.create(fields(-10), FIRST)
    const answers = await Promise.all(Array.from({ length: 50 }, () => refresher.refresh(record, provider.request)))
    expect(new Set(answers.map(accessToken))).toEqual(new Set(['access 1']))
    expect(provider.requests).toBe(1)
    expect(told.refreshed).toHaveLength(1)
  })

  it('is one token request for any number of processes at once', async () => {
    const store = sessionAuthStore(new MemoryStore())
    const processes = Array.from({ length: 5 }, () => startProcess(store))
    const provider = rotatingProvider()
    const record = await startProcess(store).records.create(fields(-10), FIRST)
    const answers = await Promise.all(
      processes.flatMap(({ refresher, accessToken }) =>
        Array.from({ length: 10 }, async () => accessToken(await refresher.refresh(record, provider.request))),
      ),
    )
    expect(new Set(answers)).toEqual(new Set(['access 1']))
    expect(provider.requests).toBe(1)
  })

  it('is not repeated for those who read the record before it and ask after', async () => {
    const { records, refresher, accessToken } = startProcess()
    const provider = rotatingProvider()
    const old = await records.create(fields(-10), FIRST)
    await refresher.refresh(old, provider.request)
    for (let i = 0; i < 3; i++) expect(accessToken(await refresher.refresh(old, provider.request))).toBe('access 1')
    expect(provider.requests).toBe(1)
  })

  it('is not repeated where another process finished one between the reading of the record and the lock', async () => {
    const store = sessionAuthStore(new MemoryStore())
    const other = startProcess(store)
    const provider = rotatingProvider()
    const record = await other.records.create(fields(-10), FIRST)
    const { refresher, accessToken } = startProcess({
      ...store,
      async add(key, value, ttl) {
        await other.refresher.refresh(record, provider.request)
        return store.add(key, value, ttl)
      },
    })
    expect(accessToken(await refresher.refresh(record, provider.request))).toBe('access 1')
    expect(provider.requests).toBe(1)
  })

  it('uses the rotated refresh token next', async () => {
    const { records, refresher, accessToken } = startProcess()
    const provider = rotatingProvider()
    let record: TokenRecord | undefined = await records.create(fields(-10), FIRST)
    for (let i = 1; i <= 3; i++) {
      record = await refresher.refresh(record as TokenRecord, provider.request)
      expect(accessToken(record)).toBe(`access ${i}`)
      pass(601)
    }
    expect(provider.requests).toBe(3)
  })

  it('leaves no lock behind: the next one starts at once', async () => {
    const { records, refresher, store } = startProcess()
    const provider = rotatingProvider()
    const record = await records.create(fields(-10), FIRST)
    await refresher.refresh(record, provider.request)
    expect(await store.get(`lock:${record.id}`)).toBeUndefined()
  })

  it('is taken over from a process that died in the middle of it', async () => {
    const store = sessionAuthStore(new MemoryStore())
    const { records, refresher, accessToken } = startProcess(store)
    const provider = rotatingProvider()
    const record = await records.create(fields(-10), FIRST)
    await store.add(`lock:${record.id}`, 'owner:gone', 10)
    const waiting = refresher.refresh(record, provider.request)
    await new Promise((resolve) => setImmediate(resolve))
    expect(provider.requests).toBe(0)
    pass(10)
    expect(accessToken(await waiting)).toBe('access 1')
  })
})

describe('a logout during a refresh', () => {
  it('is final: the new tokens are not stored', async () => {
    const { records, refresher, told } = startProcess()
    const provider = rotatingProvider()
    const { open, opened } = gate()
    provider.held = opened
    const record = await records.create(fields(-10), FIRST)
    const refreshing = refresher.refresh(record, provider.request)
    await until(() => provider.requests === 1)
    expect(await records.remove(record.id)).toBe(true)
    open()
    expect(await refreshing).toBeUndefined()
    expect(await records.read(record.id)).toBeUndefined()
    expect(told).toEqual({ refreshed: [], failed: [], ended: [], overlaps: 0 })
  })

  it('is final for those who ask afterwards with the record they read before', async () => {
    const { records, refresher } = startProcess()
    const provider = rotatingProvider()
    const record = await records.create(fields(-10), FIRST)
    await records.remove(record.id)
    expect(await refresher.refresh(record, provider.request)).toBeUndefined()
    expect(provider.requests).toBe(0)
  })
})

describe('a refresh token that is refused', () => {
  it('ends the session', async () => {
    const { records, refresher, told } = startProcess()
    const provider = rotatingProvider()
    provider.endGrant()
    const record = await records.create(fields(30), FIRST)
    expect(await refresher.refresh(record, provider.request)).toBeUndefined()
    expect(await records.read(record.id)).toBeUndefined()
    expect(told.ended.map(({ id }) => id)).toEqual([record.id])
  })

  it('does not end it if another process has stored new tokens in the meantime', async () => {
    const { records, refresher, told, accessToken } = startProcess()
    const record = await records.create(fields(-10), FIRST)
    const request: RefreshRequest = {
      prepare: async () => {},
      async send(read) {
        await records.replace(read, fields(600), { ...FIRST, accessToken: 'access of another process' })
        throw new RelyingPartyError('ERR_SESSION_ENDED', 'the refresh token is not accepted')
      },
    }
    expect(accessToken(await refresher.refresh(record, request))).toBe('access of another process')
    expect(told.ended).toEqual([])
  })
})

describe('a provider that fails', () => {
  it('uses the access token while it is valid, then reports an outage', async () => {
    const { records, refresher, accessToken, told } = startProcess()
    const provider = rotatingProvider()
    provider.fault = outage()
    const record = await records.create(fields(30), FIRST)
    expect(accessToken(await refresher.refresh(record, provider.request))).toBe('access 0')
    pass(30)
    await expect(refresher.refresh(record, provider.request)).rejects.toBe(provider.fault)
    expect(told.failed).toEqual(['ERR_PROVIDER_UNAVAILABLE', 'ERR_PROVIDER_UNAVAILABLE'])
    expect(await records.read(record.id)).toBeDefined()
    provider.fault = undefined
    pass(2)
    expect(accessToken(await refresher.refresh(record, provider.request))).toBe('access 1')
  })

  it.each([
    ['is down', outage(), [1, 2, 4, 5, 5, 5]],
    [
      'refuses the client',
      new RelyingPartyError('ERR_CLIENT_REFUSED', 'the client is refused'),
      [1, 2, 4, 8, 16, 30, 30],
    ],
  ])(
    'and %s is asked once per step of the back-off of a session, which doubles to a limit',
    async (_how, fault, steps) => {
      const store = sessionAuthStore(new MemoryStore())
      const processes = [startProcess(store), startProcess(store)]
      const provider = rotatingProvider()
      provider.fault = fault
      const record = await startProcess(store).records.create(fields(-10), FIRST)
      const askAll = async () => {
        const asking = processes.flatMap(({ refresher }) =>
          Array.from({ length: 5 }, () => refresher.refresh(record, provider.request)),
        )
        for (const result of await Promise.allSettled(asking)) {
          const codes = expect.stringMatching(`^(ERR_PROVIDER_UNAVAILABLE|${fault.code})$`) as unknown
          expect(result).toMatchObject({ status: 'rejected', reason: { code: codes } })
        }
      }
      await askAll()
      let requests = 1
      for (const step of steps) {
        await askAll()
        expect(provider.requests).toBe(requests)
        pass(step - 0.001)
        await askAll()
        expect(provider.requests).toBe(requests)
        pass(0.001)
        await askAll()
        expect(provider.requests).toBe(++requests)
      }
    },
  )

  it('is asked after a second again, once a refresh has succeeded', async () => {
    const { records, refresher } = startProcess()
    const provider = rotatingProvider()
    const record = await records.create(fields(30), FIRST)
    const fail = async () => {
      provider.fault = outage()
      await refresher.refresh(record, provider.request)
      provider.fault = undefined
    }
    await fail()
    pass(1)
    await fail()
    pass(2)
    provider.expiresIn = 30
    await refresher.refresh(record, provider.request)
    await fail()
    const { requests } = provider
    pass(1)
    await refresher.refresh(record, provider.request)
    expect(provider.requests).toBe(requests + 1)
  })
})

describe('a store that fails', () => {
  const methods = ['get', 'add', 'replace'] as const

  it.each(methods)('in %s is an outage, and ends no session', async (method) => {
    const inner = sessionAuthStore(new MemoryStore())
    const store: AuthStore = { ...inner }
    const { records, refresher, told, accessToken } = startProcess(store)
    const provider = rotatingProvider()
    const record = await records.create(fields(-10), FIRST)
    Object.assign(store, { [method]: () => Promise.reject(new Error('the store is gone')) })
    await expect(refresher.refresh(record, provider.request)).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
    expect(told.ended).toEqual([])
    Object.assign(store, inner)
    expect(accessToken(await records.read(record.id))).toBe('access 0')
  })
})

describe('token records', () => {
  it('are sealed: the store never sees a token', async () => {
    const stored: string[] = []
    const inner = sessionAuthStore(new MemoryStore())
    const store: AuthStore = {
      ...inner,
      set: (key, value, ttl) => {
        stored.push(key, value)
        return inner.set(key, value, ttl)
      },
      replace: (key, expected, value, ttl) => {
        stored.push(key, value)
        return inner.replace(key, expected, value, ttl)
      },
    }
    const { records, refresher } = startProcess(store)
    const record = await records.create(fields(-10), FIRST)
    await refresher.refresh(record, rotatingProvider().request)
    expect(stored.join()).toContain('"subject":"ada"')
    expect(stored.join()).not.toMatch(/(access|refresh|id) [01]/)
  })

  it('do not open where a tampered store has put the tokens of another record', async () => {
    const { records, store } = startProcess()
    const mine = await records.create(fields(600), FIRST)
    const other = await records.create(fields(600), { ...FIRST, accessToken: 'of another' })
    await store.set(`record:${mine.id}`, other.stored, 60)
    const read = await records.read(mine.id)
    expect(read && records.unseal(read)).toBeUndefined()
    const untouched = await records.read(other.id)
    expect(untouched && records.unseal(untouched)?.accessToken).toBe('of another')
  })

  it('end with their absolute lifetime, however often they are refreshed', async () => {
    const { records, refresher } = startProcess()
    const provider = rotatingProvider()
    let record = await records.create(fields(600), FIRST)
    for (let minutes = 0; minutes < 50; minutes += 10) {
      pass(600)
      record = (await refresher.refresh(record, provider.request)) ?? expect.fail('it ended early')
    }
    pass(599)
    expect(await records.read(record.id)).toBeDefined()
    pass(1)
    expect(await records.read(record.id)).toBeUndefined()
  })

  it('are removed as they were read only while they are so', async () => {
    const { records } = startProcess()
    const record = await records.create(fields(600), FIRST)
    const changed = await records.replace(record, fields(900), FIRST)
    expect(await records.remove(record.id, record)).toBe(false)
    expect(await records.remove(record.id, changed)).toBe(true)
  })
})
