import { beforeEach, describe, expect, it, vi } from 'vitest'
import { createSealer } from '../../src/lib/seal.js'
import { withStoreErrors } from '../../src/records/authStore.js'
import { sidIdOf } from '../../src/records/providerSessions.js'
import type { RecordFields, TokenRecord } from '../../src/records/record.js'
import { TokenRecords } from '../../src/records/records.js'
import { SECRET } from '../support/bed/app.js'
import { fakeDate, pass } from '../support/run/waiting.js'
import { MemoryAuthStore } from '../support/stores/memoryAuthStore.js'

const ABSOLUTE = 5000
const HERE = 'registration'

let store: MemoryAuthStore
let records: TokenRecords

beforeEach(() => {
  fakeDate()
  store = new MemoryAuthStore()
  records = startProcess()
})

const now = () => Date.now() / 1000
const endsAt = () => now() + ABSOLUTE

/** Records of another process over the same store. */
function startProcess(): TokenRecords {
  return new TokenRecords(withStoreErrors(store), createSealer([SECRET]))
}

function fields(more: Partial<RecordFields> = {}): RecordFields {
  return {
    provider: 'default',
    registration: HERE,
    issuer: 'https://issuer.example',
    subject: 'ada',
    sid: 'sid-1',
    claims: { sub: 'ada' },
    scopes: ['openid'],
    openedAt: now(),
    endsAt: endsAt(),
    refreshable: true,
    ...more,
  }
}

function withoutSid(): RecordFields {
  const { sid: _sid, ...rest } = fields()
  return rest
}

/** Signs in; `issuedAt` is when the provider issued the login. */
function signIn(more: Partial<RecordFields> = {}, issuedAt?: number): Promise<TokenRecord> {
  return records.create(fields(more), { accessToken: 'access', refreshToken: 'refresh' }, { issuedAt })
}

const lives = async ({ id }: TokenRecord) => (await startProcess().read(id)) !== undefined
const overtaken = { code: 'ERR_SESSION_ENDED' }
const tokens = { accessToken: 'new access', refreshToken: 'new refresh' }

