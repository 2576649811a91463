import fc from 'fast-check'

/** One change to a text. Positions are per mille of its length, so that a change fits any text and prints short. */
export type Change =
  | { readonly do: 'cut'; readonly at: number; readonly length: number }
  | { readonly do: 'insert' | 'overwrite'; readonly at: number; readonly piece: Piece }
  | { readonly do: 'repeat'; readonly length: number }
  | { readonly do: 'flip'; readonly at: number; readonly by: number }
  | { readonly do: 'encode' | 'decode' | 'upper' | 'reverse' }
  | { readonly do: 'become'; readonly piece: Piece }

/** A text: as it is, or a unit repeated up to a length. */
export type Piece = string | { readonly unit: string; readonly length: number }

/** The longest field that is made. In characters. */
const LONGEST = 100_000

const UNUSUAL = [
  '',
  ' ',
  '\t',
  '\r\n',
  '\0',
  '\u00a0',
  '\ufeff',
  '\u2028',
  '\ud800',
  'é',
  '💥',
  '%',
  '%00',
  '%0d%0a',
  '%zz',
  '%c0%af',
  '\\',
  '/',
  '//',
  '/\\',
  '?',
  '#',
  '&',
  '=',
  ';',
  ',',
  '"',
  "'",
  '<',
  '+',
  '.',
  '..',
  '@',
  ':',
  '*',
  '[',
  ']',
  '{',
  '}',
  'null',
  'undefined',
  'NaN',
  'true',
  '0',
  '-1',
  '1e300',
  '9007199254740993',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'default',
  'javascript:alert(1)',
  'https://evil.example',
  '//evil.example/',
  '/%2f/evil.example',
  'https://app.example.com@evil.example',
  'eyJhbGciOiJub25lIn0.e30.',
  '{"a":1}',
  '[]',
  '$(id)',
  '🏳️‍🌈',
]

const UNITS = [
  'a',
  'A1',
  '0',
  '-',
  '=',
  '.',
  ' ',
  '\t',
  '%',
  '%41',
  '%0',
  '\\',
  '/',
  '"',
  '{',
  '[',
  'é',
  '💥',
  '&a=1',
  '; a=1',
  ', ',
  'a ',
  '__Host-',
]

const long: fc.Arbitrary<Piece> = fc.record({
  unit: fc.constantFrom(...UNITS),
  length: fc.constantFrom(300, 4_000, 20_000, 40_000, LONGEST),
})

/** Any text. One in eight is long. */
export const piece: fc.Arbitrary<Piece> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...UNUSUAL) },
  { weight: 2, arbitrary: fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 40 }).map(fromCodes) },
  { weight: 1, arbitrary: fc.string({ maxLength: 40 }) },
  { weight: 1, arbitrary: long },
)

function fromCodes(codes: readonly number[]): string {
  return String.fromCharCode(...codes)
}

const at = fc.integer({ min: 0, max: 1000 })

const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ do: fc.constant('cut' as const), at, length: fc.integer({ min: 1, max: 50 }) }),
  fc.record({ do: fc.constantFrom('insert' as const, 'overwrite' as const), at, piece }),
  fc.record({ do: fc.constant('repeat' as const), length: fc.constantFrom(100, 5_000, 50_000) }),
  fc.record({ do: fc.constant('flip' as const), at, by: fc.integer({ min: 1, max: 127 }) }),
  fc.record({ do: fc.constantFrom('encode' as const, 'decode' as const, 'upper' as const, 'reverse' as const) }),
  fc.record({ do: fc.constant('become' as const), piece }),
)

/** Changes to one text: most often none, so that what is valid stays so and the code behind it is reached. */
export const changes: fc.Arbitrary<readonly Change[]> = seldom(someChanges(), [])

/** One to three changes to a text. */
export function someChanges(): fc.Arbitrary<readonly Change[]> {
  return fc.array(change, { minLength: 1, maxLength: 3 })
}

/** Most often `usual`, and in one of four `arbitrary`. */
export function seldom<T>(arbitrary: fc.Arbitrary<T>, usual: T): fc.Arbitrary<T> {
  return fc.oneof({ weight: 3, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary })
}

