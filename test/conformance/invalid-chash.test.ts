import { expect, it, onTestFinished } from 'vitest'
import { expectRefused, half, startFrontChannel } from '../support/bed/frontChannel.js'

it('invalid-chash: rejects an ID token with the c_hash of another code', async () => {
  const bed = await startFrontChannel('code id_token')
  onTestFinished(() => bed.close())
  await expectRefused(
    bed,
    async (r, resign) => ({ ...r, id_token: await resign(r.id_token, { c_hash: half('another code') }) }),
    'ERR_ID_TOKEN_INVALID',
  )
  expect(bed.app.errors).toMatchObject([{ cause: { claim: 'c_hash' } }])
})