describe('the end of all sessions of a subject', () => {
  it('ends those of that subject at that registration, and no others', async () => {
    const [one, two] = [await signIn(), await signIn({ sid: 'sid-2' })]
    const others = [await signIn({ subject: 'grace' }), await signIn({ registration: 'another' })]
    await records.endSubject(HERE, 'ada', endsAt())
    expect([await lives(one), await lives(two)]).toEqual([false, false])
    for (const other of others) expect(await lives(other)).toBe(true)
  })

  it('holds when a new session begins, and that one lives', async () => {
    const before = await signIn()
    await records.endSubject(HERE, 'ada', endsAt(), now())
    const later = await signIn({ sid: 'sid-2' })
    await records.endSubject(HERE, 'grace', endsAt(), now())
    expect(await lives(before)).toBe(false)
    expect(await lives(later)).toBe(true)
  })

  it('each time ends those that began since the last', async () => {
    await records.endSubject(HERE, 'ada', endsAt())
    const between = await signIn()
    expect(await lives(between)).toBe(true)
    await records.endSubject(HERE, 'ada', endsAt())
    expect(await lives(between)).toBe(false)
  })

  it('costs the same however many sessions there are', async () => {
    const many = await Promise.all(Array.from({ length: 50 }, (_, i) => signIn({ sid: `sid-${i}` })))
    const operations = (['get', 'replace', 'remove'] as const).map((name) => vi.spyOn(store, name))
    await records.endSubject(HERE, 'ada', endsAt(), now())
    expect(operations.map(({ mock }) => mock.calls.length)).toEqual([1, 1, 0])
    for (const one of many) expect(await lives(one)).toBe(false)
  })

  it('is remembered as long as one of them could last, and longer', async () => {
    const record = await signIn()
    await records.endSubject(HERE, 'ada', endsAt(), now())
    pass(ABSOLUTE - 1)
    const later = await signIn({ sid: 'sid-2' })
    expect(await lives(record)).toBe(false)
    pass(ABSOLUTE - 1)
    expect(await lives(later)).toBe(true)
  })

  it('refuses a login that the provider issued before, and takes one issued after', async () => {
    await records.endSubject(HERE, 'ada', endsAt(), now())
    await expect(signIn({}, now() - 1)).rejects.toMatchObject(overtaken)
    expect(await lives(await signIn({ sid: 'sid-2' }, now() + 1))).toBe(true)
  })

  it.each<[string, () => Promise<void>]>([
    ['the application ends them too', () => records.endSubject(HERE, 'ada', endsAt())],
    ['an older word of the provider comes late', () => records.endSubject(HERE, 'ada', endsAt(), now() - 60)],
  ])('still refuses such a login after %s', async (_, act) => {
    const control = await signIn({}, now() - 30)
    expect(await lives(control)).toBe(true)
    await records.endSubject(HERE, 'ada', endsAt(), now())
    await act()
    await expect(signIn({ sid: 'sid-2' }, now() - 30)).rejects.toMatchObject(overtaken)
  })

  it('by the application refuses no login: its clock is not the one that logins are dated by', async () => {
    await records.endSubject(HERE, 'ada', endsAt())
    expect(await lives(await signIn({}, now() - 30))).toBe(true)
  })

  it('in two processes at once, with logins between, leaves no session of before', async () => {
    const before = await Promise.all(Array.from({ length: 5 }, (_, i) => signIn({ sid: `sid-${i}` })))
    await Promise.all([
      startProcess().endSubject(HERE, 'ada', endsAt(), now()),
      signIn({ sid: 'sid-a' }, now() + 1),
      startProcess().endSubject(HERE, 'ada', endsAt()),
      signIn({ sid: 'sid-b' }, now() + 1),
    ])
    for (const record of before) expect(await lives(record)).toBe(false)
    await expect(signIn({ sid: 'sid-c' }, now() - 1)).rejects.toMatchObject(overtaken)
    expect(await lives(await signIn({ sid: 'sid-c' }, now() + 1))).toBe(true)
  })

  it('during a login leaves that login without a session', async () => {
    const set = store.set.bind(store)
    let during = 0
    vi.spyOn(store, 'set').mockImplementation(async (...args) => {
      if (args[0].startsWith('record:') && during++ === 0) {
        await startProcess().endSubject(HERE, 'ada', endsAt(), now())
      }
      await set(...args)
    })
    expect(await lives(await signIn())).toBe(false)
    expect(during).toBe(1)
    expect(await lives(await signIn({ sid: 'sid-2' }))).toBe(true)
  })

  it('that is lost from the store ends the sessions, and revives none', async () => {
    const [ended, living] = [await signIn(), await signIn({ subject: 'grace' })]
    await records.endSubject(HERE, 'ada', endsAt())
    for (const key of store.keys().filter((name) => name.startsWith('subject:'))) await store.remove(key)
    const later = await signIn()
    expect([await lives(ended), await lives(living), await lives(later)]).toEqual([false, false, true])
  })

  it('takes the tokens of an ended session out of the store when it is next seen, if the store lets it', async () => {
    const [one, two] = [await signIn(), await signIn({ sid: 'sid-2' })]
    await records.endSubject(HERE, 'ada', endsAt())
    expect(await records.read(one.id)).toBeUndefined()
    expect(await store.get(`record:${one.id}`)).toBeUndefined()
    vi.spyOn(store, 'remove').mockRejectedValueOnce(new Error('the store is down'))
    expect(await records.read(two.id)).toBeUndefined()
    expect(await store.get(`record:${two.id}`)).toBeDefined()
  })
})

