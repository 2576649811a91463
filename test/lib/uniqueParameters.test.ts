import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readParameters } from '../../src/lib/uniqueParameters.js'

const REFUSED = expect.objectContaining({ code: 'ERR_AUTHORIZATION_RESPONSE_INVALID', status: 400 })

describe('readParameters', () => {
  it('reads a query, and a form that a body parser parsed', () => {
    const expected = new Map([
      ['code', 'a b'],
      ['state', 'é&='],
    ])
    expect(readParameters(new URLSearchParams('code=a+b&state=%C3%A9%26%3D'))).toEqual(expected)
    expect(readParameters({ code: 'a b', state: 'é&=' })).toEqual(expected)
    expect(readParameters(Object.assign(Object.create(null), { code: 'a b', state: 'é&=' }))).toEqual(expected)
  })

  it.each(['code=a&code=b', 'code=a&code=a', 'state=a&code=b&state=', 'other=a&other=b'])('refuses %s', (query) => {
    expect(() => readParameters(new URLSearchParams(query))).toThrow(REFUSED)
  })

  it.each<[string, object]>([
    ['an array', { code: ['a', 'b'] }],
    ['an array of one', { code: ['a'] }],
    ['an object', { code: { a: 'b' } }],
    ['a number', { code: 1 }],
    ['null', { code: null }],
    ['an object beside strings', { code: 'a', state: 'b', extra: {} }],
  ])('refuses %s for a value', (_name, body) => {
    expect(() => readParameters(body as Record<string, unknown>)).toThrow(REFUSED)
  })

  it('treats the names of inherited object properties as plain names', () => {
    const parameters = readParameters(new URLSearchParams('__proto__=a&constructor=b'))
    expect(parameters.get('__proto__')).toBe('a')
    expect(parameters.get('toString')).toBeUndefined()
  })

  it.each([
    ['code', 8192],
    ['iss', 2048],
    ['sid', 2048],
    ['id_token', 65_536],
    ['logout_token', 65_536],
    ['login_hint', 8192],
    ['target_link_uri', 8192],
  ])('accepts %s up to %i characters, and refuses one more', (name, limit) => {
    expect(readParameters({ [name]: 'x'.repeat(limit) }).get(name)).toHaveLength(limit)
    expect(() => readParameters({ [name]: 'x'.repeat(limit + 1) })).toThrow(REFUSED)
  })

  it.each([
    ['state', 8192],
    ['error', 256],
    ['error_description', 4096],
    ['error_uri', 2048],
  ])('shortens %s, which is only shown or looked up, to %i characters', (name, limit) => {
    expect(readParameters({ [name]: 'x'.repeat(40_000) }).get(name)).toHaveLength(limit)
  })

  it('accepts 100 parameters, and refuses one more', () => {
    const form = (count: number) => new URLSearchParams(Array.from({ length: count }, (_, i) => [`p${i}`, '']))
    expect(readParameters(form(100)).size).toBe(100)
    expect(() => readParameters(form(101))).toThrow(REFUSED)
  })

  it('does not show in the error what was sent', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 12 }), (text) => {
        expect(() => readParameters({ [text]: [text] })).toThrow(
          expect.objectContaining({ message: expect.not.stringContaining(text) }),
        )
      }),
    )
  })
})
