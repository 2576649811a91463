import express from 'express'
import session from 'express-session'
import { beforeAll, describe, expect, it } from 'vitest'
import { startShapes } from '../../examples/shapes/index.js'
import type { ProviderOptions } from '../../src/index.js'
import { callback, login, relyingParty, requireAuth } from '../../src/index.js'
import * as presetsModule from '../../src/providers.js'
import { listen, SECRET } from '../support/bed/app.js'
import { UserAgent } from '../support/bed/userAgent.js'
import { described as presets } from './presets.js'

type Shapes = Awaited<ReturnType<typeof startShapes>>

/** Options that presets require, besides those that lead them to their shape. */
function requiredBy({ appleKey }: Shapes): Record<string, object> {
  return {
    apple: { clientSecret: undefined, teamId: 'A1B2C3D4E5', keyId: 'F6G7H8I9J0', privateKey: appleKey },
    auth0: { domain: 'auth0.example' },
    cognito: { region: 'eu-central-1', userPoolId: 'eu-central-1_AbCdEfGhI', domain: 'example' },
    keycloak: { url: 'https://keycloak.example', realm: 'customers' },
    okta: { domain: 'okta.example' },
    zitadel: { url: 'https://zitadel.example' },
  }
}

/** The values of the names that a test expects, whatever a preset calls them elsewhere. */
const NAMES: Record<string, string> = { gitlab: 'ada', twitch: 'ada' }

let shapes: Shapes
let url: string

beforeAll(async () => {
  shapes = await startShapes()
  const app = express().set('env', 'test')
  const running = await listen(app)
  url = running.url
  const more = requiredBy(shapes)
  const providers = Object.fromEntries(
    Object.entries(presets).map(([name, preset]) => {
      const create = preset as unknown as (options: object) => ProviderOptions
      return [name, create({ ...shapes.options(name), ...more[name] })]
    }),
  )
  app.use(session({ secret: SECRET, resave: false, saveUninitialized: false }))
  app.use(relyingParty({ baseUrl: url, secret: SECRET, providers }))
  app.get('/login', login())
  app.all('/callback/:provider', callback())
  app.get('/', requireAuth(), (req, res) => void res.json({ ...req.auth.claims, provider: req.auth.provider }))
  return async () => {
    await running.close()
    await shapes.close()
  }
})

/** Starts a login on the sign-in page, and answers the provider's page. */
async function answer(name: string, user: string, browser = new UserAgent()) {
  const { text } = await browser.visit(`${url}/login`)
  const link = `/login?provider=${name}`
  expect(text).toContain(`href="${link}"`)
  const page = await browser.visit(url + link)
  expect(page.text).toContain(`Sign in with ${name}`)
  return browser.visit(page.url, { method: 'POST', body: { user }, from: page.url })
}

describe('an application with all presets', () => {
  it('knows them all', () => {
    expect(Object.keys(presets).length).toBeGreaterThanOrEqual(19)
    expect(Object.keys(presetsModule)).toEqual(expect.arrayContaining(Object.keys(presets)))
  })

  it.each(Object.keys(presets))('signs a user in at an imitation of %s, and lets them cancel', async (name) => {
    const { status, url: end, text } = await answer(name, 'ada')
    expect({ status, end }).toEqual({ status: 200, end: `${url}/` })
    const claims = JSON.parse(text) as Record<string, unknown>
    const isNameless = name === 'cognito'
    expect(claims).toMatchObject({ provider: name, ...(isNameless ? {} : { name: NAMES[name] ?? 'Ada Lovelace' }) })
    expect(String(claims.iss)).toContain(`${shapes.url}/${name}`)
    expect(claims.sub).toEqual(expect.any(String))
    expect(claims.email_verified).toEqual(expect.any(Boolean))
    const cancelled = await answer(name, '')
    expect(cancelled.status).toBe(403)
    expect(cancelled.text).toContain('Sign-in cancelled')
  })
})
