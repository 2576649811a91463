import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { AuthStore } from '../../../src/index.js'
import { getMany } from '../../../src/records/authStore.js'

/** A store under test, and how to let time pass for it. */
export interface StoreUnderTest {
  readonly store: AuthStore
  /** Another `AuthStore` over the same data, as a second process has. Default is `store` itself. */
  readonly sibling?: AuthStore
  /** Lets this many seconds pass, at most `1.1`: with a fake clock, or by waiting if a server keeps the time. */
  elapse(seconds: number): Promise<void> | void
  /** Makes the store fail from now on, as if its server were down. */
  fail(): Promise<void> | void
  close?(): Promise<void> | void
}

/** Values that a store must return exactly: sealed text, JSON, characters beyond ASCII, and long ones. */
const VALUES: Readonly<Record<string, string>> = {
  'an empty value': '',
  JSON: JSON.stringify({ claims: { name: 'Ada "Countess" Lovelace', tags: ['a', null] }, sealed: 'a-b_c==' }),
  'quotes, backslashes and percent signs': `'"\\%s$1;--\n\r\t`,
  'characters beyond ASCII': 'Zoë 数 🗝️',
  'text that looks like a number': '0123',
  'a hundred kilobytes': 'abcdefghij'.repeat(10_000),
}

const PARALLEL = 50

/**
 * Declares the tests that every `AuthStore` must pass.
 *
 * @param create - creates a new store, once for the suite and once for the test of failures
 * @param expires - whether times to live are tested, for which tests wait. Default is `true`
 */
