import { describe, expect, it } from 'vitest'
import { startBed } from '../support/bed/bed.js'
import { expectAccepted } from '../support/bed/conformance.js'

describe('userinfo-bearer-header', () => {
  it('sends the access token in the Authorization header, and nowhere else', async () => {
    const bed = await startBed({ provider: { userInfo: true }, spoil: {} })
    const browser = await expectAccepted(bed)
    const { token } = (await browser.fetch(`${bed.app.url}/token`)).json<{ token: string }>()
    const [request, ...more] = bed.provider.requests('userinfo')
    expect(more).toEqual([])
    expect(request?.headers.authorization).toBe(`Bearer ${token}`)
    expect([...(request?.parameters ?? [])]).toEqual([])
  })
})
