import { describe, expect, it, onTestFinished } from 'vitest'
import { expectRefused, expectSignedIn, startFrontChannel } from '../support/bed/frontChannel.js'
import { UserAgent } from '../support/bed/userAgent.js'

describe.each(['id_token', 'code id_token'] as const)(
  'nonce-unless-code-flow with response_type %s',
  (responseType) => {
    it('sends a new nonce with every request', async () => {
      const bed = await startFrontChannel(responseType)
      onTestFinished(() => bed.close())
      const browser = new UserAgent()
      await expectSignedIn(bed.signIn(undefined, browser))
      await expectSignedIn(bed.signIn())
      const other = new UserAgent()
      await expectSignedIn(bed.signIn(undefined, other))
      const nonces = [browser, other].map(({ visited }) => {
        const request = visited.find((url) => url.includes('response_type='))
        return new URL(request ?? '').searchParams.get('nonce')
      })
      expect(new Set(nonces).size).toBe(2)
      expect(nonces).not.toContain(null)
    })

    it('rejects an ID token without the nonce', async () => {
      const bed = await startFrontChannel(responseType)
      onTestFinished(() => bed.close())
      await expectRefused(
        bed,
        async (r, resign) => ({ ...r, id_token: await resign(r.id_token, { nonce: undefined }) }),
        'ERR_ID_TOKEN_INVALID',
      )
    })
  },
)
