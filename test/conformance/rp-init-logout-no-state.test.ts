import { describe, it } from 'vitest'
import { expectSurvived } from '../support/bed/loggingOut.js'

describe('rp-init-logout-no-state', () => {
  it('survives a return from logout without state', () => expectSurvived({ state: undefined }))

  it('survives a return from logout with an empty state', () => expectSurvived({ state: '' }))
})
