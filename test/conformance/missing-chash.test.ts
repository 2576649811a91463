import { expect, it, onTestFinished } from 'vitest'
import { expectRefused, startFrontChannel } from '../support/bed/frontChannel.js'

it('missing-chash: rejects an ID token that came with a code and has no c_hash', async () => {
  const bed = await startFrontChannel('code id_token')
  onTestFinished(() => bed.close())
  await expectRefused(
    bed,
    async (r, resign) => ({ ...r, id_token: await resign(r.id_token, { c_hash: undefined }) }),
    'ERR_ID_TOKEN_INVALID',
  )
  expect(bed.app.errors).toMatchObject([{ cause: { claim: 'c_hash' } }])
})
