import { beforeEach, describe, expect, it, vi } from 'vitest'
import { createSealer } from '../../src/lib/seal.js'
import { withStoreErrors } from '../../src/records/authStore.js'
import type { RecordFields, TokenRecord } from '../../src/records/record.js'
import { TokenRecords } from '../../src/records/records.js'
import { handleOf, subjectIdOf } from '../../src/records/subjects.js'
import { SECRET } from '../support/bed/app.js'
import { fakeDate, pass } from '../support/run/waiting.js'
import { MemoryAuthStore } from '../support/stores/memoryAuthStore.js'

const HERE = 'registration'
const ABSOLUTE = 5000

let store: MemoryAuthStore

beforeEach(() => {
  fakeDate()
  store = new MemoryAuthStore()
})

const now = () => Date.now() / 1000

/** Records of another process over the same store. */
function startProcess(maxPerSubject?: number, onLimit?: () => void): TokenRecords {
  const limits = { ...(maxPerSubject ? { maxPerSubject } : {}), ...(onLimit ? { onLimit } : {}) }
  return new TokenRecords(withStoreErrors(store), createSealer([SECRET]), limits)
}

function signIn(
  more: Partial<RecordFields> = {},
  records = startProcess(),
  replaces?: TokenRecord,
): Promise<TokenRecord> {
  const fields: RecordFields = {
    provider: 'default',
    registration: HERE,
    issuer: 'https://issuer.example',
    subject: 'ada',
    claims: {},
    scopes: [],
    openedAt: now(),
    endsAt: now() + ABSOLUTE,
    refreshable: false,
    ...more,
  }
  return records.create(fields, {}, { replaces: replaces?.id })
}

async function listed(subject = 'ada', registration = HERE): Promise<string[]> {
  return (await startProcess().ofSubject(registration, subject)).map(({ id }) => id)
}

const idsOf = (records: readonly TokenRecord[]) => records.map(({ id }) => id)
const listKey = `sessions:${subjectIdOf(HERE, 'ada')}`

