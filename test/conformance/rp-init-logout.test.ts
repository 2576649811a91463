import { describe, expect, it } from 'vitest'
import { startBed } from '../support/bed/bed.js'
import { expectAccepted } from '../support/bed/conformance.js'
import { logOut } from '../support/bed/loggingOut.js'

describe('rp-init-logout', () => {
  it('redirects to the provider with the ID token as id_token_hint, and from there to returnTo', async () => {
    const bed = await startBed({ spoil: {} })
    const browser = await expectAccepted(bed)
    const answer = await logOut(bed, browser)
    expect(answer.url).toBe(`${bed.app.url}/who?after=logout`)
    expect(answer.json()).toEqual({ kind: 'anonymous', subject: null })
    const [{ parameters } = { parameters: new URLSearchParams() }] = bed.provider.requests('end_session')
    expect(parameters.get('client_id')).toBe('app')
    expect(parameters.get('post_logout_redirect_uri')).toBe(`${bed.app.url}/`)
    expect(parameters.get('state')).toMatch(/^[\w-]{22,}$/)
    expect(bed.provider.secrets).toContain(parameters.get('id_token_hint'))
  })

  it('ends the local session if the provider has no logout', async () => {
    const bed = await startBed({ spoil: { metadata: { end_session_endpoint: undefined } } })
    const answer = await logOut(bed, await expectAccepted(bed))
    expect(answer.url).toBe(`${bed.app.url}/who?after=logout`)
    expect(answer.json()).toEqual({ kind: 'anonymous', subject: null })
    expect(bed.provider.requests('end_session')).toEqual([])
  })
})