describe('the end of the sessions of a subject that name no sid', () => {
  const signInWithoutSid = (issuedAt?: number) => records.create(withoutSid(), tokens, { issuedAt })

  it('ends those of that subject at that registration, and no others', async () => {
    const [one, two] = [await signInWithoutSid(), await signInWithoutSid()]
    const others = [
      await signIn(),
      await signIn({ sid: 'sid-2' }),
      await records.create({ ...withoutSid(), subject: 'grace' }, tokens),
      await records.create({ ...withoutSid(), registration: 'another' }, tokens),
    ]
    await records.endWithoutSid(HERE, 'ada', endsAt(), now())
    expect([await lives(one), await lives(two)]).toEqual([false, false])
    for (const other of others) expect(await lives(other)).toBe(true)
  })

  it('each time ends those that began since the last, and the end of all sessions ends both kinds', async () => {
    await records.endWithoutSid(HERE, 'ada', endsAt(), now())
    const [one, named] = [await signInWithoutSid(), await signIn()]
    expect([await lives(one), await lives(named)]).toEqual([true, true])
    await records.endWithoutSid(HERE, 'ada', endsAt(), now())
    const two = await signInWithoutSid()
    expect([await lives(one), await lives(two), await lives(named)]).toEqual([false, true, true])
    await records.endSubject(HERE, 'ada', endsAt())
    expect([await lives(two), await lives(named)]).toEqual([false, false])
    expect([await lives(await signInWithoutSid()), await lives(await signIn())]).toEqual([true, true])
  })

  it('refuses such a login that the provider issued before, whatever ends after, and takes one issued after', async () => {
    await records.endWithoutSid(HERE, 'ada', endsAt(), now())
    await records.endWithoutSid(HERE, 'ada', endsAt(), now() - 60)
    await records.endSubject(HERE, 'ada', endsAt())
    await expect(signInWithoutSid(now() - 1)).rejects.toMatchObject(overtaken)
    expect(await lives(await signInWithoutSid(now() + 1))).toBe(true)
    expect(await lives(await signIn({}, now() - 1))).toBe(true)
  })

  it('during such a login leaves that login without a session', async () => {
    await signIn()
    const set = store.set.bind(store)
    vi.spyOn(store, 'set').mockImplementationOnce(async (...args) => {
      expect(args[0]).toMatch(/^record:/)
      await startProcess().endWithoutSid(HERE, 'ada', endsAt(), now())
      await set(...args)
    })
    expect(await lives(await signInWithoutSid())).toBe(false)
    expect(await lives(await signInWithoutSid())).toBe(true)
  })

  it('keeps the sessions of an entry that was stored without this', async () => {
    const [named, unnamed] = [await signIn(), await signInWithoutSid()]
    const [name = ''] = store.keys().filter((key) => key.startsWith('subject:'))
    const [generation, until] = String(await store.get(name)).split(' ')
    await store.set(name, `${generation} ${until} `, ABSOLUTE)
    expect([await lives(named), await lives(unnamed)]).toEqual([true, true])
    await records.endWithoutSid(HERE, 'ada', endsAt(), now())
    expect([await lives(named), await lives(unnamed)]).toEqual([true, false])
  })
})

describe('the generation of a subject', () => {
  const entry = async () => {
    const [name = ''] = store.keys().filter((key) => key.startsWith('subject:'))
    return store.get(name)
  }

  it('is written by few of many logins, and lives with the longest session', async () => {
    const write = vi.spyOn(store, 'replace')
    const sessions: TokenRecord[] = []
    for (let i = 0; i < 20; i++) {
      sessions.push(await signIn({ sid: `sid-${i}` }))
      pass(ABSOLUTE / 10)
    }
    const writes = write.mock.calls.filter(([key]) => key.startsWith('subject:'))
    expect(writes.length).toBeGreaterThan(0)
    expect(writes.length).toBeLessThanOrEqual(2)
    expect(await lives(sessions.at(-1) as TokenRecord)).toBe(true)
    pass(ABSOLUTE - ABSOLUTE / 10 - 1)
    expect(await lives(sessions.at(-1) as TokenRecord)).toBe(true)
    expect(await entry()).toBeDefined()
  })

  it('is one for logins that are first at the same time', async () => {
    const get = store.get.bind(store)
    let other: TokenRecord | undefined
    vi.spyOn(store, 'get').mockImplementationOnce(async (key) => {
      const none = await get(key)
      other = await startProcess().create(fields({ sid: 'sid-2' }), {})
      return none
    })
    const one = await signIn()
    expect([await lives(one), await lives(other as TokenRecord)]).toEqual([true, true])
  })

  it('stays ended when a login that extends it has read it before', async () => {
    const before = await signIn()
    pass(ABSOLUTE - 10)
    const replace = store.replace.bind(store)
    const spy = vi.spyOn(store, 'replace').mockImplementationOnce(async (...args) => {
      await startProcess().endSubject(HERE, 'ada', endsAt(), now())
      return replace(...args)
    })
    const later = await records.create(
      fields({ sid: 'sid-2', endsAt: now() + 2 * ABSOLUTE }),
      {},
      { issuedAt: now() + 1 },
    )
    expect(spy.mock.calls[0]?.[0]).toMatch(/^subject:/)
    expect(await lives(before)).toBe(false)
    expect(await lives(later)).toBe(true)
  })
})

