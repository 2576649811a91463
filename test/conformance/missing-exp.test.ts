import { describe } from 'vitest'
import { accepts, rejects } from '../support/bed/conformance.js'

const now = () => Math.floor(Date.now() / 1000)

describe('missing-exp', () => {
  rejects('an ID token without exp', { claims: { exp: undefined } }, 'ERR_ID_TOKEN_INVALID')
  rejects('an ID token that has expired', { claims: () => ({ exp: now() - 60 }) }, 'ERR_ID_TOKEN_INVALID')
  accepts('an ID token that has expired within the clock tolerance', { claims: () => ({ exp: now() - 10 }) })
  rejects('an ID token that is issued in the future', { claims: () => ({ iat: now() + 60 }) }, 'ERR_ID_TOKEN_INVALID')
  rejects('an ID token that is not valid yet', { claims: () => ({ nbf: now() + 60 }) }, 'ERR_ID_TOKEN_INVALID')
  accepts('an ID token whose nbf has passed', { claims: () => ({ nbf: now() - 60 }) })
})
