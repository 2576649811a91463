import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type App, register, startApp, startLocalProvider } from '../support/bed/app.js'
import { UserAgent } from '../support/bed/userAgent.js'

describe.each(['query', 'form_post'] as const)('authorization code with response_mode %s', (responseMode) => {
  let provider: Awaited<ReturnType<typeof startLocalProvider>>
  let app: App

  beforeAll(async () => {
    provider = await startLocalProvider({ host: 'localhost' })
    app = await startApp(provider.issuer, { provider: { responseMode } })
    await register(provider, app)
  })

  afterAll(async () => {
    await app.close()
    await provider.close()
  })

  it('signs the user in, returns to the requested page, and grants the scopes', async () => {
    const browser = new UserAgent()
    const profile = await browser.visit(`${app.url}/profile?tab=1`)
    expect(profile.status).toBe(200)
    expect(profile.url).toBe(`${app.url}/profile?tab=1`)
    expect(profile.json()).toMatchObject({ sub: 'ada', iss: provider.issuer, aud: 'app' })
    expect((await browser.visit(`${app.url}/reports`)).status).toBe(200)
  })

  it('emits the steps of a login in order, without secrets', async () => {
    app.events.length = 0
    const browser = new UserAgent()
    await browser.visit(`${app.url}/profile`)
    expect(app.events.map(({ type }) => type)).toEqual([
      'access.refused',
      'login.started',
      'login.response',
      'login.tokens',
      'login.verified',
      'session.opened',
    ])
    const told = JSON.stringify(app.events)
    for (const url of browser.visited) {
      for (const name of ['code', 'state', 'nonce', 'code_challenge']) {
        const value = new URL(url).searchParams.get(name)
        if (value) expect(told).not.toContain(value)
      }
    }
  })

  it('ends the session at the application and at the provider, and returns', async () => {
    const browser = new UserAgent()
    await browser.visit(`${app.url}/profile`)
    const left = await browser.visit(`${app.url}/logout?returnTo=/who`, { method: 'POST' })
    expect(left.json()).toEqual({ kind: 'anonymous', subject: null })
    expect(browser.visited.some((url) => url.startsWith(`${provider.issuer}/session/end`))).toBe(true)
  })
})
