import { describe } from 'vitest'
import { rejects } from '../support/bed/conformance.js'

describe('missing-iat', () => {
  rejects('an ID token without iat', { claims: { iat: undefined } }, 'ERR_ID_TOKEN_INVALID')
})
