import { de } from './de.js'
import { en } from './en.js'
import { es } from './es.js'
import { fr } from './fr.js'
import { it } from './it.js'
import { ja } from './ja.js'
import { nl } from './nl.js'
import { pl } from './pl.js'
import { pt } from './pt.js'
import type { PageTexts } from './texts.js'
import { zh } from './zh.js'

/** The built-in languages. The first is the one for users who accept none of them. */
export const LANGUAGES: Readonly<Record<string, PageTexts>> = { en, de, fr, es, pt, it, nl, pl, ja, zh }

/** Languages written from right to left, for texts that an application adds. */
const RIGHT_TO_LEFT = ['ar', 'ckb', 'dv', 'fa', 'he', 'ps', 'sd', 'ug', 'ur', 'yi']

/** Returns the value of `dir` for a language. */
export function directionOf(language: string): 'ltr' | 'rtl' {
  return RIGHT_TO_LEFT.includes(language.split('-', 1)[0] ?? '') ? 'rtl' : 'ltr'
}
