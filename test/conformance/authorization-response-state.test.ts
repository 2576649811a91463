import { describe, expect, it } from 'vitest'
import { startBed } from '../support/bed/bed.js'
import { accepts, expectAccepted, expectRejected, rejects } from '../support/bed/conformance.js'
import { UserAgent } from '../support/bed/userAgent.js'

describe('state of the authorization response', () => {
  for (const responseMode of ['query', 'form_post'] as const) {
    const settings = { provider: { responseMode } }
    const by = (what: string) => `${what}, by ${responseMode}`
    rejects(by('another state'), { authorization: { state: 'another' } }, 'ERR_TRANSACTION_MISSING', settings)
    rejects(by('no state'), { authorization: { state: undefined } }, 'ERR_TRANSACTION_MISSING', settings)
    rejects(by('an empty state'), { authorization: { state: '' } }, 'ERR_TRANSACTION_MISSING', settings)
    rejects(
      by('a repeated state'),
      { authorization: ({ state }) => ({ state: [state, state] }) },
      'ERR_AUTHORIZATION_RESPONSE_INVALID',
      settings,
    )
    rejects(
      by('a repeated code'),
      { authorization: ({ code }) => ({ code: [code, code] }) },
      'ERR_AUTHORIZATION_RESPONSE_INVALID',
      settings,
    )
  }
  rejects('a response without a code', { authorization: { code: undefined } }, 'ERR_AUTHORIZATION_RESPONSE_INVALID')
  rejects('a response with an empty code', { authorization: { code: '' } }, 'ERR_AUTHORIZATION_RESPONSE_INVALID')
  accepts('unknown parameters', { authorization: { session_state: 'abc', extra: ['one', 'two'].join(' ') } })
  accepts('a state that is percent-encoded twice', {
    authorization: ({ state }) => ({ state: encodeURIComponent(String(state)) }),
  })

  it('rejects the response to a login that another browser started', async () => {
    const bed = await startBed({ spoil: {} })
    const victim = new UserAgent()
    const attacker = new UserAgent()
    const callback = `${bed.app.url}/callback`
    const { url } = await attacker.visitUntil(`${bed.app.url}/login?returnTo=/who`, callback)
    const answer = await victim.visit(url)
    expect(answer.status).toBe(400)
    expect(bed.app.errors.splice(0)).toMatchObject([{ code: 'ERR_TRANSACTION_MISSING' }])
    expect((await attacker.visit(url)).json()).toEqual({ kind: 'session', subject: 'ada' })
  })

  it('leaves other logins of the same browser as they are', async () => {
    const bed = await startBed({ spoil: {} })
    const browser = new UserAgent()
    const { url } = await browser.visitUntil(`${bed.app.url}/login?returnTo=/who`, `${bed.app.url}/callback`)
    bed.provider.spoil = { authorization: { state: 'another' } }
    await expectRejected(bed, 'ERR_TRANSACTION_MISSING', browser)
    expect((await browser.visit(url)).json()).toEqual({ kind: 'session', subject: 'ada' })
    bed.provider.spoil = {}
    await expectAccepted(bed)
  })
})
