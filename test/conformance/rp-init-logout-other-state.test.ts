import { describe, it } from 'vitest'
import { expectSurvived } from '../support/bed/loggingOut.js'

describe('rp-init-logout-other-state', () => {
  it('survives a return from logout with another state', () => expectSurvived({ state: 'another' }))

  it('survives a state of the same length, and one outside ASCII', async () => {
    await expectSurvived(({ state }) => ({ state: String(state).replace(/./g, 'A') }))
    await expectSurvived(({ state }) => ({ state: String(state).replace(/./g, 'é') }))
  })

  it('survives a return with two states', () => expectSurvived({ state: ['one', 'another'] }))
})
