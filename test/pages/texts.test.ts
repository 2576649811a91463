import { describe, expect, it } from 'vitest'
import { directionOf, LANGUAGES } from '../../src/pages/texts/all.js'
import { fill, type PageTexts, placeholdersOf } from '../../src/pages/texts/texts.js'

const { en: english } = LANGUAGES as { en: PageTexts }
const keys = Object.keys(english) as (keyof PageTexts)[]

describe('the texts of the pages', () => {
  it('are in ten languages', () => {
    expect(Object.keys(LANGUAGES)).toEqual(['en', 'de', 'fr', 'es', 'pt', 'it', 'nl', 'pl', 'ja', 'zh'])
  })

  it.each(Object.entries(LANGUAGES))('are complete in %s, with the same placeholders', (_language, texts) => {
    expect(Object.keys(texts)).toEqual(keys)
    for (const key of keys) {
      expect([key, placeholdersOf(texts[key])]).toEqual([key, placeholdersOf(english[key])])
      expect(texts[key]).toMatch(/^\S(?:.*\S)?$/)
    }
  })

  it.each(Object.entries(LANGUAGES).slice(1))('are translated in %s', (_language, texts) => {
    expect(keys.filter((key) => texts[key] === english[key])).toEqual([])
  })

  it('end sentences, and titles not, in every language', () => {
    const texts = Object.values(LANGUAGES)
    for (const key of keys.filter((name) => name.endsWith('Text'))) {
      expect(texts.filter((text) => !/[.。]$/.test(text[key]))).toEqual([])
    }
    for (const key of keys.filter((name) => name.endsWith('Title'))) {
      expect(texts.filter((text) => /[.。]$/.test(text[key]))).toEqual([])
    }
  })

  it('take values for placeholders, once, and keep unknown ones', () => {
    expect(fill('{a} and {b}, {a}', { a: '{b}', b: '$&' })).toBe('{b} and $&, {b}')
    expect(fill('{c}', { a: '1' })).toBe('{c}')
  })

  it('are written from right to left in languages that an application adds', () => {
    expect(['ar', 'he-IL', 'ur', 'de', 'az'].map(directionOf)).toEqual(['rtl', 'rtl', 'rtl', 'ltr', 'ltr'])
  })
})
