import { describe, expect, it } from 'vitest'
import { acceptedLanguages, chooseLanguage, uiLocalesOf } from '../../src/request/languages.js'

const accepted = (header?: string) =>
  acceptedLanguages({ headers: header === undefined ? {} : { 'accept-language': header } })

describe('the languages that a request accepts', () => {
  it.each([
    ['de-CH, de;q=0.9, en;q=0.8', ['de-ch', 'de', 'en']],
    ['en;q=0.5, fr', ['fr', 'en']],
    ['it;q=0.7,es;q=0.7', ['it', 'es']],
    ['PT-br ; q=1.000 , *;q=0.1', ['pt-br', '*']],
    ['fr, fr;q=0.2', ['fr']],
    ['', []],
    [undefined, []],
  ])('are sorted by quality, and by place among equals: %s', (header, expected) => {
    expect(accepted(header)).toEqual(expected)
  })

  it.each([
    'de;q=0',
    'de;q=2',
    'de;q=1.1',
    'de;q=x',
    'de;q=0.1234',
    'de;level=1',
    'de;q=1;q=1',
    'd',
    'de_CH',
    'dé',
    'de-',
  ])('leave out %s', (item) => {
    expect(accepted(`${item}, pl`)).toEqual(['pl'])
  })

  it('are 30 at most, from the first 1,000 characters', () => {
    const tags = Array.from({ length: 500 }, (_, i) => `aa-${i}`)
    expect(accepted(tags.join())).toHaveLength(30)
    expect(accepted(`de,${' '.repeat(2000)}en`)).toEqual(['de'])
  })
})

describe('the language of a page', () => {
  const known = ['en', 'de', 'pt', 'pt-pt']

  it.each([
    [['de-at', 'en'], 'de'],
    [['sv', 'pt-br'], 'pt'],
    [['pt-pt'], 'pt-pt'],
    [['zh-hant-tw', '*'], 'en'],
    [['sv'], undefined],
    [[], undefined],
  ])('for %s is %s', (tags, expected) => {
    expect(chooseLanguage(tags, known)).toBe(expected)
  })
})

describe('ui_locales', () => {
  it('has at most five of the languages that the browser accepts, best first', () => {
    const of = (header: string) => uiLocalesOf({ headers: { 'accept-language': header } })
    expect(of('de;q=0.5, zh-hant-tw, *;q=0.1')).toBe('zh-hant-TW de')
    expect(of('a, b, de, en, fr, it, es, pl, nl')).toBe('de en fr it es')
    expect(of('*')).toBeUndefined()
    expect(uiLocalesOf({ headers: {} })).toBeUndefined()
  })
})
