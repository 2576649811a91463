import { describe } from 'vitest'
import { rejects } from '../support/bed/conformance.js'

describe('missing-aud', () => {
  rejects('an ID token without aud', { claims: { aud: undefined } }, 'ERR_ID_TOKEN_INVALID')
})
