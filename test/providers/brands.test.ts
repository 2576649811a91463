import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { brands, brandsModule, contrast } from '../../scripts/providerBrands.js'
import { NEUTRAL } from '../../src/providers/table/preset.js'
import * as providers from '../../src/providers.js'
import { described, presets } from './presets.js'

describe('the brands of presets', () => {
  it('are those that the script generates from simple-icons', () => {
    const module = readFileSync(new URL('../../src/providers/table/brands.ts', import.meta.url), 'utf8')
    expect(module).toBe(brandsModule())
  })

  it('belong to one preset each', () => {
    expect(Object.keys(brands()).sort()).toEqual(Object.keys(described).sort())
    for (const [id, { row }] of Object.entries(presets)) expect(row.brand).toEqual(brands()[id] ?? NEUTRAL)
    expect(providers.google.row.displayName).toBe('Google')
  })

  it('have text that can be read on the button (WCAG AA)', () => {
    expect(contrast('#000000', '#ffffff')).toBeCloseTo(21)
    expect(contrast('#777777', '#ffffff')).toBeLessThan(4.5)
    for (const { color, background } of [NEUTRAL, ...Object.values(brands())]) {
      expect(contrast(color, background)).toBeGreaterThanOrEqual(4.5)
    }
  })

  it('have marks that are nothing but path data', () => {
    const marks = Object.values(brands()).flatMap(({ mark }) => mark ?? [])
    expect(marks.length).toBeGreaterThan(10)
    for (const mark of marks) expect(mark).toMatch(/^[\d\s.,MmZzLlHhVvCcSsQqTtAaEe+-]{50,8192}$/)
  })
})
