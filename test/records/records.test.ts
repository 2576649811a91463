import fc from 'fast-check'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { createSealer } from '../../src/lib/seal.js'
import type { RecordFields, Tokens } from '../../src/records/record.js'
import { TokenRecords } from '../../src/records/records.js'
import { SECRET } from '../support/bed/app.js'
import { fakeDate, pass } from '../support/run/waiting.js'
import { MemoryAuthStore } from '../support/stores/memoryAuthStore.js'

const IDLE = 1000
const ABSOLUTE = 5000

beforeEach(fakeDate)

function fields(idle?: number): RecordFields {
  const now = Date.now() / 1000
  return {
    provider: 'default',
    registration: 'registration',
    issuer: 'https://issuer.example',
    subject: 'ada',
    claims: { iss: 'https://issuer.example', sub: 'ada' },
    scopes: ['openid'],
    openedAt: now,
    endsAt: now + ABSOLUTE,
    refreshable: false,
    ...(idle === undefined ? {} : { idle }),
  }
}

describe('a token record', () => {
  it('goes with its idle session, and a tenth of that time later at most', async () => {
    const store = new MemoryAuthStore()
    const records = new TokenRecords(store, createSealer([SECRET]))
    const { id } = await records.create(fields(IDLE), {})
    pass(IDLE)
    expect(await store.get(`record:${id}`)).toBeDefined()
    pass(IDLE / 10)
    expect(await store.get(`record:${id}`)).toBeUndefined()
  })

  it('lives on with a session in use, by few writes that leave what it holds, up to the absolute end', async () => {
    const store = new MemoryAuthStore()
    const records = new TokenRecords(store, createSealer([SECRET]))
    const record = await records.create(fields(IDLE), {})
    const write = vi.spyOn(store, 'replace')
    for (let time = 0; time < ABSOLUTE - 10; time += 10) {
      const read = (await records.read(record.id)) ?? expect.fail('it ended')
      expect({ ...read, stored: '', keptUntil: 0 }).toEqual({ ...record, stored: '', keptUntil: 0 })
      expect(records.unseal(read)).toEqual(records.unseal(record))
      await records.keep(read, IDLE)
      pass(10)
    }
    expect(write.mock.calls.length).toBeGreaterThan(0)
    expect(write.mock.calls.length).toBeLessThanOrEqual((ABSOLUTE / IDLE) * 10)
    pass(10)
    expect(await records.read(record.id)).toBeUndefined()
  })

  it('is written once for its whole lifetime in use, whichever of 12,000 sessions and of many processes it is', async () => {
    const store = new MemoryAuthStore()
    const processes = Array.from({ length: 3 }, () => new TokenRecords(store, createSealer([SECRET])))
    const [one] = processes as [TokenRecords, ...TokenRecords[]]
    const ids: string[] = []
    for (let i = 0; i < 12_000; i++) {
      ids.push((await one.create({ ...fields(IDLE), subject: `user ${i}` }, {})).id)
    }
    const write = vi.spyOn(store, 'replace')
    pass(IDLE / 2)
    for (let round = 0; round < 2; round++) {
      for (const id of ids) {
        for (const records of processes) {
          const read = (await records.read(id)) ?? expect.fail('it ended')
          await records.keep(read, IDLE)
        }
      }
    }
    expect(write).toHaveBeenCalledTimes(ids.length)
  })

  it('is replaced and removed as it was read if another request has extended it since, and not if it has other tokens', async () => {
    const store = new MemoryAuthStore()
    const records = new TokenRecords(store, createSealer([SECRET]))
    const record = await records.create(fields(IDLE), { refreshToken: 'first' })
    pass(IDLE / 2)
    expect(await records.keep(record, IDLE)).toBeDefined()
    const replaced = (await records.replace(record, fields(IDLE), { refreshToken: 'second' })) ?? expect.fail('refused')
    expect(await records.replace(record, fields(IDLE), { refreshToken: 'late' })).toBeUndefined()
    expect(await records.keep(record, IDLE)).toBeUndefined()
    expect(await records.remove(record.id, record)).toBe(false)
    expect(records.unseal((await records.read(record.id)) ?? expect.fail('it ended'))).toEqual({
      refreshToken: 'second',
    })
    pass(IDLE / 2)
    expect(await records.keep(replaced, IDLE)).toBeDefined()
    expect(await records.remove(record.id, replaced)).toBe(true)
  })

  it.each<[what: string, spoil: (stored: string) => string]>([
    ['is empty', () => ''],
    ['is no JSON', (stored) => stored.slice(1)],
    ['holds no object', (stored) => stored.replace(/^.*/, 'null')],
    ['has lost its claims', (stored) => stored.replace('"claims"', '"claim"')],
    ['holds scopes of another form', (stored) => stored.replace('["openid"]', '"openid"')],
    ['is kept until no time', (stored) => stored.replace(/"keptUntil":[\d.]+/, '"keptUntil":"never"')],
    ['ends at no time', (stored) => stored.replace(/"endsAt":[\d.]+/, '"endsAt":"never"')],
  ])('that %s ends its session', async (_what, spoil) => {
    const store = new MemoryAuthStore()
    const records = new TokenRecords(store, createSealer([SECRET]))
    const { id, stored } = await records.create(fields(), {})
    expect(await records.read(id)).toMatchObject({ subject: 'ada' })
    expect(spoil(stored)).not.toBe(stored)
    await store.set(`record:${id}`, spoil(stored), 60)
    expect(await records.read(id)).toBeUndefined()
    expect(await store.get(`record:${id}`)).toBeUndefined()
  })

  it.each<[what: string, tokens: Tokens]>([
    ['a JWT', { idToken: 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl' }],
    ['a JWT in base64url that is not canonical', { idToken: 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifR.c2lnbmF0dXJl' }],
    ['an encrypted JWT without a key', { idToken: 'eyJhbGciOiJkaXIifQ..aXY.Y2lwaGVydGV4dA.dGFn' }],
    ['opaque tokens', { accessToken: 'a+b/c==', refreshToken: 'AAAA', tokenType: 'DPoP' }],
    ['dots', { accessToken: '...', refreshToken: '' }],
    ['line feeds and characters beyond ASCII', { accessToken: 'a\nb', refreshToken: 'clé.🗝️' }],
    ['no token', {}],
  ])('returns %s exactly', async (_what, tokens) => {
    const records = new TokenRecords(new MemoryAuthStore(), createSealer([SECRET]))
    const { id } = await records.create(fields(), tokens)
    expect(records.unseal((await records.read(id)) ?? expect.fail('it ended'))).toEqual(tokens)
  })

  it('returns any token exactly', async () => {
    const records = new TokenRecords(new MemoryAuthStore(), createSealer([SECRET]))
    const base64url = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('base64url'))
    const token = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.array(base64url, { maxLength: 5 }).map((parts) => parts.join('.')),
    )
    await fc.assert(
      fc.asyncProperty(
        token,
        token,
        fc.dictionary(fc.string(), fc.jsonValue()),
        async (accessToken, idToken, claims) => {
          const { id } = await records.create({ ...fields(), claims }, { accessToken, idToken })
          const read = (await records.read(id)) ?? expect.fail('it ended')
          expect(records.unseal(read)).toEqual({ accessToken, idToken })
          const kept = await records.keep({ ...read, keptUntil: 0 }, 10)
          expect(records.unseal(kept ?? expect.fail('it was not kept'))).toEqual({ accessToken, idToken })
        },
      ),
      { numRuns: 200 },
    )
  })

  it('has claims that are parsed only when they are read, with iss and sub', async () => {
    const store = new MemoryAuthStore()
    const records = new TokenRecords(store, createSealer([SECRET]))
    const claims = { iss: 'https://issuer.example', sub: 'ada', groups: ['of the claims'], claims: { claims: true } }
    const { id } = await records.create({ ...fields(), claims }, {})
    const parse = vi.spyOn(JSON, 'parse')
    const read = (await records.read(id)) ?? expect.fail('it ended')
    const parsed = () => parse.mock.calls.filter(([text]) => text.includes('of the claims')).length
    expect(parsed()).toBe(0)
    expect(read.claims).toEqual(claims)
    expect(read.claims).toBe(read.claims)
    expect(parsed()).toBe(1)
  })

  it('gives away no token if its claims were changed in the store', async () => {
    const store = new MemoryAuthStore()
    const records = new TokenRecords(store, createSealer([SECRET]))
    const { id, stored } = await records.create({ ...fields(), claims: { role: 'user' } }, { accessToken: 'token' })
    const unsealed = async () => records.unseal((await records.read(id)) ?? expect.fail('it ended'))
    expect(await unsealed()).toEqual({ accessToken: 'token' })
    await store.set(`record:${id}`, stored.replace('"user"', '"root"'), 60)
    expect(await unsealed()).toBeUndefined()
  })

  it('of version 0.2.0 is read, kept and replaced', async () => {
    const store = new MemoryAuthStore()
    const sealer = createSealer([SECRET])
    const records = new TokenRecords(store, sealer)
    const { id, generation } = await records.create(fields(IDLE), {})
    const tokens = { accessToken: 'access', idToken: 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl' }
    const { scopes, ...rest } = fields(IDLE)
    const older = JSON.stringify({ ...rest, scopes, generation })
    await store.set(`record:${id}`, `${older}\n${sealer.seal('token-record', id, JSON.stringify(tokens))}`, IDLE)
    const read = (await records.read(id)) ?? expect.fail('it ended')
    expect(read).toMatchObject(fields(IDLE))
    expect(records.unseal(read)).toEqual(tokens)
    const kept = (await records.keep(read, IDLE)) ?? expect.fail('it was not kept')
    const again = (await records.read(id)) ?? expect.fail('it ended')
    expect(again).toMatchObject({ ...fields(IDLE), stored: kept.stored })
    expect(records.unseal(again)).toEqual(tokens)
    const replaced = (await records.replace(again, fields(IDLE), { accessToken: 'next' })) ?? expect.fail('refused')
    expect(records.unseal(replaced)).toEqual({ accessToken: 'next' })
  })

  it('stays until the absolute end where the cookie says nothing of idle time, without a write', async () => {
    const store = new MemoryAuthStore()
    const records = new TokenRecords(store, createSealer([SECRET]))
    const record = await records.create(fields(), {})
    const write = vi.spyOn(store, 'replace')
    pass(ABSOLUTE - 1)
    await records.keep(record, undefined)
    expect(write).not.toHaveBeenCalled()
    expect(await records.read(record.id)).toBeDefined()
    pass(1)
    expect(await records.read(record.id)).toBeUndefined()
  })

  it('counts no longer after the absolute end, also where the store keeps it', async () => {
    const store = new MemoryAuthStore()
    const set = store.set.bind(store)
    vi.spyOn(store, 'set').mockImplementation((key, value, ttl) => set(key, value, 10 * ttl))
    const records = new TokenRecords(store, createSealer([SECRET]))
    const { id } = await records.create(fields(), {})
    pass(ABSOLUTE - 1)
    expect(await records.read(id)).toBeDefined()
    pass(1)
    expect(await store.get(`record:${id}`)).toBeDefined()
    expect(await records.read(id)).toBeUndefined()
  })
})
