import { describe, expect, it } from 'vitest'
import { expectAccepted, startFlow } from '../support/bed/conformance.js'

describe('userinfo-bearer-header', () => {
  it('sends the access token in the Authorization header, and nowhere else', async () => {
    const flow = await startFlow({ client: { userInfo: true } })
    const browser = await expectAccepted(flow)
    const { token } = (await browser.fetch(`${flow.app.url}/token`)).json<{ token: string }>()
    const [request, ...more] = flow.provider.requests('userinfo')
    expect(more).toEqual([])
    expect(request?.headers.authorization).toBe(`Bearer ${token}`)
    expect([...(request?.parameters ?? [])]).toEqual([])
  })
})
