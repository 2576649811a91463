import * as providers from '../../src/providers.js'

/** The presets by name. */
export const presets = Object.fromEntries(
  Object.entries(providers).flatMap(([name, value]) => ('row' in value ? [[name, value] as const] : [])),
)