describe('the list of the sessions of a subject', () => {
  it('contains each session that lives, the oldest first, and none of other subjects or registrations', async () => {
    const sessions = [await signIn(), await signIn(), await signIn({ sid: 'sid' })]
    const grace = await signIn({ subject: 'grace' })
    await signIn({ registration: 'another' })
    expect(await listed()).toEqual(idsOf(sessions))
    expect(await listed('grace')).toEqual([grace.id])
    expect(await listed('alan')).toEqual([])
  })

  it('loses sessions that were logged out, have expired or were ended together', async () => {
    const [out, old] = [await signIn(), await signIn({ endsAt: now() + 10 })]
    const kept = await signIn()
    await startProcess().remove(out.id)
    pass(10)
    expect(await listed()).toEqual([kept.id])
    await startProcess().endSubject(HERE, 'ada', now() + ABSOLUTE)
    expect(await listed()).toEqual([])
    expect(await store.get(listKey)).toBe(undefined)
    expect(await startProcess().read(old.id)).toBe(undefined)
    const next = await signIn()
    expect(await listed()).toEqual([next.id])
  })

  it('is as short as the number of living sessions after it was read, and gone when the last may have ended', async () => {
    for (let i = 0; i < 5; i++) await startProcess().remove((await signIn()).id)
    await signIn()
    expect((await store.get(listKey))?.match(/"/g)).toHaveLength(2 * 7)
    await listed()
    expect((await store.get(listKey))?.match(/"/g)).toHaveLength(2 * 2)
    pass(ABSOLUTE + 1)
    expect(await store.get(listKey)).toBe(undefined)
  })

  it('contains every session of logins at the same time in several processes', async () => {
    const sessions = await Promise.all(Array.from({ length: 20 }, () => signIn({}, startProcess())))
    expect(new Set(await listed())).toEqual(new Set(idsOf(sessions)))
  })

  it('contains a login that arrives while it is read and shortened', async () => {
    await startProcess().remove((await signIn()).id)
    const { remove } = store
    let meanwhile: TokenRecord | undefined
    vi.spyOn(store, 'remove').mockImplementationOnce(async (key, expected) => {
      meanwhile = await signIn()
      return remove.call(store, key, expected)
    })
    expect(await listed()).toEqual([])
    expect(await listed()).toEqual([meanwhile?.id])
  })

  it('holds no session whose login failed because the store did', async () => {
    const before = await signIn()
    const { replace } = store
    vi.spyOn(store, 'replace').mockImplementation(async (...args) => {
      if (args[0] === listKey) throw new Error('gone')
      return replace.apply(store, args)
    })
    await expect(signIn()).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
    vi.restoreAllMocks()
    expect(await listed()).toEqual([before.id])
    expect(store.keys().filter((key) => key.startsWith('record:'))).toEqual([`record:${before.id}`])
  })

  it.each(['', '{}', '[]', '{"sessions":7}', '{"sessions":[[7,"x"]]}', '{"sessions":["x"]}'])(
    'that reads %j is an outage, not an empty list',
    async (damaged) => {
      await store.set(listKey, damaged, 60)
      await expect(listed()).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
      await expect(signIn()).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
      await store.remove(listKey)
      await expect(signIn()).resolves.toMatchObject({ subject: 'ada' })
    },
  )

  it('costs a login one reading and one writing, and no other operation anything', async () => {
    const calls: string[] = []
    for (const name of ['get', 'add', 'replace', 'remove'] as const) {
      const original = store[name] as (...args: unknown[]) => unknown
      vi.spyOn(store, name).mockImplementation(((...args: [string]) => {
        if (args[0] === listKey) calls.push(name)
        return original.apply(store, args)
      }) as never)
    }
    const records = startProcess()
    const first = await signIn({}, records)
    expect(calls.splice(0)).toEqual(['get', 'add'])
    await signIn({}, records)
    expect(calls.splice(0)).toEqual(['get', 'replace'])
    await records.read(first.id)
    await records.keep(first, 60)
    await records.replace(first, first, {})
    await records.endSubject(HERE, 'ada', now() + ABSOLUTE)
    await records.remove(first.id)
    expect(calls).toEqual([])
  })
})

describe('a handle of a session', () => {
  it('finds it among those of its subject only, and tells nothing of the record id', async () => {
    const [ada, grace] = [await signIn(), await signIn({ subject: 'grace' })]
    const find = (subject: string, { id }: TokenRecord) => startProcess().find(HERE, subject, handleOf(id))
    expect((await find('ada', ada))?.id).toBe(ada.id)
    expect(await find('grace', ada)).toBe(undefined)
    expect(await find('ada', grace)).toBe(undefined)
    expect(await startProcess().find(HERE, 'ada', ada.id)).toBe(undefined)
    const [subject = '', secret = ''] = ada.id.split('.')
    for (const part of [subject, secret, secret.slice(0, 8)]) expect(handleOf(ada.id)).not.toContain(part)
    await startProcess().remove(ada.id)
    expect(await find('ada', ada)).toBe(undefined)
  })
})

describe('the limit of sessions of a subject', () => {
  const MAX = 3

  it('ends the oldest, and tells so, when another is opened', async () => {
    const onLimit = vi.fn()
    const limited = startProcess(MAX, onLimit)
    const sessions: TokenRecord[] = []
    for (let i = 0; i < MAX; i++) sessions.push(await signIn({}, limited))
    expect(onLimit).not.toHaveBeenCalled()
    sessions.push(await signIn({}, limited), await signIn({}, limited))
    expect(onLimit).toHaveBeenCalledTimes(2)
    expect(onLimit).toHaveBeenCalledWith(expect.objectContaining({ provider: 'default', subject: 'ada' }))
    expect(await listed()).toEqual(idsOf(sessions.slice(2)))
    for (const { id } of sessions.slice(0, 2)) expect(await limited.read(id)).toBe(undefined)
  })

  it('does not count sessions that have ended, however recently', async () => {
    const limited = startProcess(MAX)
    const oldest = await signIn({}, limited)
    for (let i = 0; i < 10; i++) await limited.remove((await signIn({}, limited)).id)
    expect(await listed()).toEqual([oldest.id])
    await signIn({}, limited)
    await signIn({}, limited)
    expect(await listed()).toContain(oldest.id)
    await signIn({}, limited)
    expect(await listed()).not.toContain(oldest.id)
  })

  it('does not count a session that the new one replaces', async () => {
    const limited = startProcess(MAX)
    const others = [await signIn({}, limited), await signIn({}, limited)]
    let mine = await signIn({}, limited)
    for (let i = 0; i < 5; i++) {
      const next = await signIn({}, limited, mine)
      await limited.remove(mine.id)
      mine = next
    }
    expect(await listed()).toEqual(idsOf([...others, mine]))
  })

  it('counts each subject by itself', async () => {
    const limited = startProcess(1)
    const [ada, grace] = [await signIn({}, limited), await signIn({ subject: 'grace' }, limited)]
    expect([await listed(), await listed('grace')]).toEqual([[ada.id], [grace.id]])
  })

  it('holds for logins at the same time', async () => {
    await Promise.all(Array.from({ length: 12 }, () => signIn({}, startProcess(MAX))))
    const living = await listed()
    expect(living).toHaveLength(MAX)
    const records = store.keys().filter((key) => key.startsWith('record:'))
    expect(records.sort()).toEqual(living.map((id) => `record:${id}`).sort())
  })

  it('is a thousand by default, and a login beyond it reads a hundred records at most', async () => {
    const crowd = Array.from({ length: 1000 }, (_, i) => [`x${i}`.padEnd(43, '-'), Math.ceil(now()) + ABSOLUTE])
    const first = await signIn()
    const [subjectId = '', secret = ''] = first.id.split('.')
    await store.set(listKey, JSON.stringify({ sessions: [[secret, now() + 60], ...crowd] }), 60)
    const get = vi.spyOn(store, 'get')
    const next = await signIn()
    expect(get.mock.calls.filter(([key]) => key.startsWith('record:')).length).toBe(100)
    expect(await startProcess().read(first.id)).toBeDefined()
    expect(await listed()).toEqual([first.id, next.id])
    expect(subjectId).toBe(subjectIdOf(HERE, 'ada'))
  })
})

describe('the end of all other sessions', () => {
  const endOthers = (record: TokenRecord, records = startProcess()) => records.endOthers(record, now() + ABSOLUTE)
  const lives = async ({ id }: TokenRecord) => (await startProcess().read(id)) !== undefined

  it('ends all but one at once, listed or not, and none of another subject', async () => {
    const [mine, other, unlisted] = [await signIn(), await signIn({ sid: 'sid' }), await signIn()]
    const grace = await signIn({ subject: 'grace' })
    await store.remove(listKey)
    await endOthers(mine)
    expect([await lives(mine), await lives(other), await lives(unlisted)]).toEqual([true, false, false])
    expect(await lives(grace)).toBe(true)
  })

  it('leaves the one that it spares with a refresh, a later login, and the same again', async () => {
    const mine = await signIn()
    await signIn()
    await endOthers(mine)
    const read = await startProcess().read(mine.id)
    const refreshed = read && (await startProcess().replace(read, { ...read, scopes: ['new'] }, {}))
    expect(await lives(mine)).toBe(true)
    const later = await signIn()
    expect(await lives(later)).toBe(true)
    if (refreshed) await endOthers(refreshed)
    expect([await lives(mine), await lives(later)]).toEqual([true, false])
  })

  it('ends the spared one too when another session does it, or all are ended', async () => {
    const mine = await signIn()
    await endOthers(mine)
    const next = await signIn()
    await endOthers(next)
    expect([await lives(mine), await lives(next)]).toEqual([false, true])
    await startProcess().endSubject(HERE, 'ada', now() + ABSOLUTE)
    expect(await lives(next)).toBe(false)
  })

  it('revives no session that has ended before, by a logout or with all others', async () => {
    const [out, ended] = [await signIn(), await signIn()]
    await startProcess().remove(out.id)
    await endOthers(out)
    expect([await lives(out), await lives(ended)]).toEqual([false, false])
    const stale = await signIn()
    await startProcess().endSubject(HERE, 'ada', now() + ABSOLUTE)
    await endOthers(stale)
    expect(await lives(stale)).toBe(false)
  })

  it('revives no session whose subject has lost its entry', async () => {
    const mine = await signIn()
    await store.remove(`subject:${subjectIdOf(HERE, 'ada')}`)
    await endOthers(mine)
    expect(await lives(mine)).toBe(false)
  })

  it('spares a session without sid until the provider ends those', async () => {
    const [mine, other] = [await signIn(), await signIn({ sid: 'sid' })]
    await startProcess().endWithoutSid(HERE, 'grace', now() + ABSOLUTE, now())
    await endOthers(mine)
    expect([await lives(mine), await lives(other)]).toEqual([true, false])
    await startProcess().endWithoutSid(HERE, 'ada', now() + ABSOLUTE, now())
    expect(await lives(mine)).toBe(false)
    const withSid = await signIn({ sid: 'sid' })
    await endOthers(withSid)
    await startProcess().endWithoutSid(HERE, 'ada', now() + ABSOLUTE, now())
    expect(await lives(withSid)).toBe(true)
  })

  it('by several sessions at once leaves at most one of them', async () => {
    const sessions = await Promise.all(Array.from({ length: 6 }, () => signIn()))
    await Promise.all(sessions.map((session) => endOthers(session)))
    const left = await Promise.all(sessions.map(lives))
    expect(left.filter(Boolean).length).toBeLessThanOrEqual(1)
  })

  it('leaves no session to which an end of all came at the same time', async () => {
    const sessions = await Promise.all(Array.from({ length: 4 }, () => signIn()))
    const [mine] = sessions
    if (!mine) throw new Error('no session')
    await Promise.all([endOthers(mine), startProcess().endSubject(HERE, 'ada', now() + ABSOLUTE)])
    expect(await Promise.all(sessions.map(lives))).toEqual([false, false, false, false])
  })
})
