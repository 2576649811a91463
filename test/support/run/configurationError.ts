import { expect } from 'vitest'
import { RelyingPartyError } from '../../../src/errors.js'

/** Matches a configuration error whose message and hint, joined by a colon, contain `text`. */
export function configurationErrorSaying(text: string | RegExp): unknown {
  return expect.toSatisfy(
    (error: unknown) => {
      if (!(error instanceof RelyingPartyError) || error.code !== 'ERR_CONFIGURATION') return false
      const said = [error.message, ...(error.hint ? [error.hint] : [])].join(': ')
      return typeof text === 'string' ? said.includes(text) : text.test(said)
    },
    `a configuration error saying ${String(text)}`,
  )
}
