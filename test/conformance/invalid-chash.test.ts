import { expect, it, onTestFinished } from 'vitest'
import { expectRefused, half, startFrontChannel } from '../support/bed/frontChannel.js'

it('invalid-chash: rejects an ID token with the c_hash of another code', async () => {
  const flow = await startFrontChannel('code id_token')
  onTestFinished(() => flow.close())
  await expectRefused(
    flow,
    async (r, resign) => ({ ...r, id_token: await resign(r.id_token, { c_hash: half('another code') }) }),
    'ERR_ID_TOKEN_INVALID',
  )
  expect(flow.app.errors).toMatchObject([{ cause: { claim: 'c_hash' } }])
})