describe('the end of a session at the provider', () => {
  it('ends and returns the sessions opened from it, and none of other sessions, users or registrations', async () => {
    const [one, two] = [await signIn(), await signIn()]
    const others = [
      await signIn({ sid: 'sid-2' }),
      await signIn({ registration: 'another' }),
      await records.create(withoutSid(), {}),
    ]
    const ended = await records.endSid(HERE, 'sid-1', now())
    expect(ended.map(({ id }) => id)).toEqual([one.id, two.id])
    expect([await lives(one), await lives(two)]).toEqual([false, false])
    for (const other of others) expect(await lives(other)).toBe(true)
  })

  it('returns only sessions that were valid', async () => {
    const [loggedOut, living] = [await signIn(), await signIn()]
    await records.remove(loggedOut.id)
    expect((await records.endSid(HERE, 'sid-1', now())).map(({ id }) => id)).toEqual([living.id])
    expect(await records.endSid(HERE, 'sid-1', now())).toEqual([])
  })

  it('can be repeated where the store fails halfway, and then ends the rest', async () => {
    const sessions = [await signIn(), await signIn(), await signIn()]
    const remove = store.remove.bind(store)
    const spy = vi.spyOn(store, 'remove')
    spy.mockImplementationOnce(remove).mockRejectedValueOnce(new Error('the store is down'))
    await expect(records.endSid(HERE, 'sid-1', now())).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
    expect(await Promise.all(sessions.map(lives))).toEqual([false, true, true])
    expect(await records.endSid(HERE, 'sid-1', now())).toHaveLength(2)
    expect(await Promise.all(sessions.map(lives))).toEqual([false, false, false])
  })

  it('also ends a session that another process enters in the meantime', async () => {
    await signIn()
    const replace = store.replace.bind(store)
    let meanwhile: TokenRecord | undefined
    vi.spyOn(store, 'replace').mockImplementationOnce(async (...args) => {
      meanwhile = await startProcess().create(fields(), {})
      return replace(...args)
    })
    await records.endSid(HERE, 'sid-1', now())
    expect(await lives(meanwhile as TokenRecord)).toBe(false)
  })

  it('of which nothing is known yet refuses a login entered at the same time', async () => {
    const add = store.add.bind(store)
    let meanwhile: TokenRecord | undefined
    vi.spyOn(store, 'add').mockImplementationOnce(async (...args) => {
      meanwhile = await startProcess().create(fields(), {})
      return add(...args)
    })
    await records.endSid(HERE, 'sid-1', now())
    expect(await lives(meanwhile as TokenRecord)).toBe(false)
  })

  it('refuses logins issued before or then, leaving nothing of them, for an hour; and takes one issued after', async () => {
    await records.endSid(HERE, 'sid-1', now())
    for (const issuedAt of [now() - 1, now()]) {
      await expect(signIn({}, issuedAt)).rejects.toMatchObject(overtaken)
    }
    expect(store.keys().filter((key) => key.startsWith('record:'))).toEqual([])
    expect(await lives(await signIn({ sid: 'sid-2' }, now() - 1))).toBe(true)
    const end = now()
    pass(3599)
    await expect(signIn({}, end)).rejects.toMatchObject(overtaken)
    expect(await lives(await signIn({}, end + 1))).toBe(true)
  })

  it('still refuses such logins after an older word of the provider, or an unsigned one, comes late', async () => {
    await records.endSid(HERE, 'sid-1', now())
    const after = await signIn({}, now() + 1)
    await records.endSid(HERE, 'sid-1', now() - 60)
    expect(await lives(after)).toBe(false)
    await expect(signIn({}, now() - 30)).rejects.toMatchObject(overtaken)
    await signIn({}, now() + 1)
    await records.endSid(HERE, 'sid-1', undefined)
    await expect(signIn({}, now() - 30)).rejects.toMatchObject(overtaken)
  })

  it('without proof ends the session, and stores nothing for a made-up sid', async () => {
    const record = await signIn()
    const before = store.keys()
    for (let i = 0; i < 20; i++) await records.endSid(HERE, `made-up-${i}`, undefined)
    expect(store.keys()).toEqual(before)
    expect(await lives(record)).toBe(true)
    expect(await records.endSid(HERE, 'sid-1', undefined)).toHaveLength(1)
    expect(await lives(record)).toBe(false)
  })

  it('is known for as long as the last session from it may last', async () => {
    const short = await signIn({ endsAt: now() + 100 })
    const long = await signIn()
    const late = await signIn({ endsAt: now() + 100 })
    pass(ABSOLUTE - 1)
    expect(await lives(short)).toBe(false)
    expect((await records.endSid(HERE, 'sid-1', now())).map(({ id }) => id)).toEqual([long.id])
    expect(await lives(late)).toBe(false)
  })

  it('during a refresh in another process leaves nothing of the new tokens', async () => {
    const record = await signIn()
    await records.endSid(HERE, 'sid-1', now())
    expect(await startProcess().replace(record, fields(), tokens)).toBeUndefined()
    expect(await store.get(`record:${record.id}`)).toBeUndefined()
  })
})

