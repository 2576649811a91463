import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSealer } from '../../src/lib/seal.js'
import { Lock } from '../../src/records/lock.js'
import type { RecordFields } from '../../src/records/record.js'
import { TokenRecords } from '../../src/records/records.js'
import { SECRET } from '../support/bed/app.js'
import { describeWith } from '../support/run/requirements.js'
import { type Connect, type Connected, connectPostgresStores, connectRedisStores } from '../support/stores/connected.js'

describeWith('redis', 'two processes on redisStore', (url) => twoProcesses(url, connectRedisStores))
describeWith('postgres', 'two processes on postgresStore', (url) => twoProcesses(url, connectPostgresStores))

const AT_ONCE = 50

const LONG = { unsent: 60, sent: 60 }
const SHORT = { unsent: 0.5, sent: 0.5 }

/** Stops this process for a time, in milliseconds. */
function stall(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

function twoProcesses(url: string, connect: Connect): void {
  let one: Connected
  let two: Connected
  let count = 0

  beforeAll(async () => {
    ;[one, two] = await Promise.all([connect(url), connect(url)])
  })
  afterAll(async () => {
    await Promise.all([one.close(), two.close()])
  })

  const newKey = () => `lock:${process.pid}.${Date.now()}.${count++}`
  const inTurn = <T>(act: (connected: Connected, i: number) => Promise<T>) =>
    Promise.all(Array.from({ length: AT_ONCE }, (_, i) => act(i % 2 ? one : two, i)))

  describe('a lock', () => {
    it(`is taken by one of ${AT_ONCE} at once, and after its release by one again`, async () => {
      const key = newKey()
      for (let round = 0; round < 3; round++) {
        const locks = await inTurn(async ({ store }) => {
          const lock = new Lock(store, key, LONG)
          return { lock, state: (await lock.acquire()).state }
        })
        const holders = locks.filter(({ state }) => state === 'acquired')
        expect(holders).toHaveLength(1)
        for (const { lock } of locks) if (lock !== holders[0]?.lock) await lock.release()
        expect((await new Lock(one.store, key, LONG).acquire()).state).toBe('held')
        await holders[0]?.lock.release()
      }
    })

    it(`whose back-off is over is taken by one of ${AT_ONCE} at once`, async () => {
      const key = newKey()
      await one.store.set(key, `back-off:1:${Date.now() - 1}`, 60)
      const states = await inTurn(async ({ store }) => (await new Lock(store, key, LONG).acquire()).state)
      expect(states.filter((state) => state === 'acquired')).toHaveLength(1)
    })

    it('that expired is not confirmed, released or made a back-off by who held it, for it is the next one’s', async () => {
      const key = newKey()
      const stalled = new Lock(one.store, key, SHORT)
      expect((await stalled.acquire()).state).toBe('acquired')
      expect(await stalled.confirm()).toBe(true)
      stall(1000 * SHORT.sent)
      const next = new Lock(two.store, key, LONG)
      await expect.poll(async () => (await next.acquire()).state).toBe('acquired')
      expect(await stalled.confirm()).toBe(false)
      await stalled.release()
      await stalled.backOff('ERR_PROVIDER_UNAVAILABLE')
      expect((await new Lock(one.store, key, LONG).acquire()).state).toBe('held')
      expect(await next.confirm()).toBe(true)
    })
  })

  describe('a token record', () => {
    const records = ({ store }: Connected) => new TokenRecords(store, createSealer([SECRET]))

    function fields(): RecordFields {
      const now = Date.now() / 1000
      return {
        provider: 'default',
        registration: 'registration',
        issuer: 'https://issuer.example',
        subject: `user ${count++} of ${process.pid} at ${now}`,
        claims: {},
        scopes: [],
        openedAt: now,
        endsAt: now + 60,
        refreshable: true,
      }
    }

    it(`is replaced by one of ${AT_ONCE} at once that read the same, and that one's tokens stay`, async () => {
      const record = await records(one).create(fields(), { refreshToken: 'first' })
      const results = await inTurn((connected, i) =>
        records(connected).replace(record, record, { refreshToken: `of ${i}` }),
      )
      const winners = results.flatMap((result, i) => (result ? [`of ${i}`] : []))
      expect(winners).toHaveLength(1)
      const stored = await records(two).read(record.id)
      expect(stored && records(two).unseal(stored)?.refreshToken).toBe(winners[0])
    })

    it('is not written by a holder that stalled past its lock, once another has refreshed or logged out', async () => {
      for (const logout of [false, true]) {
        const asRead = await records(one).create(fields(), { refreshToken: 'first' })
        if (logout) await records(two).remove(asRead.id)
        else expect(await records(two).replace(asRead, asRead, { refreshToken: 'second' })).toBeDefined()
        expect(await records(one).replace(asRead, asRead, { refreshToken: 'late' })).toBeUndefined()
        await records(one).keep({ ...asRead, idle: 30 }, 30)
        const stored = await records(one).read(asRead.id)
        expect(stored && records(one).unseal(stored)?.refreshToken).toBe(logout ? undefined : 'second')
      }
    })

    it(`lives for each of ${AT_ONCE} first logins of a user at once, until all of them end at once`, async () => {
      const user = fields()
      const opened = await inTurn((connected) => records(connected).create(user, {}))
      for (const { id } of opened) expect(await records(two).read(id)).toBeDefined()
      await records(one).endSubject(user.registration, user.subject, user.endsAt)
      for (const { id } of opened) expect(await records(two).read(id)).toBeUndefined()
    })

    it(`is listed by each of ${AT_ONCE} logins of a user at once, up to the limit of sessions`, async () => {
      const user = fields()
      const limit = { maxPerSubject: 3 }
      const opened = await inTurn((connected) => records(connected).create(user, {}))
      expect(await records(two).ofSubject(user.registration, user.subject)).toHaveLength(AT_ONCE)
      const limited = ({ store }: Connected) => new TokenRecords(store, createSealer([SECRET]), limit)
      const last = await inTurn((connected) => limited(connected).create(user, {}))
      const living = await records(two).ofSubject(user.registration, user.subject)
      expect(living).toHaveLength(3)
      const newest = new Set(last.map(({ id }) => id))
      expect(living.filter(({ id }) => !newest.has(id))).toEqual([])
      for (const { id } of opened) expect(await records(one).read(id)).toBeUndefined()
    })

    it('stays when the others of its user are ended, in every process', async () => {
      const user = fields()
      const opened = await inTurn((connected) => records(connected).create(user, {}))
      const [mine] = opened
      if (!mine) throw new Error('no session')
      await records(one).endOthers(mine, user.endsAt)
      for (const { id } of opened)
        expect(await records(two).read(id)).toEqual(id === mine.id ? expect.anything() : undefined)
    })

    it(`is entered by each of ${AT_ONCE} at once in the list of its session at the provider`, async () => {
      const user = { ...fields(), sid: `sid of ${process.pid} at ${Date.now()}` }
      const opened = await inTurn((connected) => records(connected).create(user, {}))
      const ended = await records(one).endSid(user.registration, user.sid, user.openedAt)
      expect(new Set(ended.map(({ id }) => id))).toEqual(new Set(opened.map(({ id }) => id)))
      for (const { id } of opened) expect(await records(two).read(id)).toBeUndefined()
    })
  })
}
