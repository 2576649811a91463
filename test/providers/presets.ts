import { notes } from '../../scripts/providerNotes.js'
import * as providers from '../../src/providers.js'

/** The presets by name. */
export const presets = Object.fromEntries(
  Object.entries(providers).flatMap(([name, value]) => ('row' in value ? [[name, value] as const] : [])),
)

/** The presets that have a page of their own words and an imitation in examples/shapes. */
export const described = Object.fromEntries(Object.entries(presets).filter(([id]) => id in notes))
