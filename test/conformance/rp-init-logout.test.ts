import { describe, expect, it } from 'vitest'
import { expectAccepted, startFlow } from '../support/bed/conformance.js'
import { logOut } from '../support/bed/loggingOut.js'

describe('rp-init-logout', () => {
  it('redirects to the provider with the ID token as id_token_hint, and from there to returnTo', async () => {
    const flow = await startFlow()
    const browser = await expectAccepted(flow)
    const answer = await logOut(flow, browser)
    expect(answer.url).toBe(`${flow.app.url}/who?after=logout`)
    expect(answer.json()).toEqual({ kind: 'anonymous', subject: null })
    const [{ parameters } = { parameters: new URLSearchParams() }] = flow.provider.requests('end_session')
    expect(parameters.get('client_id')).toBe('app')
    expect(parameters.get('post_logout_redirect_uri')).toBe(`${flow.app.url}/`)
    expect(parameters.get('state')).toMatch(/^[\w-]{22,}$/)
    expect(flow.provider.secrets).toContain(parameters.get('id_token_hint'))
  })

  it('ends the local session if the provider has no logout', async () => {
    const flow = await startFlow({}, { metadata: { end_session_endpoint: undefined } })
    const answer = await logOut(flow, await expectAccepted(flow))
    expect(answer.url).toBe(`${flow.app.url}/who?after=logout`)
    expect(answer.json()).toEqual({ kind: 'anonymous', subject: null })
    expect(flow.provider.requests('end_session')).toEqual([])
  })
})