/** As {@link seldom}, but in one of twelve. */
export function rarely<T>(arbitrary: fc.Arbitrary<T>, usual: T): fc.Arbitrary<T> {
  return fc.oneof({ weight: 11, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary })
}

/** Writes a piece out. */
export function textOf(piece: Piece): string {
  if (typeof piece === 'string') return piece
  return piece.unit.repeat(Math.ceil(piece.length / piece.unit.length)).slice(0, piece.length)
}

/** Makes the changes to a text. */
export function spoil(text: string, changes: readonly Change[]): string {
  return changes.reduce(changed, text).slice(0, LONGEST)
}

function changed(text: string, change: Change): string {
  const position = 'at' in change ? Math.floor((change.at * text.length) / 1000) : 0
  switch (change.do) {
    case 'cut':
      return text.slice(0, position) + text.slice(position + change.length)
    case 'insert':
      return text.slice(0, position) + textOf(change.piece) + text.slice(position)
    case 'overwrite': {
      const over = textOf(change.piece)
      return text.slice(0, position) + over + text.slice(position + over.length)
    }
    case 'repeat':
      return text === '' ? text : text.repeat(Math.ceil(change.length / text.length)).slice(0, change.length)
    case 'flip': {
      const code = text.charCodeAt(Math.min(position, text.length - 1))
      return Number.isNaN(code)
        ? text
        : text.slice(0, position) + String.fromCharCode(code ^ change.by) + text.slice(position + 1)
    }
    case 'encode':
      return percentEncoded(text)
    case 'decode':
      try {
        return decodeURIComponent(text)
      } catch {
        return text
      }
    case 'upper':
      return text.toUpperCase()
    case 'reverse':
      return [...text].reverse().join('')
    case 'become':
      return textOf(change.piece)
  }
}

/** Percent-encodes every byte of a text, as if each needed it. */
function percentEncoded(text: string): string {
  // `Buffer` encodes at once what would otherwise count as the time of the package.
  return Buffer.from(text).toString('hex').replace(/../g, '%$&').toUpperCase()
}

/** Parameters of a query or form: each value may be spoiled, left out or doubled, and strange ones may be added. */
export interface ParameterChanges {
  readonly values: readonly (readonly [name: string, changes: readonly Change[]])[]
  readonly without: readonly string[]
  readonly twice: readonly string[]
  readonly more: readonly (readonly [name: string, value: Piece])[]
  readonly text: readonly Change[]
}

/** Two of these at most. */
export function someOf(names: readonly string[]): fc.Arbitrary<readonly string[]> {
  return fc.subarray([...names], { maxLength: Math.min(2, names.length) })
}

/** Changes to the parameters of these names. */
export function parameterChanges(...names: readonly string[]): fc.Arbitrary<ParameterChanges> {
  return fc.record({
    values: fc.oneof(
      { weight: 1, arbitrary: fc.constant([]) },
      {
        weight: 2,
        arbitrary: fc.array(fc.tuple(fc.constantFrom(...names), someChanges()), { minLength: 1, maxLength: 2 }),
      },
    ),
    without: rarely(someOf(names), []),
    twice: rarely(someOf(names), []),
    more: rarely(
      fc.array(fc.tuple(fc.constantFrom(...names, '__proto__', '', 'access_token', 'x[y]'), piece), { maxLength: 3 }),
      [],
    ),
    text: rarely(someChanges(), []),
  })
}

/** Writes parameters as a query or form. */
export function encodeParameters(usual: Readonly<Record<string, string>>, changes: ParameterChanges): string {
  const pairs = Object.entries(usual)
    .filter(([name]) => !changes.without.includes(name))
    .map(([name, value]): [string, string] => [
      name,
      changes.values.filter(([of]) => of === name).reduce((text, [, made]) => spoil(text, made), value),
    ])
  for (const name of changes.twice) pairs.push([name, usual[name] ?? ''])
  for (const [name, value] of changes.more) pairs.push([name, textOf(value)])
  return spoil(new URLSearchParams(pairs).toString(), changes.text)
}
