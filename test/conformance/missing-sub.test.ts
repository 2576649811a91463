import { describe } from 'vitest'
import { rejects } from '../support/bed/conformance.js'

describe('missing-sub', () => {
  rejects('an ID token without sub', { claims: { sub: undefined } }, 'ERR_ID_TOKEN_INVALID')
  rejects('an ID token with an empty sub', { claims: { sub: '' } }, 'ERR_ID_TOKEN_INVALID')
  rejects('an ID token with a number as sub', { claims: { sub: 7 } }, 'ERR_ID_TOKEN_INVALID')
  rejects('an ID token with an object as sub', { claims: { sub: { id: 'ada' } } }, 'ERR_ID_TOKEN_INVALID')
})
