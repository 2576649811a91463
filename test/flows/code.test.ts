import { describe, expect, it } from 'vitest'
import { useBed } from '../support/bed/bed.js'
import { UserAgent } from '../support/bed/userAgent.js'

describe.each(['query', 'form_post'] as const)('authorization code with response_mode %s', (responseMode) => {
  const { bed } = useBed({ provider: { responseMode } })

  it('signs the user in, returns to the requested page, and grants the scopes', async () => {
    const browser = new UserAgent()
    const profile = await browser.visit(`${bed.app.url}/profile?tab=1`)
    expect(profile.status).toBe(200)
    expect(profile.url).toBe(`${bed.app.url}/profile?tab=1`)
    expect(profile.json()).toMatchObject({ sub: 'ada', iss: bed.provider.issuer, aud: 'app' })
    expect((await browser.visit(`${bed.app.url}/reports`)).status).toBe(200)
  })

  it('emits the steps of a login in order, without secrets', async () => {
    bed.app.events.length = 0
    const browser = new UserAgent()
    await browser.visit(`${bed.app.url}/profile`)
    expect(bed.app.events.map(({ type }) => type)).toEqual([
      'access.refused',
      'login.started',
      'login.response',
      'login.tokens',
      'login.verified',
      'session.opened',
    ])
    const told = JSON.stringify(bed.app.events)
    for (const url of browser.visited) {
      for (const name of ['code', 'state', 'nonce', 'code_challenge']) {
        const value = new URL(url).searchParams.get(name)
        if (value) expect(told).not.toContain(value)
      }
    }
  })

  it('ends the session at the application and at the provider, and returns', async () => {
    const browser = new UserAgent()
    await browser.visit(`${bed.app.url}/profile`)
    const left = await browser.visit(`${bed.app.url}/logout?returnTo=/who`, { method: 'POST' })
    expect(left.json()).toEqual({ kind: 'anonymous', subject: null })
    expect(browser.visited.some((url) => url.startsWith(`${bed.provider.issuer}/session/end`))).toBe(true)
  })
})
