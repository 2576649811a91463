import { describe } from 'vitest'
import { rejectsRefresh } from '../support/bed/refreshing.js'

describe('refresh-token-invalid-issuer', () => {
  rejectsRefresh('an ID token of another issuer', { claims: { iss: 'https://other.example' } })
  rejectsRefresh('an ID token without iss', { claims: { iss: undefined } })
})