export function describeAuthStore(
  name: string,
  create: () => Promise<StoreUnderTest> | StoreUnderTest,
  { expires = true } = {},
): void {
  const itExpires = expires ? it : () => {}
  describe(name, () => {
    let made: StoreUnderTest
    let store: AuthStore
    let sibling: AuthStore
    let key: string
    let count = 0

    beforeAll(async () => {
      made = await create()
      store = made.store
      sibling = made.sibling ?? made.store
    })

    beforeEach(() => {
      key = `contract:key-${process.pid}.${Date.now()}_${count++}`
    })

    afterAll(async () => {
      await made.close?.()
    })

    describe('get and set', () => {
      it('resolves to nothing for a key that was never set', async () => {
        expect(await store.get(key)).toBeUndefined()
      })

      it.each(Object.entries(VALUES))('returns %s exactly, to its sibling too', async (_, value) => {
        await store.set(key, value, 60)
        expect(await store.get(key)).toBe(value)
        expect(await sibling.get(key)).toBe(value)
      })

      it('accepts a key of 200 characters, and distinguishes it from one that differs in the last', async () => {
        const long = key.padEnd(199, 'x')
        await store.set(`${long}1`, 'one', 60)
        expect(await store.get(`${long}1`)).toBe('one')
        expect(await store.get(`${long}2`)).toBeUndefined()
      })

      it('overwrites an existing value', async () => {
        await store.set(key, 'one', 60)
        await store.set(key, 'two', 60)
        expect(await store.get(key)).toBe('two')
      })

      itExpires('drops a value when it expires, and not before', async () => {
        await store.set(key, 'short', 1)
        await store.set(`${key}.long`, 'long', 60)
        expect(await store.get(key)).toBe('short')
        await made.elapse(1.1)
        expect(await store.get(key)).toBeUndefined()
        expect(await store.get(`${key}.long`)).toBe('long')
      })

      itExpires('applies the new lifetime to an overwritten value', async () => {
        await store.set(key, 'one', 1)
        await store.set(key, 'two', 60)
        await made.elapse(1.1)
        expect(await store.get(key)).toBe('two')
      })
    })

    describe('getMany', () => {
      it('resolves to the values in the order of the keys, and to nothing for those that are absent', async () => {
        await store.set(key, 'one', 60)
        await store.set(`${key}.two`, '', 60)
        const keys = [`${key}.two`, `${key}.none`, key, key]
        expect(await getMany(sibling, keys)).toEqual(['', undefined, 'one', 'one'])
        expect(await getMany(store, [])).toEqual([])
      })

      itExpires('resolves to nothing for a value that has expired', async () => {
        await store.set(key, 'short', 1)
        await store.set(`${key}.long`, 'long', 60)
        await made.elapse(1.1)
        expect(await getMany(store, [key, `${key}.long`])).toEqual([undefined, 'long'])
      })
    })

    describe('add', () => {
      it('stores a value under a free key only', async () => {
        expect(await store.add(key, 'one', 60)).toBe(true)
        expect(await sibling.add(key, 'two', 60)).toBe(false)
        expect(await store.get(key)).toBe('one')
      })

      it('adds again after a removal', async () => {
        await store.add(key, 'one', 60)
        await store.remove(key)
        expect(await store.add(key, 'two', 60)).toBe(true)
        expect(await store.get(key)).toBe('two')
      })

      itExpires('adds again once the value has expired', async () => {
        await store.add(key, 'one', 1)
        expect(await store.add(key, 'too soon', 60)).toBe(false)
        await made.elapse(1.1)
        expect(await store.add(key, 'two', 60)).toBe(true)
        expect(await store.get(key)).toBe('two')
      })

      itExpires('does not extend the lifetime of a value when it refuses', async () => {
        await store.add(key, 'one', 1)
        expect(await store.add(key, 'two', 60)).toBe(false)
        await made.elapse(1.1)
        expect(await store.get(key)).toBeUndefined()
      })

      it(`lets exactly one of ${PARALLEL} concurrent calls win`, async () => {
        const wins = await inParallel((i) => (i % 2 ? store : sibling).add(key, `value ${i}`, 60))
        expect(wins).toHaveLength(1)
        expect(await store.get(key)).toBe(`value ${wins[0]}`)
      })
    })

    describe('replace', () => {
      it('replaces the expected value', async () => {
        await store.set(key, 'one', 60)
        expect(await store.replace(key, 'one', 'two', 60)).toBe(true)
        expect(await sibling.get(key)).toBe('two')
      })

      it('does not replace another value', async () => {
        await store.set(key, 'one', 60)
        expect(await store.replace(key, 'One', 'two', 60)).toBe(false)
        expect(await store.replace(key, 'one ', 'two', 60)).toBe(false)
        expect(await store.get(key)).toBe('one')
      })

      it.each(Object.entries(VALUES))('compares and stores %s exactly', async (_, value) => {
        await store.set(key, value, 60)
        expect(await store.replace(key, `${value}x`, 'two', 60)).toBe(false)
        expect(await store.replace(key, value, `${value}x`, 60)).toBe(true)
        expect(await store.get(key)).toBe(`${value}x`)
      })

      itExpires('stores nothing if there is no value, or no longer', async () => {
        expect(await store.replace(key, '', 'two', 60)).toBe(false)
        await store.set(key, 'one', 60)
        await store.remove(key)
        expect(await store.replace(key, 'one', 'two', 60)).toBe(false)
        await store.set(key, 'one', 1)
        await made.elapse(1.1)
        expect(await store.replace(key, 'one', 'two', 60)).toBe(false)
        expect(await store.get(key)).toBeUndefined()
      })

      itExpires('applies the new lifetime to the value', async () => {
        await store.set(key, 'one', 60)
        await store.replace(key, 'one', 'two', 1)
        await made.elapse(1.1)
        expect(await store.get(key)).toBeUndefined()
      })

      it(`lets exactly one of ${PARALLEL} concurrent calls win`, async () => {
        await store.set(key, 'before', 60)
        const wins = await inParallel((i) => (i % 2 ? store : sibling).replace(key, 'before', `value ${i}`, 60))
        expect(wins).toHaveLength(1)
        expect(await store.get(key)).toBe(`value ${wins[0]}`)
      })
    })

    describe('remove', () => {
      it('removes a value, and returns whether there was one', async () => {
        await store.set(key, 'one', 60)
        expect(await store.remove(key)).toBe(true)
        expect(await sibling.get(key)).toBeUndefined()
        expect(await store.remove(key)).toBe(false)
      })

      it('removes only the expected value, if one is passed', async () => {
        await store.set(key, 'one', 60)
        expect(await store.remove(key, 'two')).toBe(false)
        expect(await store.get(key)).toBe('one')
        expect(await store.remove(key, 'one')).toBe(true)
        expect(await store.get(key)).toBeUndefined()
      })

      it('treats an empty expected value as a value', async () => {
        await store.set(key, 'one', 60)
        expect(await store.remove(key, '')).toBe(false)
        expect(await store.get(key)).toBe('one')
      })

      itExpires('does not count an expired value', async () => {
        await store.set(key, 'one', 1)
        await made.elapse(1.1)
        expect(await store.remove(key)).toBe(false)
      })

      it('leaves other keys alone', async () => {
        await store.set(key, 'one', 60)
        await store.set(`${key}2`, 'two', 60)
        await store.remove(key)
        expect(await store.get(`${key}2`)).toBe('two')
      })

      it(`lets exactly one of ${PARALLEL} concurrent calls win`, async () => {
        await store.set(key, 'one', 60)
        const wins = await inParallel((i) => (i % 2 ? store : sibling).remove(key, 'one'))
        expect(wins).toHaveLength(1)
      })

      it('and a concurrent replace have one winner', async () => {
        for (let round = 0; round < 10; round++) {
          await store.set(key, 'one', 60)
          const [removed, replaced] = await Promise.all([
            store.remove(key, 'one'),
            sibling.replace(key, 'one', 'two', 60),
          ])
          expect([removed, replaced].filter(Boolean)).toHaveLength(1)
          expect(await store.get(key)).toBe(replaced ? 'two' : undefined)
        }
      })
    })

    it('rejects every operation while it fails, instead of appearing empty', async () => {
      const failing = await create()
      const { store: broken } = failing
      try {
        await broken.set(key, 'one', 60)
        await failing.fail()
        await expect(broken.get(key)).rejects.toThrow()
        await expect(broken.set(key, 'two', 60)).rejects.toThrow()
        await expect(broken.add(key, 'two', 60)).rejects.toThrow()
        await expect(broken.replace(key, 'one', 'two', 60)).rejects.toThrow()
        await expect(broken.remove(key)).rejects.toThrow()
      } finally {
        await failing.close?.()
      }
    })
  })
}

/** Runs an operation many times at once, and returns the numbers of those that resolved to `true`. */
async function inParallel(operation: (number: number) => Promise<boolean>): Promise<number[]> {
  const results = await Promise.all(Array.from({ length: PARALLEL }, (_, i) => operation(i)))
  return results.flatMap((won, i) => (won ? [i] : []))
}

/** Returns one call of each operation of a store. */
export function operationsOf(store: AuthStore): readonly (() => Promise<unknown>)[] {
  return [
    () => store.get('key'),
    () => store.set('key', 'value', 60),
    () => store.add('key', 'value', 60),
    () => store.replace('key', 'value', 'other', 60),
    () => store.remove('key'),
    () => store.remove('key', 'value'),
  ]
}
