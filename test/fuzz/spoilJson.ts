import fc from 'fast-check'
import { type Change, changes, type Piece, piece, rarely, someOf, spoil, textOf } from './spoil.js'

/** A value that JSON may hold, in a form that prints short. */
export type Junk =
  | { readonly is: 'value'; readonly value: unknown }
  | { readonly is: 'text'; readonly text: Piece }
  /** Arrays or objects in one another. */
  | { readonly is: 'deep'; readonly in: '[' | '{'; readonly depth: number }
  /** Written as it is, whether it is JSON or not. */
  | { readonly is: 'raw'; readonly raw: string }
  | { readonly is: 'list'; readonly of: unknown; readonly length: number }

/** Changes to an object: members are set, removed or doubled, and its text is spoiled. */
export interface JsonChanges {
  readonly set: readonly (readonly [name: string, value: Junk])[]
  readonly without: readonly string[]
  /** Members that stand there once more, with `null`. */
  readonly twice: readonly string[]
  /** Takes the place of the whole. */
  readonly instead: Junk | undefined
  readonly text: readonly Change[]
}

const VALUES: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  0.5,
  1,
  1e300,
  -1e300,
  2 ** 53 + 2,
  4e12,
  '',
  '0',
  'a',
  [],
  {},
  [[]],
  [null],
  ['a', 'a'],
  [1],
  { a: {} },
  { toString: 1, valueOf: 1 },
  { length: 1e9 },
  { toJSON: 1 },
]

const junk: fc.Arbitrary<Junk> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ is: fc.constant('value' as const), value: fc.constantFrom(...VALUES) }) },
  { weight: 3, arbitrary: fc.record({ is: fc.constant('text' as const), text: piece }) },
  { weight: 1, arbitrary: fc.record({ is: fc.constant('value' as const), value: fc.jsonValue({ maxDepth: 3 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      is: fc.constant('deep' as const),
      in: fc.constantFrom('[' as const, '{' as const),
      depth: fc.constantFrom(10, 1_000, 8_000),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      is: fc.constant('raw' as const),
      raw: fc.constantFrom(
        '1e999',
        '-0',
        'NaN',
        '{"__proto__":{"a":1}}',
        '{"constructor":{"prototype":{"a":1}}}',
        '"\\ud800"',
        '"\\u0000"',
        '01',
        '',
      ),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      is: fc.constant('list' as const),
      of: fc.constantFrom<unknown>('a', 0, null, [], {}),
      length: fc.constantFrom(100, 10_000),
    }),
  },
)

/** Changes to an object with members of these names. Most often there are none. */
export function jsonChanges(...names: readonly string[]): fc.Arbitrary<JsonChanges> {
  const name = fc.constantFrom(...names, '__proto__', 'constructor', 'toString', '')
  return fc.record({
    set: fc.oneof(
      { weight: 2, arbitrary: fc.constant([]) },
      { weight: 3, arbitrary: fc.array(fc.tuple(name, junk), { minLength: 1, maxLength: 3 }) },
    ),
    without: rarely(someOf(names), []),
    twice: rarely(someOf(names), []),
    instead: fc.oneof({ weight: 15, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: junk }),
    text: rarely(changes, []),
  })
}

/** Writes an object with these changes. */
export function encodeJson(usual: Readonly<Record<string, unknown>>, changes: JsonChanges): string {
  if (changes.instead) return spoil(written(changes.instead), changes.text)
  const members = new Map(Object.entries(usual).map(([name, value]) => [name, JSON.stringify(value)]))
  for (const name of changes.without) members.delete(name)
  for (const [name, value] of changes.set) members.set(name, written(value))
  const pairs = [...members].filter(([, value]) => value !== undefined)
  for (const name of changes.twice) pairs.push([name, 'null'])
  return spoil(`{${pairs.map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(',')}}`, changes.text)
}

function written(junk: Junk): string {
  switch (junk.is) {
    case 'value':
      return JSON.stringify(junk.value)
    case 'text':
      return JSON.stringify(textOf(junk.text))
    case 'raw':
      return junk.raw
    case 'list':
      return JSON.stringify(Array.from({ length: junk.length }, () => junk.of))
    case 'deep':
      return junk.in === '['
        ? '['.repeat(junk.depth) + ']'.repeat(junk.depth)
        : `${'{"a":'.repeat(junk.depth)}1${'}'.repeat(junk.depth)}`
  }
}
