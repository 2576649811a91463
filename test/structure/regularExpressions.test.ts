import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { type Expression, expressionsOf, slowestRun } from './regularExpressions.js'

/** The CPU time that one expression may take for an input of 20 kB. In milliseconds. */
const BUDGET = 20

const src = new URL('../../src/', import.meta.url)
const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.ts'))
const found = files.map((path) => expressionsOf(path, readFileSync(new URL(path, src), 'utf8')))
const expressions = found.flatMap((file) => file.expressions)

const only = (text: string) => expressionsOf('a.ts', text).expressions[0] as Expression

describe('every regular expression of src', () => {
  it('is a literal, so that it can be timed here', () => {
    expect(expressions.length).toBeGreaterThan(30)
    expect(found.flatMap((file) => file.oddities)).toEqual([])
  })

  it.each(expressions.map((expression) => [`/${expression.source}/`, expression.place, expression] as const))(
    '%s of %s takes linear time',
    (_source, _place, expression) => {
      expect(slowestRun(expression, BUDGET)).toBeLessThan(BUDGET)
    },
  )
})

describe('the measure', () => {
  it.each([
    ['a look ahead from every position', '/(?=[\\w~+=-]*\\d)[\\w~+=-]{20,}/g'],
    ['a run before the end of the text', '/\\s+$/'],
    ['a run of slashes before the end of the text', '/\\/+$/'],
    ['two runs that share characters', '/^[\\w.]+[\\w-]+$/'],
    ['anything up to something that is missing', '/<.*>/'],
    ['anything up to something that is missing, after a word', '/code=.*;/s'],
    ['a repeated pair', '/(?:ab)+c/'],
    ['exponential time', '/^(?:a+)+$/'],
    ['exponential time by two alternatives that match the same', '/^(?:a|a)*$/'],
  ])('catches %s', (_name, literal) => {
    expect(slowestRun(only(literal), BUDGET, 1000)).toBeGreaterThan(BUDGET)
  })

  it.each(['/^[\\w-]+$/', '/[&<>"\']/g', '/\\b(text\\/html)\\b/i', '/^(?:bearer|dpop) +[\\w~]+=*$/i'])(
    'accepts %s',
    (literal) => {
      expect(slowestRun(only(literal), BUDGET)).toBeLessThan(BUDGET)
    },
  )

  it('reads literals with slashes and flags, and finds those built at run time', () => {
    expect(only('const a = b.replace(/[/]\\/x/giu, 1 / 2)')).toEqual({
      source: '[/]\\/x',
      flags: 'giu',
      place: 'a.ts:1',
    })
    expect(expressionsOf('a.ts', 'new RegExp(text)').oddities).toEqual(['a.ts:1: uses RegExp'])
    expect(expressionsOf('a.ts', 'let a: RegExp').oddities).toEqual([])
  })
})