describe('the sessions of one session at the provider', () => {
  it('are a thousand at most: a further one ends the oldest, and none but that', async () => {
    const first = await signIn()
    const second = await signIn()
    for (let i = 2; i < 1000; i++) await signIn()
    expect(await lives(first)).toBe(true)
    const last = await signIn()
    expect([await lives(first), await lives(second), await lives(last)]).toEqual([false, true, true])
    const longest = Math.max(...store.values().map(({ length }) => length))
    expect(longest).toBeLessThan(110_000)
    expect(await records.endSid(HERE, 'sid-1', now())).toHaveLength(1000)
  })

  it('are forgotten as they expire', async () => {
    const long = await signIn()
    for (let i = 0; i < 20; i++) await signIn({ endsAt: now() + 10 })
    const [name = ''] = store.keys().filter((key) => key.startsWith('sid:'))
    const size = async () => (await store.get(name))?.length ?? 0
    const full = await size()
    pass(11)
    await signIn()
    expect(await size()).toBeLessThan(full / 5)
    expect(await lives(long)).toBe(true)
  })

  it.each(['', 'null', '[]', '{}', '{"records":[null]}', '{"records":[],"endedAt":"now"}'])(
    'cannot be entered or ended while their entry comes back as %j',
    async (damaged) => {
      const entry = `sid:${sidIdOf(HERE, 'sid-1')}`
      const unavailable = { code: 'ERR_STORE_UNAVAILABLE', status: 503 }
      await store.set(entry, damaged, ABSOLUTE)
      await expect(signIn()).rejects.toMatchObject(unavailable)
      await expect(records.endSid(HERE, 'sid-1', now())).rejects.toMatchObject(unavailable)
      await store.remove(entry)
      expect(await lives(await signIn())).toBe(true)
    },
  )
})

describe('a store that accepts no change', () => {
  const unavailable = { code: 'ERR_STORE_UNAVAILABLE', status: 503 }
  // It reads from a replica that has fallen behind, so what is written never is what was read.
  const refuse = () => {
    vi.spyOn(store, 'replace').mockResolvedValue(false)
    vi.spyOn(store, 'add').mockResolvedValue(false)
  }

  it.each<[string, () => Promise<unknown>]>([
    ['a login', () => signIn()],
    ['a login that extends the entry of its user', () => signIn({ endsAt: endsAt() * 3 })],
    ["the end of a user's sessions", () => records.endSubject(HERE, 'ada', endsAt())],
    ["the end of a user's sessions without sid", () => records.endWithoutSid(HERE, 'ada', endsAt(), now())],
    ['the end of a session at the provider', () => records.endSid(HERE, 'sid-1', now())],
  ])('makes %s an outage after some attempts', async (_case, attempt) => {
    await signIn()
    refuse()
    await expect(attempt()).rejects.toMatchObject(unavailable)
    vi.restoreAllMocks()
    await attempt()
  })

  it('keeps no record of a login that it could not enter', async () => {
    await signIn()
    vi.spyOn(store, 'replace').mockResolvedValue(false)
    const before = store.keys().filter((key) => key.startsWith('record:'))
    await expect(signIn()).rejects.toMatchObject(unavailable)
    expect(store.keys().filter((key) => key.startsWith('record:'))).toEqual(before)
  })

  it('for a while only is asked until it does', async () => {
    const replace = vi.spyOn(store, 'replace')
    await signIn()
    for (let i = 0; i < 5; i += 1) replace.mockResolvedValueOnce(false)
    expect(await lives(await signIn())).toBe(true)
  })
})
