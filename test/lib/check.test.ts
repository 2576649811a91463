import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  assertOptions,
  boolean,
  type Check,
  callable,
  number,
  object,
  oneOf,
  path,
  requireOption,
  resourceIndicators,
  type Shape,
  string,
  stringOrStrings,
} from '../../src/lib/check.js'
import { configurationErrorSaying } from '../support/run/configurationError.js'

interface Options {
  baseUrl?: string
  timeout?: number
  onError?: () => void
}

const SHAPE: Shape<Options> = { baseUrl: string, timeout: number('seconds', 1, 60), onError: callable }
const check = (value: unknown) => () => assertOptions<Options>(value, 'thing', SHAPE)

describe('assertOptions', () => {
  it.each([
    {},
    { baseUrl: 'a' },
    { timeout: 1, onError: () => {} },
    { baseUrl: undefined },
    Object.create(null) as object,
  ])('accepts %j', (value) => {
    expect(check(value)).not.toThrow()
  })

  it.each<[unknown, string]>([
    [undefined, 'thing must be an object, not undefined'],
    [null, 'thing must be an object, not null'],
    [[], 'thing must be an object, not an array'],
    ['', 'thing must be an object, not an empty string'],
    [{ baseurl: 'a' }, 'thing.baseurl is not an option: did you mean baseUrl?'],
    [{ BASEURL: 'a' }, 'thing.BASEURL is not an option: did you mean baseUrl?'],
    [{ base_url: 'a' }, 'thing.base_url is not an option: did you mean baseUrl?'],
    [{ timeuot: 1 }, 'thing.timeuot is not an option: did you mean timeout?'],
    [{ retries: 1 }, 'thing.retries is not an option: the options are baseUrl, timeout, onError'],
    [{ retries: undefined }, 'thing.retries is not an option'],
    [{ toString: 1 }, 'thing.toString is not an option'],
    [JSON.parse('{"__proto__":{}}'), 'thing.__proto__ is not an option'],
    [{ constructor: 1 }, 'thing.constructor is not an option'],
    [{ baseUrl: null }, 'thing.baseUrl must be a non-empty string, not null'],
    [{ timeout: 0 }, 'thing.timeout must be a number of seconds from 1 to 60, not 0'],
    [{ onError: 'x' }, 'thing.onError must be a function, not a string like that'],
  ])('refuses %j', (value, message) => {
    expect(check(value)).toThrow(configurationErrorSaying(message))
  })

  it('reports unknown names first, so that a misspelled option is not reported as missing', () => {
    expect(check({ timeout: 'x', baseurl: 'a' })).toThrow('thing.baseurl is not an option')
  })
})

describe('requireOption', () => {
  it('distinguishes a missing option from one that an unset environment variable left undefined', () => {
    const demand = (value: object) => () => requireOption(value, 'thing', 'secret', 'write one')
    expect(demand({})).toThrow(configurationErrorSaying('thing.secret is missing: write one'))
    expect(demand({ secret: undefined })).toThrow(
      configurationErrorSaying('thing.secret is undefined (is the environment variable it comes from set?): write one'),
    )
    expect(demand({ secret: '' })).not.toThrow()
  })
})

describe('the checks', () => {
  it.each<[string, Check, unknown[], unknown[]]>([
    ['string', string, ['a', ' '], ['', 1, null, undefined, ['a'], {}]],
    ['boolean', boolean, [true, false], ['true', 0, 1, null]],
    ['callable', callable, [() => {}, class {}], [{}, 'f', null]],
    ['object', object, [{}, new Map()], [[], null, 'a', () => {}]],
    ['stringOrStrings', stringOrStrings, ['a', ['a'], ['a', 'b']], ['', [], [''], ['a', 1], { 0: 'a' }, [['a']]]],
    [
      'resourceIndicators',
      resourceIndicators,
      [
        'https://api.example',
        'https://api.example/a?b=c',
        'urn:example:api',
        ['https://a.example', 'https://b.example'],
      ],
      ['', [], 1, 'api', '/api', '//api.example', 'https://a.example/#', 'https://a.example/ b', ['urn:a', 'b']],
    ],
    ['oneOf', oneOf('a', 'b'), ['a', 'b'], ['c', '', 'A', ['a'], null]],
    ['number', number('seconds', 0, 60), [0, 60, 1.5], [-1, 61, Number.NaN, Number.POSITIVE_INFINITY, '1', 1n, [1]]],
    [
      'path',
      path,
      ['/', '/callback', '/a/b-c_d.e~f', '/a%20b', '/@me', '/callback/'],
      [
        '',
        'callback',
        '//evil.example',
        '/a?b',
        '/a#b',
        '/a b',
        '/a\\b',
        '/\n',
        'https://a.example/b',
        'https:',
        1,
        null,
      ],
    ],
  ])('%s', (_name, check, good, bad) => {
    for (const value of good) expect(check(value)).toBeUndefined()
    for (const value of bad) expect(check(value)).toEqual(expect.any(String))
  })

  it('never throw, and never repeat a string, which may be a secret in the wrong place', () => {
    const checks = {
      string,
      boolean,
      callable,
      object,
      stringOrStrings,
      resourceIndicators,
      one: oneOf('a'),
      seconds: number('s', 0, 1),
    }
    fc.assert(
      fc.property(fc.constantFrom(...Object.values(checks)), fc.anything(), (check, value) => {
        const problem = check(value)
        if (typeof value === 'string' && value.length > 20) expect(problem ?? '').not.toContain(value)
      }),
    )
    fc.assert(fc.property(fc.oneof(fc.anything(), fc.webUrl(), fc.string()), (value) => void path(value)))
  })
})
