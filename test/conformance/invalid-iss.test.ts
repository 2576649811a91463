import { describe } from 'vitest'
import { rejects } from '../support/bed/conformance.js'

describe('invalid-iss', () => {
  rejects('an ID token of another issuer', { claims: { iss: 'https://other.example' } }, 'ERR_ID_TOKEN_INVALID')
  rejects('an ID token without iss', { claims: { iss: undefined } }, 'ERR_ID_TOKEN_INVALID')
  rejects(
    'an ID token whose iss has an additional slash',
    { claims: ({ iss }) => ({ iss: `${String(iss)}/` }) },
    'ERR_ID_TOKEN_INVALID',
  )
  rejects('an ID token with a list as iss', { claims: ({ iss }) => ({ iss: [iss] }) }, 'ERR_ID_TOKEN_INVALID')
})
