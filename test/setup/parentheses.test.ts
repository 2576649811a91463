import express, { type RequestHandler } from 'express'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import * as all from '../../src/index.js'
import { listen, type Running } from '../support/bed/app.js'
import { muteExpress } from '../support/bed/bed.js'
import { UserAgent } from '../support/bed/userAgent.js'
import { configurationErrorSaying } from '../support/run/configurationError.js'

/** Exports that do not create middleware. */
const OTHERS = [
  'LoginRefusedError',
  'RelyingPartyError',
  'clientCredentials',
  'defineProvider',
  'deviceAuthorization',
  'endSession',
  'endSessions',
  'hasVerifiedEmail',
  'listSessions',
  'storeTimeout',
]

const factories = Object.entries(all).filter(([name]) => !OTHERS.includes(name)) as [string, () => RequestHandler][]

let running: Running | undefined
beforeEach(muteExpress)
afterEach(() => running?.close())

describe('middleware mounted without its parentheses', () => {
  it.each(factories)('fails at the first request, and shows what to write: %s', async (name, factory) => {
    const errors: unknown[] = []
    const app = express()
    app.all('/', factory as unknown as RequestHandler)
    app.use((error: unknown, _req: express.Request, res: express.Response, _next: express.NextFunction) => {
      errors.push(error)
      res.sendStatus(500)
    })
    running = await listen(app)
    expect((await new UserAgent().send(running.url)).status).toBe(500)
    expect(errors).toEqual([configurationErrorSaying(`${name}()`)])
    expect(errors).toEqual([configurationErrorSaying('without its parentheses')])
  })

  it('is not confused with options', () => {
    expect(() => all.login({ prompt: 'login' })).not.toThrow()
    expect(() => all.callback()).not.toThrow()
  })
})
